"""What ``serve`` tells its surroundings, in whichever form: lines for a person, or one JSON object per line."""

from __future__ import annotations

from typing import Final, Protocol

from gateway.ports import Reporter

INFO: Final = "info"
WARNING: Final = "warning"
ERROR: Final = "error"
Value = str | int | float | bool | None


class Report(Reporter, Protocol):
    """A ``ports.Reporter`` that the program itself speaks through too. No method blocks or raises."""

    def said(self, text: str) -> None:
        """A plain line of the program itself: banner, progress."""

    def output(self, stream: str, text: str) -> None:
        """A line that something else printed; ``stream`` is ``stdout`` or ``stderr``."""

    def event(self, kind: str, text: str, *, level: str = INFO, **fields: Value) -> None:
        """Something happened: ``kind`` is a stable name, ``fields`` say once more what a program may want to read;
        ``level`` is one of this module's."""

    def bind(self, **fields: Value) -> None:
        """What every later record carries too, its node for example; None takes a field away again."""
