"""What it costs to let somebody in: handshake, `$connect` by MOCK, the record in the registry, 101."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bench.harness.figure import at_most
from bench.harness.scenario import RUNS, Bench, Measured, Row, Scenario, wait_until
from bench.harness.scenarios.dormant import IN_FLIGHT, warmed


def connects(bench: Bench) -> Mapping[str, Measured]:
    count = bench.sizes.connects
    gateway = bench.gateways.serve("quiet", bench.gateways.table())
    warmed(bench, gateway, gateway.target)
    costs, rates, shares = [], [], []
    for run in range(RUNS):
        bench.step(f"run {run + 1} of {RUNS}")
        load = bench.loads.at(gateway.target)
        spent = gateway.cpu_s()
        raced = load.open(count, IN_FLIGHT)
        costs.append((gateway.cpu_s() - spent) / count * 1e6)
        rates.append(raced.rate)
        shares.append(raced.share)
        load.end()
        wait_until(lambda: not gateway.table.ids(gateway.node), 30, "everybody's record is gone")
    bench.gateways.end(gateway)
    note, client = f"{count:,} connects a run, {IN_FLIGHT} in flight", max(shares)
    return {
        "connect.cpu": Measured(costs, note),
        "connect.rate": Measured(rates, note, client),
    }


CONNECTS: Final = Scenario(
    "connects",
    (
        Row("connect.cpu", "CPU per connect, $connect by MOCK", "µs", at_most(120)),
        Row("connect.rate", "connects per second, one process", "1/s"),
    ),
    connects,
    "User and system time of the node with all its threads: the handshake checked, the route, MOCK's templates, the "
    "record made durable in a DynamoDB that answers at once, the 101. Not the double, and not the client.",
    (20, 5),
)
