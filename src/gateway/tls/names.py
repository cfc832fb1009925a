"""The names that every authority of this program signs for."""

from __future__ import annotations

from typing import Final

HOME_NAMES: Final = ("localhost", "127.0.0.1", "::1")
AWS_SUFFIXES: Final = ("amazonaws.com", "amazonaws.com.cn", "api.aws")
