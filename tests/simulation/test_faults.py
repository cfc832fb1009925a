"""The n-th call to DynamoDB fails, n = 1, 2, …, alone or with those that follow: the invariants hold all the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from simulation.clients import Client
from simulation.dynamodb import Fault
from simulation.runs import THOROUGH, told
from simulation.scene import Simulation

LASTS_MS = 26_000
A_WHILE = 40  # calls, of three nodes about 8 s
STRIDE = 1 if THOROUGH else 13


def run(faults: Mapping[int, Fault], about: str) -> int:
    """Three nodes: clients come and go, one node is killed, a survivor leaves while it is being reaped, and messages to
    everybody and to a group, and lists, are under way at each. How many calls the table was asked meanwhile."""
    with told(1, about) as world:
        simulation = Simulation(world, nodes=3)
        simulation.dynamodb.faults = faults
        one, two, three = simulation.processes
        for process in simulation.processes:
            for ms in (900, 1_000, 1_000, 1_100):
                world.at(ms, lambda process=process: simulation.connect(process))  # type: ignore[misc]
        world.at(2_000, lambda: leave(simulation.clients[::4]))
        world.at(3_000, one.kill)
        world.at(6_000, lambda: [simulation.connect(two), simulation.connect(three)])
        world.at(9_000, lambda: leave(simulation.clients[1::4]))
        world.at(15_000, three.terminate)
        world.at(20_000, lambda: simulation.connect(two))
        for ms in (1_500, 2_995, 3_100, 9_000, 14_995, 20_500):
            world.at(ms, lambda: simulation.broadcast(two))
            world.at(ms, lambda: simulation.broadcast(three, waits=False))
            world.at(ms, lambda: simulation.post_to_many(two, list(simulation.book.stories)))
            world.at(ms, lambda: simulation.broadcast(three, group="red"))
            world.at(ms, lambda: simulation.list(two, "red", limit=2))
        world.run(LASTS_MS)
        calls = simulation.dynamodb.calls
        simulation.calm_down()
        simulation.check()
        return calls


def leave(clients: Iterable[Client]) -> None:
    for client in clients:
        client.leaves()


@pytest.fixture(scope="module")
def calls() -> int:
    return run({}, "without a fault")


@pytest.mark.parametrize("fault", Fault)
def test_any_one_call_may_fail(fault: Fault, calls: int) -> None:
    for number in range(1, calls + 1, STRIDE):
        run({number: fault}, f"call {number} {fault.value}")


@pytest.mark.parametrize("fault", Fault)
def test_from_any_call_on_all_may_fail_for_a_while(fault: Fault, calls: int) -> None:
    for number in range(1, calls + 1, 3 * STRIDE):
        run(dict.fromkeys(range(number, number + A_WHILE), fault), f"calls from {number} on {fault.value}")
