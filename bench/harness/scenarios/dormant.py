"""Connections that say nothing: memory, alone and over TLS and as a fleet of processes, and the CPU they take."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from bench.harness.figure import at_most
from bench.harness.gateway import Gateway, seldom
from bench.harness.load import Load, Target
from bench.harness.procfs import cpu_s, pss, rss
from bench.harness.scenario import FULL, QUICK, SMOKE, Bench, Measured, Row, Scenario, median, settle, wait_until

WARM: Final = 64  # few: what they leave behind free is taken by those that are counted
OFTEN: Final = (
    10  # times that many come and go: Python rewrites what runs often, first times cost several times as much
)
IN_FLIGHT: Final = 64
WORKERS: Final = 6
FEW_WORKERS: Final = 2  # in a quick run, for starting them is what takes the time
FEW_RUNS: Final = 3  # of the smallest number: Python takes memory by the MiB
SETTLE_S: Final = 1.0
MB: Final = 1e6
COUNTS: Final = sorted({*FULL.dormant, *QUICK.dormant, *SMOKE.dormant})
FLEETS: Final = (SMOKE.fleet, QUICK.fleet, FULL.fleet)


def warmed(bench: Bench, gateway: Gateway, target: Target, sockets: int = WARM) -> None:
    """It has served before and is empty again: code is loaded and has run, buffers and arenas have their size."""
    load = bench.loads.at(target)
    for _ in range(OFTEN):
        load.open(sockets, IN_FLIGHT)
        load.close()
    load.end()
    wait_until(
        lambda: not any(gateway.table.ids(worker["node"]) for worker in gateway.ready["workers"]),
        30,
        "everybody's record is gone",
    )
    settle(SETTLE_S)


def dormant(bench: Bench) -> Mapping[str, Measured]:
    found: dict[str, Measured] = {}
    for count in bench.sizes.dormant:
        bench.step(f"{count} sockets")
        memory, cpu = _held(bench, count)
        last = count == bench.sizes.dormant[-1]
        found[f"dormant.bytes.{count}"] = Measured([memory], is_judged=last)
        if last:
            found["dormant.bytes"] = Measured(
                [memory], f"{count} sockets", details={"CPU µs per connect": cpu}, is_judged=count == 19_000
            )
        found[f"dormant.cpu.{count}"] = Measured([cpu])
    return found


def _held(bench: Bench, count: int) -> tuple[float, float]:
    """Bytes and microseconds of CPU per connection of a gateway that holds so many."""
    gateway = bench.gateways.serve("quiet", bench.gateways.table())
    warmed(bench, gateway, gateway.target)
    before, spent = gateway.rss(), gateway.cpu_s()
    load = bench.loads.at(gateway.target)
    load.open(count, IN_FLIGHT)
    cpu = (gateway.cpu_s() - spent) / count * 1e6
    settle(SETTLE_S)
    memory = (gateway.rss() - before) / count
    load.end()
    bench.gateways.end(gateway)
    return memory, cpu


def tls(bench: Bench) -> Mapping[str, Measured]:
    count = bench.sizes.secure
    gateway = bench.gateways.serve("quiet", bench.gateways.table(), "--tls-port", "0")
    warmed(bench, gateway, gateway.secure_target, 100)
    before = gateway.rss()
    load = bench.loads.at(gateway.secure_target)
    load.open(count, 1)
    settle(SETTLE_S)
    memory = (gateway.rss() - before) / count
    load.end()
    bench.gateways.end(gateway)
    return {"tls.bytes": Measured([memory], f"{count} sockets", is_judged=not bench.is_quick)}


def fleet(bench: Bench) -> Mapping[str, Measured]:
    count, workers = bench.sizes.fleet, FEW_WORKERS if bench.is_quick else WORKERS
    gateway = bench.gateways.serve("quiet", bench.gateways.table(), *seldom(("--workers", str(workers))))
    warmed(bench, gateway, gateway.target, WARM * workers)
    before, spent = gateway.rss(), gateway.cpu_s()
    clients = [bench.loads.at(gateway.target) for _ in range(workers)]
    shares = [count // workers + (at < count % workers) for at in range(workers)]
    bench.step(f"{count} sockets")
    for client, share in zip(clients, shares, strict=True):
        client.begin_open(share, IN_FLIGHT // 2)
    for client in clients:
        client.opened()
    cpu = (gateway.cpu_s() - spent) / count * 1e6
    settle(SETTLE_S)
    tree = gateway.child.tree
    everything, grown = rss(tree), (gateway.rss() - before) / count
    details = {"processes": float(len(tree)), "PSS, MB": pss(tree) / MB, "RSS before, MB": before / MB}
    for client in clients:
        client.end()
    bench.gateways.end(gateway)
    note = f"{count:,} sockets over {workers} workers"
    is_whole = count == 100_000
    return {
        "fleet.rss": Measured([everything / MB], note, details=details, is_judged=is_whole),
        f"dormant.bytes.{count}": Measured([grown], note, is_judged=is_whole),
        f"dormant.cpu.{count}": Measured([cpu], note),
        **({} if bench.is_quick else _growth(bench, grown, cpu, is_whole, smallest=bench.sizes.dormant[0])),
    }


def _growth(bench: Bench, memory: float, cpu: float, is_whole: bool, smallest: int) -> dict[str, Measured]:
    """Percent by which many cost more each than few; measured anew, that this scenario stands alone."""
    bench.step(f"{smallest} sockets")
    few = [_held(bench, smallest) for _ in range(FEW_RUNS)]
    few_bytes, few_cpu = median([each for each, _ in few]), median([each for _, each in few])
    note = f"from {smallest:,} to {bench.sizes.fleet:,} sockets; below 0 is less"
    return {
        "growth.bytes": Measured([(memory / few_bytes - 1) * 100], note, is_judged=is_whole),
        "growth.cpu": Measured([(cpu / few_cpu - 1) * 100], note, is_judged=is_whole),
    }


def idle(bench: Bench) -> Mapping[str, Measured]:
    count, seconds = bench.sizes.dormant[-1], bench.sizes.idle_s
    gateway = bench.gateways.serve("quiet", bench.gateways.table())
    warmed(bench, gateway, gateway.target)
    bench.step(f"nobody, {seconds / 2:g} s")
    empty = _share(gateway, seconds / 2)
    load: Load = bench.loads.at(gateway.target)
    load.open(count, IN_FLIGHT)
    settle(2 * SETTLE_S)
    bench.step(f"{count} sockets, {seconds:g} s")
    full = _share(gateway, seconds)
    load.end()
    bench.gateways.end(gateway)
    details = {"% with the sockets": full, "% without any (the lease)": empty}
    note = f"{count} sockets over {seconds:g} s: what they take beyond the lease of an empty node"
    return {"idle.cpu": Measured([max(full - empty, 0.0)], note, details=details)}


def _share(gateway: Gateway, seconds: float) -> float:
    """Percent of a core while nothing happens."""
    began, spent = time.monotonic(), cpu_s(gateway.workers)
    time.sleep(seconds)
    return (cpu_s(gateway.workers) - spent) / (time.monotonic() - began) * 100


DORMANT: Final = Scenario(
    "dormant",
    (
        Row("dormant.bytes", "user-space bytes per dormant connection, one process", "B", at_most(1_000)),
        *(Row(f"dormant.bytes.{n}", f"the same, {n:,} sockets", "B") for n in COUNTS),
        *(Row(f"dormant.cpu.{n}", f"CPU per connect while {n:,} are opened", "µs") for n in COUNTS),
    ),
    dormant,
    "Growth of the node's resident memory, divided by the sockets: everything `wsfleet serve` keeps, with registry, "
    "leases, limits and deadlines on. The node has held 64 sockets before. Not the kernel's own share (about 5 KB per "
    "socket), which no server can avoid.",
    (45, 8),
)
TLS: Final = Scenario(
    "tls",
    (Row("tls.bytes", "user-space bytes per dormant connection, TLS on the node", "B", at_most(12_000)),),
    tls,
    "The same where the node itself ends TLS: most of it is OpenSSL's.",
    (25, 5),
)
FLEET: Final = Scenario(
    "fleet",
    (
        Row("fleet.rss", "RSS of all gateway processes, 100,000 sockets", "MB", at_most(450)),
        *(Row(f"dormant.bytes.{n}", f"bytes per connection, {n:,} sockets, {WORKERS} workers", "B") for n in FLEETS),
        *(Row(f"dormant.cpu.{n}", f"CPU per connect while {n:,} are opened", "µs") for n in FLEETS),
        Row("growth.bytes", "growth of bytes per connection, 1,000 to 100,000", "%", at_most(10)),
        Row("growth.cpu", "growth of CPU per connect, 1,000 to 100,000", "%", at_most(10)),
    ),
    fleet,
    "Every process of `wsfleet serve --workers 6`, the parent too; pages that processes share count in each. CPU per "
    "connect is that of all workers, which here compete with the clients for the machine.",
    (90, 8),
)  # fmt: skip
IDLE: Final = Scenario(
    "idle",
    (Row("idle.cpu", "idle CPU of one process full of sockets, beyond its lease", "% of a core", at_most(0.05)),),
    idle,
    "Processor time of the node while no client says anything, less what the same node takes when it is empty: that is "
    "the renewal of its lease and its look at the fleet.",
    (110, 8),
)
