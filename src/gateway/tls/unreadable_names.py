"""Clients that ask for a server name beyond ASCII, which no client may send (RFC 6066 §3).

The ssl module refuses such a handshake by itself, but where a context chooses by name it also prints a traceback to
standard error for each: a stranger could fill that, and it is no line of ours.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def ignore_unreadable_names() -> None:
    """For the whole process, whatever else is reported that way stays so; idempotent."""
    if not isinstance(sys.unraisablehook, _Quiet):
        sys.unraisablehook = _Quiet(sys.unraisablehook)


class _Quiet:
    def __init__(self, before: Callable[[Any], Any]) -> None:
        self._before = before

    def __call__(self, unraisable: Any) -> None:
        """The ssl module names the bytes of the name as what the error is about."""
        if unraisable.exc_type is not UnicodeDecodeError or not isinstance(unraisable.object, bytes):
            self._before(unraisable)
