"""One process of a worker: started with its settings, signalled, waited for."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from contextlib import suppress

from gateway.workers.spec import WorkerSpec


class Child:
    """Made by ``start``. Its standard output and standard error are the parent's own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, program: Sequence[str], spec: WorkerSpec) -> Child:
        """In a process group of its own: Ctrl-C reaches the parent alone, which then signals everybody once.

        Raises OSError when there is no such program.
        """
        process = await asyncio.create_subprocess_exec(*program, stdin=asyncio.subprocess.PIPE, process_group=0)
        child = cls(process)
        assert process.stdin is not None
        process.stdin.write(spec.line())  # and nothing more: the pipe stays open as long as this process lives
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None

    async def wait(self) -> int:
        """The exit status as in subprocess: negative for a signal."""
        return await self._process.wait()

    def terminate(self) -> None:
        """Ask it to drain and leave, or, when it does so already, to end at once."""
        self._signal(signal.SIGTERM)

    def reload(self) -> None:
        """Ask it to read again what may have changed."""
        self._signal(signal.SIGHUP)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
