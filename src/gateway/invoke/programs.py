"""Programs run to their end: pip, npm and questions to interpreters, through the port that leaves no orphans.

Nobody else in this room starts anything that is not a function's process. What is printed is kept to its last lines,
which is where tools say what went wrong.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.ports import Processes

TAIL_LINES: Final = 20


@dataclass(frozen=True, slots=True)
class Ended:
    """``returncode`` None when the program could not start or did not end in time; ``lines`` are its last ones."""

    returncode: int | None
    lines: tuple[str, ...]

    @property
    def is_success(self) -> bool:
        return self.returncode == 0


@dataclass(frozen=True, slots=True)
class Programs:
    """``env`` is what tools get: the gateway's own environment, with its proxies, registries and caches."""

    processes: Processes
    env: Mapping[str, str] = field(repr=False)

    async def run(
        self, argv: Sequence[str], *, cwd: Path, timeout_s: float, env: Mapping[str, str] | None = None
    ) -> Ended:
        """Run to the end or to the deadline, whichever is first; killed when the caller is cancelled."""
        lines: deque[str] = deque(maxlen=TAIL_LINES)

        def keep(stream: str, line: str) -> None:
            lines.append(line)

        try:
            process = await self.processes.start(argv, env={**self.env, **(env or {})}, cwd=str(cwd), output=keep)
        except OSError as error:
            return Ended(None, (f"{argv[0]}: {error.strerror or error}",))
        try:
            ended = await asyncio.wait_for(process.wait(), timeout_s)
        except TimeoutError:
            return Ended(None, (*lines, f"{argv[0]} did not end within {timeout_s:.0f} s"))
        finally:
            process.kill()
        process.drain()
        return Ended(ended.returncode, (*lines, ended.error) if ended.error else tuple(lines))

    def all_named(self, name: str) -> tuple[str, ...]:
        """Every executable of this name on PATH, as absolute paths, in PATH's order."""
        folders = dict.fromkeys(entry for entry in self.env.get("PATH", os.defpath).split(os.pathsep) if entry)
        paths = (os.path.abspath(os.path.join(folder, name)) for folder in folders)
        return tuple(path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK))

    def named(self, name: str) -> str | None:
        """The first executable of this name on PATH."""
        return next(iter(self.all_named(name)), None)
