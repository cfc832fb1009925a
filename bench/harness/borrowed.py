"""Loops of ``send()`` in C over the very sockets that gateways serve: what sending to everybody costs at least."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.harness.children import Child, Children
from bench.harness.program import program_of

SOURCE: Final = "send.c"
IN_C: Final = "CPU µs per send() in C"  # beside what the same costs through a gateway


@dataclass(frozen=True, slots=True)
class Spent:
    """On one message to everybody, by all processes together: ``seconds`` from the first to the last of them."""

    sent: int
    seconds: float
    cpu_s: float


class Borrowed:
    """One process for each of ``pids``, side by side as those are. Raises Uncompiled without a compiler, and
    ChildFailed where the system does not let one process have another's descriptors."""

    def __init__(self, pids: Sequence[int], bench: Path, cache: Path, children: Children, folder: Path) -> None:
        program = str(program_of(bench / SOURCE, cache))
        self._children = children
        self._all = [children.start("send", [program, str(pid)], folder, pipes=True) for pid in pids]

    def borrow(self) -> int:
        """Everybody who is connected now; how many."""
        return sum(found["borrowed"] for found in self._asked("borrow"))

    def send(self, size: int) -> Spent:
        """One TEXT message of so many bytes to each."""
        began = time.monotonic()
        found = self._asked(f"send {size}")
        seconds = time.monotonic() - began
        return Spent(sum(each["sent"] for each in found), seconds, sum(each["cpu"] for each in found))

    def end(self) -> None:
        for child in self._all:
            self._children.end(child, hard=True)

    def _asked(self, line: str) -> list[dict[str, Any]]:
        for child in self._all:
            child.say(line)
        return [_document(child) for child in self._all]


def _document(child: Child) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(child.line())
    return document
