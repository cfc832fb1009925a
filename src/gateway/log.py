"""What is written while serving, whoever reads it: lines for a person or for a machine."""

from __future__ import annotations

from typing import Protocol

from gateway.ports import FunctionLog, Reporter


class Log(Reporter, Protocol):
    """Beside what every part reports: what the program itself has to say, what others print, and what functions do."""

    @property
    def functions(self) -> FunctionLog: ...

    def said(self, text: str) -> None:
        """A plain line of the program itself."""

    def output(self, stream: str, text: str) -> None:
        """A line that something else printed, on the stream it was printed to."""
