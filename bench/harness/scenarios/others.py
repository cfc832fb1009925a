"""What everybody else notices of a broadcast, and what it leaves behind: waits, memory, clients that do not read."""

from __future__ import annotations

from collections.abc import Mapping
from os import kill
from signal import SIGSTOP
from typing import Final

from bench.harness.crowd import Crowd
from bench.harness.figure import at_most
from bench.harness.gateway import Gateway
from bench.harness.load import Load
from bench.harness.procfs import forget_peak, peak_rss
from bench.harness.scenario import RUNS, Bench, Measured, Row, Scenario, Unmeasured, median
from bench.harness.scenarios.broadcast import PATH, sent_by_product
from bench.harness.scenarios.dormant import warmed

PROBES: Final = 100  # sockets that pings go through
GAP_MS: Final = 1.0
MANY: Final = 10  # broadcasts between two looks at the memory
SLOW: Final = 8  # clients that do not read
LONG: Final = b"x" * 120_000
MOST_LONG: Final = 400  # messages, of which the kernel takes the first few megabytes for each
PINGS: Final = 500  # as long as a broadcast takes
MB: Final = 1e6


def others(bench: Bench) -> Mapping[str, Measured]:
    slow = _slow(bench)
    gateway = bench.gateways.serve("quiet", bench.gateways.table(), "--connection-ping-rate", "0")
    warmed(bench, gateway, gateway.target)
    crowd, prober = Crowd(bench, gateway), bench.loads.at(gateway.target)
    prober.open(PROBES, PROBES)
    crowd.grow(bench.sizes.dormant[-1] - PROBES)
    quiet, waits = _waits(bench, gateway, crowd, prober)
    peak, grown = _memory(bench, gateway, crowd)
    for each in (crowd, prober):
        each.end()
    bench.gateways.end(gateway)
    count, judged = crowd.size + PROBES, not bench.is_quick
    return {
        "others.wait": Measured(
            [max(waits)],
            f"the longest of {RUNS} broadcasts to {count:,} sockets of one node; pings {GAP_MS:g} ms apart",
            details={"ms, median of the longest": median(waits), "ms, longest without a broadcast": quiet},
            is_judged=judged,
        ),
        "others.peak": Measured([peak], f"{count:,} sockets; the most at any moment, beyond before", is_judged=judged),
        "others.grown": Measured([grown], f"{count:,} sockets; after {MANY} more", is_judged=judged),
        "others.slow": Measured([slow / MB], f"{SLOW} clients that do not read, messages of 120 KB"),
    }


def _waits(bench: Bench, gateway: Gateway, crowd: Crowd, prober: Load) -> tuple[float, list[float]]:
    """Milliseconds of the longest ping: while nothing happens, and within each of the broadcasts."""
    prober.begin_probe(PINGS, GAP_MS)
    quiet, waits = prober.probed().most_ms, []
    sent_by_product(gateway, crowd, beside=PROBES)
    for run in range(RUNS):
        bench.step(f"run {run + 1} of {RUNS}")
        prober.begin_probe(PINGS, GAP_MS)
        sent_by_product(gateway, crowd, beside=PROBES)
        waits.append(prober.probed().most_ms)
    return quiet, waits


def _memory(bench: Bench, gateway: Gateway, crowd: Crowd) -> tuple[float, float]:
    """Bytes for each receiver beyond those before: the most within a broadcast, and what stays after many."""
    bench.step("memory")
    (pid,) = gateway.workers
    forget_peak(pid)
    before = gateway.rss()
    sent_by_product(gateway, crowd, beside=PROBES)
    peak = (peak_rss(pid) - before) / crowd.size
    for _ in range(MANY):
        sent_by_product(gateway, crowd, beside=PROBES)
    return peak, (gateway.rss() - before) / crowd.size


def _slow(bench: Bench) -> float:
    """Bytes for each client that does not read, once nothing more is sent to it; of a node that has no room to spare
    from others."""
    bench.step("slow clients")
    gateway = bench.gateways.serve("quiet", bench.gateways.table())
    load = bench.loads.at(gateway.target)
    load.open(SLOW, SLOW)
    gateway.call(PATH, LONG)
    load.wait_for(SLOW, 10)
    before = gateway.rss()
    kill(load.pid, SIGSTOP)
    for _ in range(MOST_LONG):
        if gateway.call(PATH, LONG).document["counts"]["limited"] == SLOW:
            break
    else:
        raise Unmeasured(f"{MOST_LONG} messages of {len(LONG)} bytes, and nobody is limited who does not read")
    grown = (gateway.rss() - before) / SLOW
    load.end()
    bench.gateways.end(gateway)
    return grown


OTHERS: Final = Scenario(
    "broadcast-others",
    (
        Row("others.wait", "longest wait of another socket of a node while it broadcasts", "ms", at_most(20)),
        Row("others.peak", "memory of a node within a broadcast, for each receiver", "B", at_most(100)),
        Row("others.grown", "memory of a node that broadcasts leave behind, for each receiver", "B", at_most(20)),
        Row("others.slow", "memory for a client that does not read", "MB", at_most(1.5)),
    ),
    others,
    "The wait is that of a ping, from its sending to the pong, through sockets that get the broadcast too; node, "
    "clients and the asker share the machine. Memory is resident memory of the node. A client that does not read is a "
    "process that is stopped: 1 MiB of its messages is kept, what goes beyond is told as `limited`.",
    (40, 9),
)
