"""One message to everybody by `POST /{stage}/@fleet/broadcast`, against `send()` in C over the same sockets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bench.harness.borrowed import IN_C, Borrowed, Spent
from bench.harness.children import ChildFailed
from bench.harness.crowd import Crowd
from bench.harness.figure import at_least, at_most
from bench.harness.gateway import Gateway, seldom
from bench.harness.program import Uncompiled
from bench.harness.scenario import FULL, QUICK, RUNS, SMOKE, Bench, Measured, Row, Scenario, Unmeasured, median, settle
from bench.harness.scenarios.dormant import FEW_WORKERS, WORKERS, warmed

BYTES: Final = 100
PATH: Final = "/@fleet/broadcast"
AT_LEAST: Final = 10_000  # messages of a run, whatever the number of sockets
WARM: Final = 3
SETTLE_S: Final = 0.5
COUNTS: Final = sorted({*FULL.broadcast, *QUICK.broadcast, *SMOKE.broadcast})


@dataclass(frozen=True, slots=True)
class Series:
    """Of each run: microseconds of CPU and of the clock for each receiver, of the product and of C."""

    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    our_wall: list[float] = field(default_factory=list)
    their_wall: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        return [limit / cost for limit, cost in zip(self.theirs, self.ours, strict=True)]

    @property
    def wall_ratios(self) -> list[float]:
        return [limit / cost for limit, cost in zip(self.their_wall, self.our_wall, strict=True)]


def broadcast(bench: Bench) -> Mapping[str, Measured]:
    workers = FEW_WORKERS if bench.is_quick else WORKERS
    gateway = bench.gateways.serve("quiet", bench.gateways.table(), *seldom(("--workers", str(workers))))
    warmed(bench, gateway, gateway.target)
    crowd = Crowd(bench, gateway)
    try:
        borrowed = Borrowed(gateway.workers, bench.root / "bench", bench.cache, bench.children, bench.folder)
    except Uncompiled as why:
        raise Unmeasured(f"{why}, and so nothing to compare with") from why
    found: dict[int, Series] = {}
    for count in bench.sizes.broadcast:
        bench.step(f"{count:,} sockets")
        crowd.grow(count)
        settle(SETTLE_S)
        found[count] = _series(bench, gateway, crowd, borrowed)
    for each in (borrowed, crowd):
        each.end()
    bench.gateways.end(gateway)
    return _measured(found, workers)


def _series(bench: Bench, gateway: Gateway, crowd: Crowd, borrowed: Borrowed) -> Series:
    """The product and C in turns."""
    count, made = crowd.size, Series()
    try:
        taken = borrowed.borrow()
    except ChildFailed as error:
        raise Unmeasured(f"nothing to compare with: {error}") from error
    if taken != count:
        raise Unmeasured(f"{taken} of {count} sockets could be borrowed")
    times = max(AT_LEAST // count, 1)
    for _ in range(WARM):
        sent_by_product(gateway, crowd), _sent_by_c(crowd, borrowed)
    for run in range(RUNS):
        bench.step(f"{count:,} sockets, run {run + 1} of {RUNS}")
        turns = [(sent_by_product(gateway, crowd), _sent_by_c(crowd, borrowed)) for _ in range(times)]
        us = 1e6 / count / times
        made.ours.append(sum(each.cpu_s for each, _ in turns) * us)
        made.theirs.append(sum(each.cpu_s for _, each in turns) * us)
        made.our_wall.append(sum(each.seconds for each, _ in turns) * us)
        made.their_wall.append(sum(each.seconds for _, each in turns) * us)
    return made


def sent_by_product(gateway: Gateway, crowd: Crowd, beside: int = 0) -> Spent:
    """By one call, which everybody has heard of when it returns; ``beside``: sockets that are not the crowd's."""
    with crowd.receiving():
        spent = gateway.cpu_s()
        call = gateway.call(PATH, b"x" * BYTES)
        cpu_s = gateway.cpu_s() - spent
    counts: dict[str, Any] = call.document["counts"]
    if counts != {"sent": crowd.size + beside, "gone": 0, "limited": 0}:
        raise Unmeasured(f"of {crowd.size + beside} messages {counts}")
    return Spent(counts["sent"], call.seconds, cpu_s)


def _sent_by_c(crowd: Crowd, borrowed: Borrowed) -> Spent:
    with crowd.receiving():
        spent = borrowed.send(BYTES)
    if spent.sent != crowd.size:
        raise Unmeasured(f"{spent.sent} of {crowd.size} messages were sent")
    return spent


def _measured(found: Mapping[int, Series], workers: int) -> Mapping[str, Measured]:
    count, series = list(found.items())[-1]
    few, many = next(iter(found.values())), series
    is_whole = count == FULL.broadcast[-1]
    note = f"{count:,} sockets over {workers} workers, {BYTES} bytes; C: {workers} loops over the same sockets"
    details = {IN_C: median(series.theirs)}
    growth = [(each / median(few.ours) - 1) * 100 for each in many.ours]
    growth_of_c = (median(many.theirs) / median(few.theirs) - 1) * 100
    made = {
        "broadcast.ratio": Measured(series.ratios, note, details=details, is_judged=is_whole),
        "broadcast.ratio.wall": Measured(series.wall_ratios, note, is_judged=is_whole),
        "broadcast.rate": Measured(
            [1e6 / each for each in series.our_wall],
            f"{count:,} sockets; from the call to its answer",
            details={"C, 1/s": 1e6 / median(series.their_wall)},
        ),
        "growth.broadcast": Measured(
            growth,
            f"from {next(iter(found)):,} to {count:,} sockets; below 0 is less",
            details={"%, of send() in C": growth_of_c},
            is_judged=is_whole,
        ),
    }
    for sockets, each in found.items():
        more = {IN_C: median(each.theirs)}
        made[f"broadcast.cpu.{sockets}"] = Measured(each.ours, details=more)
    return made


BROADCAST: Final = Scenario(
    "broadcast",
    (
        Row("broadcast.ratio", "broadcast to 100,000 against a C loop of send(), CPU", "x", at_least(0.8)),
        Row("broadcast.ratio.wall", "the same, by the clock", "x", at_least(0.8)),
        Row("broadcast.rate", "messages of a broadcast per second, all nodes", "1/s"),
        *(Row(f"broadcast.cpu.{n}", f"CPU per message of a broadcast to {n:,}", "µs") for n in COUNTS),
        Row("growth.broadcast", "growth of CPU per message, 1,000 to 100,000", "%", at_most(10)),
    ),
    broadcast,
    "One signed call to one of six nodes, which asks the others; CPU is that of all nodes with everything they do for "
    "it (signature, the read of the node records, hops, the messages, the answer), time is until the answer with its "
    "counts. C is a loop of `send()` for each node, over the very sockets of that node, which it borrows "
    "(`pidfd_getfd`). Both send the same bytes in turns to clients that read when all is sent, as if they were "
    "elsewhere and took no time of this machine; all of them have everything before the next begins.",
    (130, 9),
)  # fmt: skip
