"""Lambda's runtime identifiers, read: which family a function needs, and which version of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateway.invoke.launch import LaunchError
from gateway.model.function import Function

SUPPORTED: Final = "python3.x, nodejsN.x, provided, provided.al2 and provided.al2023"
_PYTHON: Final = re.compile(r"python3\.(\d{1,2})")
_NODE: Final = re.compile(r"nodejs(\d{1,2})\.(?:x|\d{1,2})")
_PROVIDED: Final = re.compile(r"provided(\.\w+)?")


class Family(Enum):
    """How a function's process is started."""

    PYTHON = "python"
    NODE = "node"
    PROVIDED = "provided"


@dataclass(frozen=True, slots=True)
class Runtime:
    """``version`` is the minor of Python 3, the major of Node, 0 for ``provided``; ``name`` is Lambda's."""

    name: str
    family: Family
    version: int = 0


def runtime_of(function: Function) -> Runtime:
    """Raises LaunchError for a runtime that cannot be served here."""
    name = function.runtime
    if match := _PYTHON.fullmatch(name):
        return Runtime(name, Family.PYTHON, int(match[1]))
    if match := _NODE.fullmatch(name):
        return Runtime(name, Family.NODE, int(match[1]))
    if _PROVIDED.fullmatch(name):
        return Runtime(name, Family.PROVIDED)
    raise LaunchError(
        f"function {function.logical_id}: the runtime {name or '(none)'} is not supported",
        f"supported are {SUPPORTED}; any other language runs as provided.al2023 with a bootstrap of its own",
    )
