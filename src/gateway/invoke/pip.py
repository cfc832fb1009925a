"""pip, however this machine has it: beside the gateway, with the interpreter itself, or as ``uv``.

It installs into a folder for one interpreter and never touches an environment. The user's configuration of indexes,
proxies and certificates applies, as in a terminal.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.invoke.interpreters import Python
from gateway.invoke.programs import Ended, Programs

INSTALL_TIMEOUT_S: Final = 900.0  # a package without a wheel may have to be compiled
_ASK_TIMEOUT_S: Final = 30.0
_OPTIONS: Final = ("--quiet", "--no-input", "--disable-pip-version-check", "--no-warn-conflicts")


class Pip:
    """One per gateway; finds out once how to install for each interpreter."""

    def __init__(self, programs: Programs, own: str = sys.executable) -> None:
        self._programs = programs
        self._own = own
        self._lock = asyncio.Lock()
        self._commands: dict[Python, tuple[str, ...] | None] = {}

    async def install(self, python: Python, target: Path, what: Sequence[str], *, cwd: Path) -> Ended:
        """Install ``what`` (requirements, or ``-r`` and a file) into ``target``."""
        command = await self._command(python)
        if command is None:
            return Ended(None, (f"there is no pip for {python.program}",))
        argv = (*command, "--target", str(target), *what)
        return await self._programs.run(argv, cwd=cwd, timeout_s=INSTALL_TIMEOUT_S, env={"PYTHONPATH": ""})

    async def _command(self, python: Python) -> tuple[str, ...] | None:
        async with self._lock:
            if python not in self._commands:
                self._commands[python] = await self._find(python)
        return self._commands[python]

    async def _find(self, python: Python) -> tuple[str, ...] | None:
        if await self._works(self._own, "-m", "pip", "--python", python.program, "--version"):
            return (self._own, "-m", "pip", "--python", python.program, "install", *_OPTIONS)
        if await self._works(python.program, "-m", "pip", "--version"):
            return (python.program, "-m", "pip", "install", *_OPTIONS)
        uv = self._programs.named("uv")
        return (uv, "pip", "install", "--quiet", "--python", python.program) if uv else None

    async def _works(self, *argv: str) -> bool:
        ended = await self._programs.run(argv, cwd=Path("/"), timeout_s=_ASK_TIMEOUT_S, env={"PYTHONPATH": ""})
        return ended.is_success
