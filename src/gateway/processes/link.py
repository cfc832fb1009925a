"""The gateway's end of one guardian: starts it, sends requests with their pipes, hears of starts and exits."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from gateway.ports import Confinement, Exit, LineSink
from gateway.processes.child import READ_BYTES, Child
from gateway.processes.guardian import Frames, Message, frame
from gateway.processes.memory_watch import MemoryWatch

SCRIPT: Final = Path(__file__).with_name("guardian.py")
CLOSE_TIMEOUT_S: Final = 5.0  # for everything to be killed; SIGKILL needs milliseconds unless the disk hangs


class GuardianGone(OSError):
    """The guardian ended before it answered."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "the process guardian ended")


@dataclass(frozen=True, slots=True)
class SpawnOrder:
    """What ``Processes.start`` was asked for."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    descriptors: Mapping[str, int]
    confinement: Confinement | None


class GuardianLink:
    """One guardian process and the children it has started."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._numbers = count(1)
        self._children: dict[int, Child] = {}
        self._frames = Frames()
        self._unsent: deque[tuple[memoryview, Child | None]] = deque()
        self._memory = MemoryWatch(self._loop)
        self._gone = self._loop.create_future()
        self._socket, far = socket.socketpair()
        with far:
            try:
                self._process = _start(far)
            except OSError:
                self._socket.close()
                raise
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket, self._readable)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_gone(self) -> bool:
        return self._gone.done()

    async def spawn(self, order: SpawnOrder, output: LineSink) -> Child:
        """Raises GuardianGone, or OSError when the program cannot be started."""
        number = next(self._numbers)
        child = Child(output, partial(self._signal, number), self._loop, tuple(order.descriptors.values()))
        self._children[number] = child
        request = {
            "kind": "spawn",
            "number": number,
            "argv": list(order.argv),
            "env": dict(order.env),
            "cwd": order.cwd,
            "descriptors": list(order.descriptors),
            "open_files": None if order.confinement is None else order.confinement.open_files,
        }
        self._send(request, child)
        try:
            await child.started
        except asyncio.CancelledError:
            self._signal(number, signal.SIGKILL)
            raise
        if order.confinement is not None:
            self._memory.add(child, order.confinement.memory_bytes)
        return child

    async def close(self) -> None:
        """End the guardian and with it every child; returns when they are gone."""
        if not self._gone.done():
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await asyncio.shield(self._gone)
        except TimeoutError:
            self._process.terminate()
            self._end()
        await self._loop.run_in_executor(None, self._reap)

    def _signal(self, number: int, signal_number: int) -> None:
        self._send({"kind": "signal", "number": number, "signal": signal_number}, None)

    def _send(self, message: Message, child: Child | None) -> None:
        if self._gone.done():
            if child is not None:
                child.has_failed(GuardianGone())
            return
        self._unsent.append((memoryview(frame(message)), child))
        if len(self._unsent) == 1:
            self._flush()

    def _flush(self) -> None:
        """Send what the socket takes; a spawn request's descriptors go with its first byte."""
        while self._unsent:
            data, child = self._unsent[0]
            try:
                sent = _send_part(self._socket, data, child)
            except BlockingIOError:
                self._loop.add_writer(self._socket, self._flush)
                return
            except OSError:
                self._end()
                return
            if sent < len(data):
                self._unsent[0] = (data[sent:], None)
            else:
                self._unsent.popleft()
        self._loop.remove_writer(self._socket)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end()
            return
        for message in self._frames.feed(data):
            self._report(message)

    def _report(self, message: Message) -> None:
        kind, number = message["kind"], message["number"]
        child = self._children[number]
        if kind == "started":
            child.has_started(message["pid"])
            return
        del self._children[number]
        if kind == "exited":
            self._memory.forget(child)
            child.has_ended(Exit(message["returncode"]))
        else:
            child.has_failed(OSError(message["errno"], message["text"]))

    def _end(self) -> None:
        """The guardian has gone: so has, by the kernel's hand, everything it started."""
        if self._gone.done():
            return
        self._gone.set_result(None)
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        self._unsent.clear()
        children, self._children = self._children, {}
        for child in children.values():
            self._memory.forget(child)
            child.kill_group()
            child.has_failed(GuardianGone())
            child.has_ended(Exit(-signal.SIGKILL))

    def reap_later(self) -> asyncio.Future[None]:
        """For a guardian that ended unasked: collect its exit status beside the loop."""
        return self._loop.run_in_executor(None, self._reap)

    def _reap(self) -> None:
        try:
            self._process.wait(CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _start(far: socket.socket) -> subprocess.Popen[bytes]:
    """In a session of its own, so that no Ctrl-C of the terminal reaches it, and with an environment of its own: what
    this process was told is not to be read from the parent of a handler either."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(SCRIPT), str(far.fileno()), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd="/",
        env={},
        pass_fds=[far.fileno()],
        start_new_session=True,
    )


def _send_part(link: socket.socket, data: memoryview, child: Child | None) -> int:
    if child is None:
        return link.send(data)
    sent = socket.send_fds(link, [data], child.far_ends)
    child.close_far_ends()
    return sent
