"""What a benchmark is made of: scenarios, each of which measures a few rows of the table, and what they work with."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from bench.harness.children import Children
from bench.harness.figure import Figure, Goal, Spread
from bench.harness.gateway import Gateways
from bench.harness.load import Loads
from bench.harness.progress import Progress

RUNS: Final = 5  # of everything that is a rate or CPU; memory is read once for each number of sockets


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done: counts per run, seconds where something is watched."""

    dormant: tuple[int, ...]
    secure: int
    fleet: int
    connects: int
    messages: int
    posts: int
    broadcast: tuple[int, ...]
    batch: int
    idle_s: float
    peers: int
    peer_s: float
    starts: int
    records: int

    def scaled(self, part: float) -> Sizes:
        """So much of all that is done again and again; what rows are named by stays."""
        return replace(
            self,
            connects=max(int(self.connects * part), 1),
            messages=max(int(self.messages * part), 1),
            posts=max(int(self.posts * part), 1),
            batch=max(int(self.batch * part), 1),
            records=max(int(self.records * part), 1),
            peers=max(int(self.peers * part), 1),
            idle_s=self.idle_s * part,
            peer_s=self.peer_s * part,
        )


FULL: Final = Sizes(
    dormant=(1_000, 5_000, 19_000),
    secure=2_000,
    fleet=100_000,
    connects=2_000,
    messages=10_000,
    posts=30_000,
    broadcast=(1_000, 5_000, 20_000, 100_000),
    batch=10_000,
    idle_s=60,
    peers=1_000,
    peer_s=1.5,
    starts=RUNS,
    records=20_000,
)
QUICK: Final = Sizes(
    dormant=(1_000, 3_000),
    secure=200,
    fleet=6_000,
    connects=500,
    messages=1_000,
    posts=3_000,
    broadcast=(1_000, 6_000),
    batch=1_000,
    idle_s=3,
    peers=100,
    peer_s=0.2,
    starts=1,
    records=2_000,
)


SMOKE: Final = Sizes(
    dormant=(100, 200),
    secure=20,
    fleet=120,
    connects=50,
    messages=50,
    posts=100,
    broadcast=(50, 100),
    batch=50,
    idle_s=1,
    peers=40,
    peer_s=0.05,
    starts=1,
    records=2_000,
)


@dataclass(frozen=True, slots=True)
class Bench:
    """``folder`` is thrown away at the end, ``cache`` is kept between benchmarks and lies outside the project;
    ``until`` is when all must be over, by ``time.monotonic``; ``may_install``: whether peers may be fetched."""

    root: Path
    folder: Path
    cache: Path
    sizes: Sizes
    is_quick: bool
    may_install: bool
    until: float
    children: Children
    gateways: Gateways
    loads: Loads
    progress: Progress

    @property
    def left_s(self) -> float:
        return self.until - time.monotonic()

    def step(self, text: str) -> None:
        self.progress.step(text)


class Unmeasured(Exception):
    """A scenario cannot be measured here, and the text says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a figure is, before it is measured."""

    name: str
    title: str
    unit: str
    goal: Goal | None = None

    def unmeasured(self, why: str) -> Figure:
        return Figure(self.name, self.title, self.unit, None, self.goal, why)


@dataclass(frozen=True, slots=True)
class Measured:
    """``values`` are of all runs; ``is_judged`` False where less was done than the goal is for."""

    values: Sequence[float]
    note: str = ""
    client: float | None = None
    details: Mapping[str, float] = field(default_factory=dict)
    is_judged: bool = True

    def as_figure(self, row: Row) -> Figure:
        goal = row.goal if self.is_judged else None
        spread = Spread.of(self.values)
        return Figure(row.name, row.title, row.unit, spread, goal, self.note, self.client, dict(self.details))


@dataclass(frozen=True, slots=True)
class Scenario:
    """``measure`` returns what it measured by the rows' names; raises Unmeasured or ChildFailed for all the others.

    ``includes`` says what is in the figures and what is not; ``seconds`` is about how long it takes, full and quick.
    """

    name: str
    rows: tuple[Row, ...]
    measure: Callable[[Bench], Mapping[str, Measured]]
    includes: str
    seconds: tuple[float, float]


def settle(seconds: float) -> None:
    """Let what was begun come to its end; only where nothing tells."""
    time.sleep(seconds)


def wait_until(condition: Callable[[], bool], within_s: float, what: str) -> None:
    """Raises Unmeasured."""
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            raise Unmeasured(f"within {within_s:g} s it never came true that {what}")
        time.sleep(0.05)


def median(values: Sequence[float]) -> float:
    return Spread.of(values).median
