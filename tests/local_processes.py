"""``Processes`` on asyncio's own subprocesses: the real contract, without the promise to survive ``kill -9``."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence

from gateway.ports import NO_DESCRIPTORS, Address, Confinement, Exit, LineSink, Process, Processes


class LocalProcess(Process):
    def __init__(self, process: asyncio.subprocess.Process, reading: asyncio.Task[None]) -> None:
        self._process = process
        self._reading = reading

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> Exit:
        await asyncio.shield(self._reading)
        return Exit(await self._process.wait())

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def drain(self) -> None:
        """Nothing to do: ``wait`` returns after the last line."""

    def is_at(self, far: Address, near: Address) -> bool:
        return True

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            os.killpg(self._process.pid, number)


class LocalProcesses(Processes):
    """``started`` remembers every argv, so that a test can say how often something ran."""

    def __init__(self) -> None:
        self.started: list[tuple[str, ...]] = []
        self._made: list[LocalProcess] = []

    async def settle(self) -> None:
        """Wait for whatever was started and killed, or the loop would close on processes it still watches."""
        for process in self._made:
            await process.wait()

    async def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        output: LineSink,
        descriptors: Mapping[str, int] = NO_DESCRIPTORS,
        confinement: Confinement | None = None,
    ) -> Process:
        self.started.append(tuple(argv))
        process = await asyncio.create_subprocess_exec(
            *argv,
            env={**env, **{name: str(fd) for name, fd in descriptors.items()}},
            cwd=cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            pass_fds=tuple(descriptors.values()),
            limit=2**20,
        )

        async def read() -> None:
            assert process.stdout is not None
            async for line in process.stdout:
                output("stdout", line.decode(errors="replace").rstrip("\r\n"))

        self._made.append(LocalProcess(process, asyncio.create_task(read())))
        return self._made[-1]
