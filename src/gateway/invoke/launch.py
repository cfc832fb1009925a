"""How a function's process is started, as a value: what code preparation hands to the pool that runs it.

The pool knows nothing of runtimes, interpreters, zips or layers; whoever prepares a ``Launch`` knows nothing of
processes. The pool adds ``AWS_LAMBDA_RUNTIME_API`` and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.model.errors import UserError
from gateway.model.function import Function


class LaunchError(UserError):
    """A function's code cannot be made ready to run; ``message`` says why in one line, ``hint`` what to do."""


@dataclass(frozen=True, slots=True)
class Launch:
    """``argv[0]`` is an absolute path; ``env`` is the whole environment; ``cwd`` is absolute (``LAMBDA_TASK_ROOT``)."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    memory_mib: int


class Launches(Protocol):
    """Turns a function into something that can be started."""

    async def prepare(self, function: Function) -> Launch:
        """Make the code ready: unpacked, dependencies installed. Slow at first, cached by ``fingerprint`` afterwards.

        Raises LaunchError. May be called by several at once.
        """

    def fingerprint(self, function: Function) -> str:
        """Changes when the function's code or layers change; cheap enough to be asked at every reload.

        Called in a thread. Raises OSError when the code cannot be read.
        """
