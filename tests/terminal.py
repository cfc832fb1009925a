"""A program in a terminal that nobody sits at: typed into, and read until it has shown something."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

DEADLINE_S = 30.0
_CONTROL = re.compile(r"\x1b(?:\[[0-9;]*[A-Za-z]|[78])")


class Terminal:
    """One running program; ``text`` is all it has printed, without control sequences."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._raw = bytearray()
        self._changed = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    @property
    def text(self) -> str:
        return _CONTROL.sub("", self._raw.decode("utf-8", "replace"))

    async def type(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()

    async def shows(self, wanted: str, within_s: float = DEADLINE_S) -> None:
        """Wait until ``wanted`` has been printed; fails with all that was."""
        await self.until(lambda: wanted in self.text, wanted, within_s)

    async def until(self, condition: Callable[[], bool], wanted: str, within_s: float = DEADLINE_S) -> None:
        async def wait() -> None:
            async with self._changed:
                await self._changed.wait_for(lambda: condition() or self._reader.done())

        with suppress(TimeoutError):
            await asyncio.wait_for(wait(), within_s)
        assert condition(), f"{wanted!r} never came; what came was:\n{self.text}"

    async def interrupt(self, within_s: float = DEADLINE_S) -> int:
        """Ctrl-C: SIGINT to the whole process group; returns the exit status."""
        os.killpg(self._process.pid, signal.SIGINT)
        return await asyncio.wait_for(self._process.wait(), within_s)

    async def ends(self, within_s: float = DEADLINE_S) -> int:
        """Wait for the program to end by itself."""
        status = await asyncio.wait_for(self._process.wait(), within_s)
        await asyncio.wait_for(self._reader, within_s)
        return status

    async def close(self) -> None:
        """End the program, however."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        await asyncio.wait_for(self._reader, DEADLINE_S)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while chunk := await self._process.stdout.read(65536):
            async with self._changed:
                self._raw += chunk
                self._changed.notify_all()
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def terminal(command: str, cwd: Path, env: Mapping[str, str]) -> AsyncIterator[Terminal]:
    """Run a line of shell in a session of its own; standard error is shown with standard output."""
    process = await asyncio.create_subprocess_shell(
        f"exec {command}",
        cwd=cwd,
        env=dict(env),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    opened = Terminal(process)
    try:
        yield opened
    finally:
        await opened.close()
