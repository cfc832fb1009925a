"""Why a value cannot be known before deployment."""

from __future__ import annotations


class Unresolvable(Exception):
    """``reported`` says that the cause is among the findings already, so that what depends on it stays silent."""

    def __init__(self, message: str, hint: str = "", *, reported: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.reported = reported
