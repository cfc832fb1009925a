"""What goes wrong on the way to the table in memory: the same for each of its adapters."""

from __future__ import annotations

import asyncio

import pytest

from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import NodeNumber
from gateway.registry.memory import Faults, MemoryRegistry, MemoryTable
from gateway.registry.memory_members import MemoryMembers
from gateway.registry.memory_parked import MemoryParked
from tables import connection, member, parked

ONE, TWO = NodeNumber(1), NodeNumber(2)


class Gate:
    """A pause the test opens step by step."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[None]] = []

    async def __call__(self) -> None:
        self.waiting.append(asyncio.get_running_loop().create_future())
        await self.waiting[-1]

    def open(self) -> None:
        self.waiting.pop(0).set_result(None)


async def step() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_the_effect_takes_place_between_two_pauses() -> None:
    gate, table = Gate(), MemoryTable()
    call = asyncio.ensure_future(MemoryRegistry(table, pause=gate).register(connection(1)))
    await step()
    assert not table.connections
    gate.open()
    await step()
    assert table.connections == (connection(1),)
    assert not call.done()
    gate.open()
    await call


async def test_a_node_stopped_on_the_way_there_wrote_nothing_and_on_the_way_back_everything() -> None:
    for stopped_after, expected in ((0, 0), (1, 1)):
        gate, table = Gate(), MemoryTable()
        call = asyncio.ensure_future(MemoryMembers(table, pause=gate).join(member(1)))
        await step()
        for _ in range(stopped_after):
            gate.open()
            await step()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert len(table.members) == expected


async def test_a_fault_strikes_when_the_effect_would_take_place() -> None:
    gate = Gate()
    registry = MemoryRegistry(pause=gate)
    call = asyncio.ensure_future(registry.register(connection(1)))
    await step()
    registry.faults = Faults(fail_from=1)
    gate.open()
    await step()
    assert not call.done(), "a failure takes its way back too"
    gate.open()
    with pytest.raises(RegistryUnavailable, match="call 1 failed"):
        await call
    assert registry.records == ()


async def test_each_client_has_faults_of_its_own_on_a_table_they_share() -> None:
    table = MemoryTable()
    cut_off, well = MemoryRegistry(table, faults=Faults(fail_from=1)), MemoryRegistry(table)
    with pytest.raises(RegistryUnavailable):
        await cut_off.register(connection(1))
    await well.register(connection(2))
    assert table.connections == (connection(2),)
    assert await well.find(NodeNumber(7), connection(2).connection_id) == connection(2)
    with pytest.raises(RegistryUnavailable):
        await cut_off.find(NodeNumber(7), connection(2).connection_id)


async def test_a_throttled_table_takes_so_many_writes_of_all_clients_and_every_read() -> None:
    table = MemoryTable()
    registry, members, shelf = MemoryRegistry(table), MemoryMembers(table), MemoryParked(table)
    table.writes_left = 2
    await registry.register(connection(1))
    await members.join(member(1))
    for write in (registry.register(connection(2)), members.join(member(2)), shelf.park(parked(1))):
        with pytest.raises(RegistryUnavailable, match="throttled"):
            await write
    assert await members.all() == (member(1),)
    table.writes_left = None
    await shelf.park(parked(1))
    assert [each async for each in shelf.all()] == [parked(1)]


async def test_an_answer_that_was_lost_has_done_its_work_and_the_repeat_is_told_so() -> None:
    members = MemoryMembers()
    assert await members.allocate() == 1
    await members.join(member(1))
    members.faults = Faults(fail_calls=frozenset({3, 5, 7, 9}), applied=True)
    for _ in range(4):
        with pytest.raises(RegistryUnavailable, match="lost"):
            await members.claim(member(1), TWO)
        assert await members.claim(member(1), TWO)
    members.faults = Faults(fail_calls=frozenset({11, 13}), applied=True)
    with pytest.raises(RegistryUnavailable):
        await members.allocate()
    assert await members.allocate() == 3, "the number that was lost is not handed out again"
    with pytest.raises(RegistryUnavailable):
        await members.remove(ONE, TWO)
    assert await members.remove(ONE, TWO)


@pytest.mark.parametrize("applied", [False, True])
async def test_a_condition_that_does_not_hold_writes_nothing_when_the_call_fails_either(applied: bool) -> None:
    members = MemoryMembers()
    await members.join(member(1, claimed_by=TWO))
    members.faults = Faults(fail_from=1, applied=applied)
    with pytest.raises(RegistryUnavailable):
        await members.remove(ONE, NodeNumber(3))
    assert members.table.members == {1: member(1, claimed_by=TWO)}


def test_one_table_serves_loop_after_loop() -> None:
    table = MemoryTable()
    registry = MemoryRegistry(table)
    asyncio.run(registry.register(connection(1)))
    asyncio.run(registry.register(connection(2)))
    assert set(table.connections) == {connection(1), connection(2)}
