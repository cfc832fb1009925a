"""One child process as the gateway sees it: its output, its exit, and two signals. The guardian is its parent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from gateway.ports import Address, Exit, LineSink
from gateway.processes.far_end import belongs_to
from gateway.processes.lines import Lines

READ_BYTES: Final = 64 * 1024  # a pipe holds as much, so one read empties it


class Pipe:
    """The reading end of stdout or stderr; its lines go to ``output`` as the loop sees them."""

    __slots__ = ("_lines", "_loop", "reading_end", "writing_end")

    def __init__(self, stream: str, output: LineSink, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lines = Lines(partial(output, stream))
        self.reading_end, self.writing_end = os.pipe()
        os.set_blocking(self.reading_end, False)
        loop.add_reader(self.reading_end, self.read)

    def read(self) -> None:
        """Deliver what is there now."""
        if self.reading_end < 0:
            return
        try:
            data = os.read(self.reading_end, READ_BYTES)
        except BlockingIOError:
            return
        if data:
            self._lines.feed(data)
        else:
            self.close()

    def close(self) -> None:
        self.close_writing_end()
        if self.reading_end >= 0:
            self._loop.remove_reader(self.reading_end)
            os.close(self.reading_end)
            self.reading_end = -1
            self._lines.end()

    def close_writing_end(self) -> None:
        if self.writing_end >= 0:
            os.close(self.writing_end)
            self.writing_end = -1


class Child:
    """A ``gateway.ports.Process``. ``send_signal`` asks the guardian: it alone knows whether the pid is still ours."""

    __slots__ = ("_exit", "_held_bytes", "_pid", "_printed", "_send_signal", "_shared", "_stderr", "_stdout", "started")

    def __init__(
        self,
        output: LineSink,
        send_signal: Callable[[int], None],
        loop: asyncio.AbstractEventLoop,
        descriptors: Sequence[int] = (),
    ) -> None:
        """``descriptors`` are for the process beside its output, and stay the caller's own."""
        self._pid = 0
        self._held_bytes: int | None = None
        self._send_signal = send_signal
        self.started: asyncio.Future[int] = loop.create_future()
        self._exit: asyncio.Future[Exit] = loop.create_future()
        self._shared: list[int] = []  # duplicates, because the caller may close its own while the request waits
        self._stdout = Pipe("stdout", output, loop)
        try:
            self._stderr = Pipe("stderr", output, loop)
        except OSError:
            self._stdout.close()
            raise
        try:
            for descriptor in descriptors:
                self._shared.append(os.dup(descriptor))
        except OSError:
            self.close()
            raise
        self._printed = select.poll()
        for pipe in (self._stdout, self._stderr):
            self._printed.register(pipe.reading_end, select.POLLIN)

    @property
    def far_ends(self) -> list[int]:
        """What the guardian is to be sent: for stdout, for stderr, and the descriptors in their order."""
        return [self._stdout.writing_end, self._stderr.writing_end, *self._shared]

    def close_far_ends(self) -> None:
        self._stdout.close_writing_end()
        self._stderr.close_writing_end()
        for descriptor in self._shared:
            os.close(descriptor)
        self._shared.clear()

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
        """Asked for around every event, when mostly nothing was printed: one system call says so."""
        if self._printed.poll(0):
            self._stdout.read()
            self._stderr.read()

    def is_at(self, far: Address, near: Address) -> bool:
        return belongs_to(self._pid, near, far)

    def holds_too_much(self, held_bytes: int) -> None:
        """End it for the memory that it holds."""
        self._held_bytes = held_bytes
        self.kill()

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
            self._exit.set_result(replace(end, held_bytes=self._held_bytes))

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
        self.close_far_ends()
        self._stdout.close()
        self._stderr.close()
