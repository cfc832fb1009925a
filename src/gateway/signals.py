"""SIGINT, SIGTERM and SIGHUP: the first stops in good order, the second at once. Where there is something to read
again, SIGHUP has that done instead.

Children end with this process in any case, and whatever is recorded stays recorded.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

AT_ONCE: Final = 130  # 128 and SIGINT, as shells count
_ASKED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def heard(stop: asyncio.Event, say: Callable[[str], None], reload: Callable[[], None] | None = None) -> Iterator[None]:
    """While inside, a signal sets ``stop``; one that comes when it is set ends the process. ``reload`` is called for
    SIGHUP, which then stops nothing."""
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            say("stopping at once")
            os._exit(AT_ONCE)
        stop.set()

    for number in _ASKED:
        loop.add_signal_handler(number, reload if number == signal.SIGHUP and reload is not None else on_signal)
    try:
        yield
    finally:
        for number in _ASKED:
            loop.remove_signal_handler(number)
