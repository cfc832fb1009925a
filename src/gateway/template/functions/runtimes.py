"""Which runtimes can be run here, and what each needs to be told."""

from __future__ import annotations

import re
from typing import Final

_SUPPORTED: Final = re.compile(r"python3\.\d+|nodejs\d+\.(?:x|\d+)|provided(?:\.al2|\.al2023)?")
_WITHOUT_HANDLER: Final = "provided"
SUPPORTED_RUNTIMES: Final = "python3.*, nodejs* and provided.*"


def is_supported(runtime: str) -> bool:
    """Whether functions of this runtime can be run."""
    return _SUPPORTED.fullmatch(runtime) is not None


def needs_handler(runtime: str) -> bool:
    """Whether the runtime finds its code by the Handler; ``provided.*`` brings a ``bootstrap`` of its own."""
    return not runtime.startswith(_WITHOUT_HANDLER)
