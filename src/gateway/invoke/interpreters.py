"""Which program runs a runtime: the declared version where this machine has it, else the nearest, said once.

A file named ``python3.12`` proves nothing (version managers put shims on PATH that only print an error), so every
candidate is asked for its version. Virtual environments are looked through to the interpreter they were made from.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.invoke.launch import LaunchError
from gateway.invoke.programs import Programs
from gateway.invoke.runtimes import Runtime

ASK_TIMEOUT_S: Final = 20.0  # starting an interpreter takes 0.05 s; a cold disk or a busy machine takes longer
_ASK_PYTHON: Final = (
    "import json, sys; print(json.dumps([getattr(sys, '_base_executable', sys.executable), *sys.version_info[:3]]))"
)
_NODE_VERSION: Final = re.compile(r"v(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Python:
    """``program`` is an absolute path to an interpreter that is in no virtual environment."""

    program: str
    version: tuple[int, int, int]

    @property
    def minor(self) -> int:
        return self.version[1]


@dataclass(frozen=True, slots=True)
class Node:
    """``npm`` is None when the machine has none."""

    program: str
    version: tuple[int, int, int]
    npm: str | None

    @property
    def major(self) -> int:
        return self.version[0]


def own_python() -> Python:
    """The interpreter this gateway was installed with."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    return Python(os.path.realpath(base), sys.version_info[:3])


class Interpreters:
    """``warn`` hears of every runtime that runs on another version than declared, once each."""

    def __init__(self, programs: Programs, warn: Callable[[str], None], own: Python | None = None) -> None:
        self._programs = programs
        self._warn = warn
        self._own = own or own_python()
        self._lock = asyncio.Lock()
        self._pythons: dict[int, Python | None] = {}
        self._node: Node | None = None
        self._warned: set[str] = set()

    @property
    def own(self) -> Python:
        return self._own

    async def exact_python(self, minor: int) -> Python | None:
        """Python 3.``minor``, None when this machine's PATH has none that works."""
        if minor == self._own.minor:
            return self._own
        async with self._lock:
            if minor not in self._pythons:
                self._pythons[minor] = await self._find_python(minor)
        return self._pythons[minor]

    async def python(self, runtime: Runtime) -> Python:
        """The declared version or, with a warning, this gateway's own."""
        exact = await self.exact_python(runtime.version)
        if exact is None:
            self.warn_once(runtime, f"no working python3.{runtime.version} is on PATH", _python_text(self._own))
        return exact or self._own

    async def node(self, runtime: Runtime, logical_id: str) -> Node:
        """The node on PATH, with a warning when its major version is another. Raises LaunchError without one."""
        async with self._lock:
            self._node = self._node or await self._find_node()
        if self._node is None:
            raise LaunchError(
                f"function {logical_id}: {runtime.name} needs Node.js, and this machine has no working node on PATH",
                f"install Node.js {runtime.version} or newer, and start again",
            )
        if self._node.major != runtime.version:
            self.warn_once(runtime, f"node on PATH is version {self._node.major}", _node_text(self._node))
        return self._node

    def warn_once(self, runtime: Runtime, why: str, used: str) -> None:
        if runtime.name not in self._warned:
            self._warned.add(runtime.name)
            self._warn(f"{runtime.name} functions run on {used}: {why}")

    async def _find_python(self, minor: int) -> Python | None:
        for path in self._programs.all_named(f"python3.{minor}"):
            ended = await self._programs.run((path, "-I", "-c", _ASK_PYTHON), cwd=Path("/"), timeout_s=ASK_TIMEOUT_S)
            if ended.is_success and ended.lines:
                python = _python_from(ended.lines[-1])
                if python is not None and python.version[:2] == (3, minor):
                    return python
        return None

    async def _find_node(self) -> Node | None:
        for path in self._programs.all_named("node"):
            ended = await self._programs.run((path, "--version"), cwd=Path("/"), timeout_s=ASK_TIMEOUT_S)
            match = _NODE_VERSION.match(ended.lines[-1]) if ended.is_success and ended.lines else None
            if match:
                return Node(path, (int(match[1]), int(match[2]), int(match[3])), self._programs.named("npm"))
        return None


def _python_from(line: str) -> Python | None:
    try:
        program, major, minor, micro = json.loads(line)
    except ValueError:
        return None
    return Python(os.path.realpath(program), (major, minor, micro))


def _python_text(python: Python) -> str:
    return f"Python {python.version[0]}.{python.version[1]}"


def _node_text(node: Node) -> str:
    return f"Node.js {'.'.join(str(part) for part in node.version)}"
