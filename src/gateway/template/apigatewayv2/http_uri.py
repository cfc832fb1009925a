"""The address of a web server in an IntegrationUri, with ``{path}`` parameters and stage variables in it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

_CONTROL_OR_SPACE: Final = re.compile(r"[\x00-\x20\x7f]")


def is_url(text: str) -> bool:
    """Whether ``text`` is an http or https URL with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and _is_whole(text)
    except ValueError:  # a port that is none, or half an IPv6 address
        return False


def _is_whole(text: str) -> bool:
    return _CONTROL_OR_SPACE.search(text) is None
