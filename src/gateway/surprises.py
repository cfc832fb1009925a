"""What nobody caught, and what libraries complain of: told like everything else, one line each, never as a traceback.

A traceback has many lines, and quotes whatever a stranger sent; what tells a person where to look is in one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.model.surprise import one_line
from gateway.ports import Reporter


@contextmanager
def told(reporter: Reporter) -> Iterator[None]:
    """While inside, the running loop and the standard library's loggers speak to ``reporter``."""
    loop, root, handler = asyncio.get_running_loop(), logging.getLogger(), _Told(reporter)

    def on_surprise(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        del loop
        error = context.get("exception")
        text = _in_one_line(str(context.get("message", "unexpected")))
        reporter.failed(text if error is None else f"{text}: {one_line(error)}")

    loop.set_exception_handler(on_surprise)
    root.addHandler(handler)
    try:
        yield
    finally:
        loop.set_exception_handler(None)
        root.removeHandler(handler)


class _Told(logging.Handler):
    """Warnings and worse; the records of a library say which by their logger's name."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__(logging.WARNING)
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = _in_one_line(record.getMessage())
        except (TypeError, ValueError):  # a library's mistake: its arguments do not fit its text
            text = _in_one_line(str(record.msg))
        error = record.exc_info[1] if record.exc_info else None
        self._reporter.warned(f"{record.name}: {text}" + ("" if error is None else f": {one_line(error)}"))


def _in_one_line(text: str) -> str:
    return " ".join(text.split())
