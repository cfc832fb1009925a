"""The same work for every gateway: held sockets, connects, messages through a trivial handler, posts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from bench.harness.load import Load, Raced, Target
from bench.harness.peers.served import Peer, Served
from bench.harness.procfs import cpu_s, rss
from bench.harness.scenario import RUNS, Bench, Measured, Row, Scenario, settle

CLIENTS: Final = 8
IN_FLIGHT: Final = 8
POSTED: Final = 20  # sockets that are posted to
CONNECTIONS: Final = 16
ASK: Final = '{"action":"id"}'
MESSAGE: Final = '{"action":"anything","data":{"text":"hello there","room":"tea"}}'
FIRST: Final = CLIENTS  # operations by which the size of a run is found
MOST: Final = 50_000
WARM: Final = 10  # times a few come, talk and go, and no longer than this
WARM_S: Final = 1.0
ARRIVE_S: Final = 10.0

KINDS: Final = (
    ("rss", "memory when empty, all processes", "MB"),
    ("bytes", "user-space bytes per idle connection", "B"),
    ("connect.cpu", "CPU per connect, all processes", "µs"),
    ("connect.rate", "connects per second", "1/s"),
    ("message.cpu", "CPU per message and answer, all processes", "µs"),
    ("message.rate", "messages per second through a trivial handler", "1/s"),
    ("post.cpu", "CPU per post, all processes", "µs"),
    ("post.rate", "posts per second", "1/s"),
)


def scenario_of(peer: Peer) -> Scenario:
    """Every gateway is a scenario of its own, with the same rows."""
    rows = tuple(Row(f"{peer.name}.{kind}", f"{peer.title}: {title}", unit) for kind, title, unit in KINDS)

    def measure(bench: Bench) -> Mapping[str, Measured]:
        with peer.serving(bench) as served:
            return {f"{peer.name}.{kind}": each for kind, each in _measured(bench, served).items()}

    return Scenario(
        peer.name,
        rows,
        measure,
        "The same load for every gateway; CPU is that of all its processes, handlers included. CPU per connect and "
        "bytes are of the sockets that were held; rates are of closed loops.",
        (35, 6),
    )


def _measured(bench: Bench, served: Served) -> dict[str, Measured]:
    note = f"{served.version}; {served.note}"
    load = bench.loads.at(served.target)
    poster = bench.loads.at(Target(served.post_port, served.target.path))
    bench.step("warm")
    end = time.monotonic() + WARM_S
    for _ in range(WARM):
        load.open(2 * IN_FLIGHT, IN_FLIGHT)
        load.echo(FIRST, CLIENTS, MESSAGE)
        load.close()
        if time.monotonic() > end:
            break
    settle(0.5)
    found = {"rss": Measured([rss(served.pids()) / 1e6], note)}
    found |= _connects(bench, served, load)
    found |= _series(bench, served, "message", lambda count: load.echo(count, CLIENTS, MESSAGE))
    ids = load.ask(POSTED, ASK)
    requests = [served.post(ids[at % len(ids)], b"%0100d" % at) for at in range(500)]

    def post(count: int) -> Raced:
        """All of them have arrived."""
        load.received()
        raced = poster.post(count, CONNECTIONS, 1, requests)
        load.wait_for(count, ARRIVE_S)
        return raced

    found |= _series(bench, served, "post", post)
    load.end()
    poster.end()
    return found


def _connects(bench: Bench, served: Served, load: Load) -> dict[str, Measured]:
    """In so many parts as there are runs, all of them held at the end."""
    bench.step("connects")
    part = max(served.sockets // RUNS, IN_FLIGHT)
    before, costs, rates = rss(served.pids()), [], []
    for _ in range(RUNS):
        spent = cpu_s(served.pids())
        raced = load.open(part, IN_FLIGHT)
        costs.append(max(cpu_s(served.pids()) - spent, 0.0) / part * 1e6)
        rates.append(raced.rate)
    settle(0.5)
    held = part * RUNS
    note = f"{held} sockets, {IN_FLIGHT} in flight"
    grown = max(rss(served.pids()) - before, 0) / held
    return {
        "bytes": Measured([grown], note),
        "connect.cpu": Measured(costs, note),
        "connect.rate": Measured(rates, note, raced.share),
    }


def _series(bench: Bench, served: Served, kind: str, act: Callable[[int], Raced]) -> dict[str, Measured]:
    """Runs of about as many seconds as are given to each, however slow the gateway is."""
    bench.step(f"{kind}s")
    first = act(FIRST)
    second = act(min(max(int(first.rate * 0.3), FIRST), MOST))
    count = min(max(int(second.rate * bench.sizes.peer_s), FIRST), MOST)
    costs, raced = [], []
    for _ in range(RUNS):
        spent = cpu_s(served.pids())
        raced.append(act(count))
        costs.append(max(cpu_s(served.pids()) - spent, 0.0) / count * 1e6)
    note = f"{CLIENTS} clients" if kind == "message" else f"{CONNECTIONS} kept connections, {POSTED} sockets, 100 bytes"
    return {
        f"{kind}.cpu": Measured(costs, note),
        f"{kind}.rate": Measured([each.rate for each in raced], note, max(each.share for each in raced)),
    }
