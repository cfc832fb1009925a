"""One message to 10,000 connections: by one batch post, and by as many single posts of boto3."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Final

from bench.harness.borrowed import Spent
from bench.harness.children import Child
from bench.harness.crowd import Crowd
from bench.harness.figure import at_least
from bench.harness.gateway import KEYS, STAGE, Gateway
from bench.harness.scenario import FULL, Bench, Measured, Row, Scenario, Unmeasured, median
from bench.harness.scenarios.dormant import warmed

RUNS: Final = 3  # a pass of single posts takes ten seconds
BATCHES: Final = 3  # of a run
WARM: Final = 200  # single posts: 64 connections are there


def batch(bench: Bench) -> Mapping[str, Measured]:
    count = bench.sizes.batch
    gateway = bench.gateways.serve("quiet", bench.gateways.table())
    warmed(bench, gateway, gateway.target)
    crowd = Crowd(bench, gateway)
    crowd.grow(count)
    ids = gateway.table.ids(gateway.node)
    path = bench.folder / "connection-ids"
    path.write_text("\n".join(ids), encoding="ascii")
    words = [sys.executable, str(bench.root / "bench" / "many_posts.py")]
    words += [f"http://{gateway.target.host_header}/{STAGE}", KEYS.region, str(path)]
    child = bench.children.start("many-posts", words, bench.folder, bench.gateways.environment(), pipes=True)
    _ask(child, f"single {min(WARM, count)}", min(WARM, count))
    _sent(child, gateway, crowd, "batch")
    singles, batches = [], []
    for run in range(RUNS):
        bench.step(f"run {run + 1} of {RUNS}")
        singles.append(_sent(child, gateway, crowd, "single"))
        batches.append([_sent(child, gateway, crowd, "batch") for _ in range(BATCHES)])
    bench.children.end(child, hard=True)
    crowd.end()
    bench.gateways.end(gateway)
    note = f"{count:,} connections of one node, 100 bytes; the helper of the sample application with boto3"
    one, many = [count / each.seconds for each in singles], [count * BATCHES / _seconds(each) for each in batches]
    return {
        "batch.ratio": Measured(
            [ours / theirs for ours, theirs in zip(many, one, strict=True)],
            f"{note}; single: 64 threads",
            details={"single posts, 1/s": median(one)},
            is_judged=count == FULL.batch,
        ),
        "batch.rate": Measured(many, "connections per second, from the call to its answer"),
        "batch.cpu": Measured(
            [each.cpu_s / count * 1e6 for run in batches for each in run],
            "of the node",
            details={"CPU µs of a single post": median([each.cpu_s for each in singles]) / count * 1e6},
        ),
    }


def _seconds(batches: list[Spent]) -> float:
    return sum(each.seconds for each in batches)


def _sent(child: Child, gateway: Gateway, crowd: Crowd, what: str) -> Spent:
    """To everybody, who has it when this returns."""
    with crowd.receiving():
        spent = gateway.cpu_s()
        seconds = _ask(child, f"{what} {crowd.size}", crowd.size)
        cpu_s = gateway.cpu_s() - spent
    return Spent(crowd.size, seconds, cpu_s)


def _ask(child: Child, line: str, count: int) -> float:
    """Seconds that it took."""
    child.say(line)
    told = json.loads(child.line())
    if told["sent"] != count:
        raise Unmeasured(f"{line}: {told['sent']} were sent")
    return float(told["seconds"])


BATCH: Final = Scenario(
    "batch",
    (
        Row("batch.ratio", "batch post of 10,000 against single posts by boto3", "x", at_least(20)),
        Row("batch.rate", "connections per second by batch posts", "1/s"),
        Row("batch.cpu", "CPU per connection of a batch post", "µs"),
    ),
    batch,
    "One message to all connections by `post_to_connections` of `src/handlers/many.py`, one signed call, and the same "
    "by PostToConnection of boto3 in 64 threads, in turns; time is until every outcome is known, which the caller "
    "mostly spends in boto3 where it posts one by one.",
    (60, 9),
)
