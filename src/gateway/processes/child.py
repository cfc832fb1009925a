"""One child process as the gateway sees it: its output, its exit, and two signals. The guardian is its parent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Final

from gateway.ports import Exit, LineSink
from gateway.processes.lines import Lines

READ_BYTES: Final = 64 * 1024  # a pipe holds as much, so one read empties it


class Pipe:
    """The reading end of stdout or stderr; its lines go to ``output`` as the loop sees them."""

    __slots__ = ("_fd", "_lines", "_loop", "writing_end")

    def __init__(self, stream: str, output: LineSink, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lines = Lines(partial(output, stream))
        self._fd, self.writing_end = os.pipe()
        os.set_blocking(self._fd, False)
        loop.add_reader(self._fd, self.read)

    def read(self) -> None:
        """Deliver what is there now."""
        if self._fd < 0:
            return
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return
        if data:
            self._lines.feed(data)
        else:
            self.close()

    def close(self) -> None:
        self.close_writing_end()
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
            self._lines.end()

    def close_writing_end(self) -> None:
        if self.writing_end >= 0:
            os.close(self.writing_end)
            self.writing_end = -1


class Child:
    """A ``gateway.ports.Process``. ``send_signal`` asks the guardian: it alone knows whether the pid is still ours."""

    __slots__ = ("_exit", "_pid", "_send_signal", "started", "stderr", "stdout")

    def __init__(self, output: LineSink, send_signal: Callable[[int], None], loop: asyncio.AbstractEventLoop) -> None:
        self._pid = 0
        self._send_signal = send_signal
        self.started: asyncio.Future[int] = loop.create_future()
        self._exit: asyncio.Future[Exit] = loop.create_future()
        self.stdout = Pipe("stdout", output, loop)
        try:
            self.stderr = Pipe("stderr", output, loop)
        except OSError:
            self.stdout.close()
            raise

    @property
    def pid(self) -> int:
        return self._pid

    async def wait(self) -> Exit:
        return await asyncio.shield(self._exit)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def drain(self) -> None:
        self.stdout.read()
        self.stderr.read()

    def _signal(self, number: int) -> None:
        if not self._exit.done():
            self._send_signal(number)

    def has_started(self, pid: int) -> None:
        self._pid = pid
        if not self.started.done():
            self.started.set_result(pid)

    def has_ended(self, end: Exit) -> None:
        """The output written before the exit is delivered before anybody hears of the exit."""
        self.drain()
        self.close()
        if not self._exit.done():
            self._exit.set_result(end)

    def has_failed(self, error: OSError) -> None:
        self.close()
        if not self.started.done():
            self.started.set_exception(error)

    def kill_group(self) -> None:
        """Without the guardian: for when it has died."""
        if self._pid and not self._exit.done():
            with contextlib.suppress(OSError):
                os.killpg(self._pid, signal.SIGKILL)

    def close(self) -> None:
        self.stdout.close()
        self.stderr.close()
