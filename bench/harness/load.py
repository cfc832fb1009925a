"""The load generator as the harness sees it: a process that is told what to do line by line."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from bench.harness.children import Child, Children
from bench.harness.program import Uncompiled, program_of

_SOURCES: Final = count(1)  # second octets of the 127.x addresses, one a process


@dataclass(frozen=True, slots=True)
class Raced:
    """What a command came to. ``cpu_s`` is the load generator's own."""

    done: int
    failed: int
    seconds: float
    cpu_s: float
    p50_ms: float
    p99_ms: float
    most_ms: float = 0.0

    @property
    def rate(self) -> float:
        """Operations per second."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def share(self) -> float:
        """Of a core, taken by the load generator."""
        return self.cpu_s / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Generator:
    """How a load generator is started; ``note`` tells what is not as it should be."""

    command: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server is: ``path`` of the upgrade, ``host`` of its header (None: ``127.0.0.1:port``), ``ca`` for TLS."""

    port: int
    path: str
    host: str | None = None
    ca: str | None = None

    @property
    def host_header(self) -> str:
        return self.host or f"127.0.0.1:{self.port}"


class Load:
    """Raises ChildFailed when the process ends, or when what was asked for was not done to the last one."""

    def __init__(self, child: Child, children: Children, folder: Path) -> None:
        self._child = child
        self._children = children
        self._folder = folder

    @property
    def pid(self) -> int:
        return self._child.pid

    def open(self, sockets: int, in_flight: int) -> Raced:
        return self._raced(f"open {sockets} {in_flight}")

    def begin_open(self, sockets: int, in_flight: int) -> None:
        """The same, its result to be fetched by ``opened``."""
        self._child.say(f"open {sockets} {in_flight}")

    def opened(self) -> Raced:
        return self._answer("open")

    def echo(self, messages: int, sockets: int, text: str) -> Raced:
        """One message at a time on each socket."""
        return self._raced(f"echo {messages} {sockets} {text}")

    def ask(self, sockets: int, text: str) -> list[str]:
        """What each socket is answered, at most 128 bytes."""
        self._child.say(f"ask {sockets} {text}")
        answers: list[str] = self._document()["answers"]
        return answers

    def post(self, posts: int, connections: int, depth: int, requests: Sequence[bytes]) -> Raced:
        """``depth``: requests on their way per connection; the requests are sent round and round."""
        path = self._folder / f"requests-{self.pid}"
        path.write_bytes(b"".join(b"%d\n%b" % (len(each), each) for each in requests))
        try:
            return self._raced(f"post {posts} {connections} {depth} {path}")
        finally:
            path.unlink()

    def received(self) -> int:
        """Messages since the last time it was asked."""
        self._child.say("received")
        return int(self._document()["frames"])

    def wait_for(self, messages: int, within_s: float) -> Raced:
        """Until so many have come since ``received``."""
        return self._raced(f"await {messages} {within_s}")

    def begin_wait_for(self, messages: int, within_s: float) -> None:
        """The same, its end to be fetched by ``waited``."""
        self._child.say(f"await {messages} {within_s}")

    def waited(self) -> Raced:
        return self._answer("await")

    def rest(self) -> None:
        """Read nothing until the next command, as if it were on another machine."""
        self._child.say("rest")
        self._document()

    def begin_probe(self, pings: int, gap_ms: float) -> None:
        """Pings, one at a time and each on the next socket, so long apart; the result is to be fetched by ``probed``.
        Only the generator in C does that."""
        self._child.say(f"probe {pings} {gap_ms}")

    def probed(self) -> Raced:
        return self._answer("probe")

    def close(self) -> None:
        """Every socket, by a reset."""
        self._raced("close")

    def end(self) -> None:
        self._children.end(self._child, hard=True)

    def _raced(self, command: str) -> Raced:
        self._child.say(command)
        return self._answer(command.partition(" ")[0])

    def _answer(self, command: str) -> Raced:
        found = self._document()
        times = found["p50_ms"], found["p99_ms"], found["most_ms"]
        raced = Raced(found["done"], found["failed"], found["seconds"], found["cpu"], *times)
        if raced.failed:
            raise self._child.failure(f"{command}: {raced.failed} of {raced.done + raced.failed} failed")
        return raced

    def _document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._child.line())
        return document


class Loads:
    """Makes load generators, and ends those it made."""

    def __init__(self, generator: Generator, secure: Generator, children: Children, folder: Path) -> None:
        self._generator = generator
        self._secure = secure
        self._children = children
        self._folder = folder

    def at(self, target: Target) -> Load:
        generator = self._generator if target.ca is None else self._secure
        words = [*generator.command, "127.0.0.1", str(target.port), target.path, str(1 + next(_SOURCES) % 200)]
        words.append(target.host_header)
        if target.ca is not None:
            words.append(target.ca)
        return Load(self._children.start("load", words, self._folder, pipes=True), self._children, self._folder)


def scripted(bench: Path) -> Generator:
    """The load generator in Python, which also speaks TLS."""
    return Generator((sys.executable, str(bench / "load.py")))


def compiled(bench: Path, cache: Path) -> Generator:
    """The load generator in C; the one in Python where there is none."""
    try:
        return Generator((str(program_of(bench / "load.c", cache)),))
    except Uncompiled as why:
        return Generator(scripted(bench).command, f"{why}: the load comes from Python, and may be the limit")
