"""Posts of the management API: taken by the node that holds the connection, and forwarded to it by another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.harness.children import ChildFailed
from bench.harness.figure import at_least, at_most
from bench.harness.gateway import Gateway
from bench.harness.load import Load, Raced
from bench.harness.scenario import RUNS, Bench, Measured, Row, Scenario, Unmeasured, median

SOCKETS: Final = 200
CONNECTIONS: Final = 64
DIFFERENT: Final = 2_000  # signed each for itself; sent round and round
DEEP: Final = 8
CHECK: Final = 20
WARM: Final = 1_500


@dataclass(frozen=True, slots=True)
class _Series:
    """``costs``: microseconds of CPU of all nodes together."""

    costs: list[float]
    raced: list[Raced]

    @property
    def rates(self) -> list[float]:
        return [each.rate for each in self.raced]

    @property
    def client(self) -> float:
        return max(each.share for each in self.raced)


def posts(bench: Bench) -> Mapping[str, Measured]:
    gateway = bench.gateways.serve("quiet", bench.gateways.table())
    receiver, poster = _held(bench, gateway), bench.loads.at(gateway.target)
    requests = gateway.posts(gateway.node, DIFFERENT, SOCKETS)
    _check(poster, receiver, requests)
    plain = _series(bench, poster, receiver, requests, [gateway])
    deep = _series(bench, poster, receiver, requests, [gateway], DEEP)
    for load in (receiver, poster):
        load.end()
    bench.gateways.end(gateway)
    note = f"{SOCKETS} sockets, {CONNECTIONS} kept connections, 100 bytes, every request signed for itself"
    return {
        "post.cpu": Measured(plain.costs, note),
        "post.rate": Measured([1e6 / cost for cost in plain.costs], "posts per CPU second of the node"),
        "post.rate.wall": Measured(plain.rates, note, plain.client),
        "post.rate.deep": Measured(deep.rates, f"{DEEP} requests on their way per connection", deep.client),
    }


def forwarded(bench: Bench) -> Mapping[str, Measured]:
    table = bench.gateways.table()
    owner, other = (bench.gateways.serve("quiet", table) for _ in range(2))
    receiver = _held(bench, owner)
    at_owner, at_other = bench.loads.at(owner.target), bench.loads.at(other.target)
    local_requests = owner.posts(owner.node, DIFFERENT, SOCKETS)
    far_requests = other.posts(owner.node, DIFFERENT, SOCKETS)
    try:
        _check(at_other, receiver, far_requests)
    except ChildFailed as error:
        raise Unmeasured(f"nothing is forwarded: {error}") from error
    nodes = [owner, other]
    local = _series(bench, at_owner, receiver, local_requests, nodes)
    far = _series(bench, at_other, receiver, far_requests, nodes)
    for load in (receiver, at_owner, at_other):
        load.end()
    bench.gateways.end(owner, other)
    ratios = [each / median(local.costs) for each in far.costs]
    note = f"{SOCKETS} sockets on one node, {CONNECTIONS} connections to the other, over its Unix socket"
    details = {"CPU µs per local post": median(local.costs), "CPU µs per forwarded post": median(far.costs)}
    return {
        "forward.rate": Measured(far.rates, note, far.client, details),
        "forward.cpu": Measured(far.costs, "both nodes together"),
        "forward.ratio": Measured(ratios, "CPU of both nodes, forwarded against local, same run", details=details),
    }


def _held(bench: Bench, gateway: Gateway) -> Load:
    load = bench.loads.at(gateway.target)
    load.open(SOCKETS, CONNECTIONS)
    return load


def _check(poster: Load, receiver: Load, requests: Sequence[bytes]) -> None:
    """A few first, that a mistake shows before it is measured."""
    receiver.received()
    poster.post(CHECK, 2, 1, requests)
    receiver.wait_for(CHECK, 10)


def _series(
    bench: Bench, poster: Load, receiver: Load, requests: Sequence[bytes], nodes: Sequence[Gateway], depth: int = 1
) -> _Series:
    count = bench.sizes.posts
    warm = max(count // 10, WARM)
    receiver.received()
    poster.post(warm, CONNECTIONS, depth, requests)
    receiver.wait_for(warm, 10)
    found = _Series([], [])
    for run in range(RUNS):
        bench.step(f"depth {depth}, run {run + 1} of {RUNS}")
        receiver.received()
        spent = sum(node.cpu_s() for node in nodes)
        found.raced.append(poster.post(count, CONNECTIONS, depth, requests))
        found.costs.append((sum(node.cpu_s() for node in nodes) - spent) / count * 1e6)
        receiver.wait_for(count, 10)
    return found


POSTS: Final = Scenario(
    "posts",
    (
        Row("post.cpu", "CPU per post, signature verified", "µs"),
        Row("post.rate", "posts per second of a core, signature verified", "1/s", at_least(20_000)),
        Row("post.rate.wall", "posts per second, one process beside its client", "1/s"),
        Row("post.rate.deep", "the same, pipelined", "1/s"),
    ),
    posts,
    "Parsed, signature verified (Signature Version 4, each request signed for itself with its own body), connection "
    "found, framed, written, answered; every message is counted by its receiver. *Per second of a core* is the "
    "reciprocal of the CPU per post: what one core does that has nothing else to do.",
    (30, 6),
)
FORWARDED: Final = Scenario(
    "forwarded",
    (
        Row("forward.rate", "forwarded posts per second between two nodes", "1/s", at_least(8_000)),
        Row("forward.cpu", "CPU per forwarded post, both nodes", "µs"),
        Row("forward.ratio", "CPU of a forwarded post, times a local one", "x", at_most(2.5)),
    ),
    forwarded,
    "The post arrives at a node that verifies it and asks the owner of the connection, over a Unix socket with every "
    "message authenticated; CPU is that of both nodes.",
    (35, 8),
)
