"""How a function's process is started, as a value: what code preparation hands to the pool that runs it.

The pool knows nothing of runtimes, interpreters, zips or layers; whoever prepares a ``Launch`` knows nothing of
processes. To the environment only what leads the runtime to its events is added: ``AWS_LAMBDA_RUNTIME_API`` and, where
the program understands them, ``WSFLEET_EVENTS`` and ``WSFLEET_ANSWERS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gateway.model.errors import UserError
from gateway.model.function import Function


class LaunchError(UserError):
    """A function's code cannot be made ready to run; ``message`` says why in one line, ``hint`` what to do."""


class RuntimeClient(Enum):
    """What stands between a Python or Node handler and its events. ``provided`` runtimes bring their own."""

    OWN = "own"  # this project's bootstraps, over a channel; around Python handlers the runtime client of AWS
    AWS = "aws"  # whatever speaks the Runtime API: for Python ``awslambdaric`` alone


@dataclass(frozen=True, slots=True)
class Launch:
    """``argv[0]`` is an absolute path; ``env`` is the whole environment; ``cwd`` is absolute (``LAMBDA_TASK_ROOT``).

    ``has_channel``: the program is a bootstrap of this project, and takes events from ``invoke.runtime_channel``.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    memory_mib: int
    has_channel: bool = False


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
