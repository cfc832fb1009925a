"""How far the benchmark is, on standard error: one line that is drawn over, plain lines where nobody watches."""

from __future__ import annotations

import sys
import time
from typing import Final, TextIO

WIDTH: Final = 24


class Progress:
    """``total``: scenarios there will be."""

    def __init__(self, total: int, stream: TextIO = sys.stderr) -> None:
        self._total = total
        self._done = 0
        self._name = ""
        self._stream = stream
        self._draws = stream.isatty()
        self._began = time.monotonic()

    def begins(self, name: str) -> None:
        self._name = name
        self._draw("")

    def step(self, text: str) -> None:
        """What is being done within the scenario."""
        if self._draws:
            self._draw(text)

    def ends(self, text: str) -> None:
        self._done += 1
        self._clear()
        self._stream.write(f"{bar(self._done, self._total)} {self._name}: {text}\n")
        self._stream.flush()

    def _draw(self, text: str) -> None:
        if not self._draws:
            return
        self._clear()
        seconds = time.monotonic() - self._began
        self._stream.write(f"{bar(self._done, self._total)} {seconds:4.0f} s  {self._name} {text}"[:110])
        self._stream.flush()

    def _clear(self) -> None:
        if self._draws:
            self._stream.write("\r\x1b[K")


def bar(done: int, total: int) -> str:
    """``[####----] 3/7``."""
    full = WIDTH * done // max(total, 1)
    return f"[{'#' * full}{'-' * (WIDTH - full)}] {done}/{total}"
