from __future__ import annotations

import pytest

from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import NodeNumber
from gateway.registry.memory import Faults, MemoryRegistry, MemoryTable
from tables import connection

ME = NodeNumber(7)


async def read(registry: MemoryRegistry) -> list[str]:
    return [c.connection_id async for c in registry.connections_of(ME)]


async def test_the_nth_call_fails_and_only_that_one() -> None:
    registry = MemoryRegistry(faults=Faults(fail_calls=frozenset({2})))
    await registry.register(connection(1))
    with pytest.raises(RegistryUnavailable, match="call 2"):
        await registry.register(connection(2))
    await registry.register(connection(3))
    assert registry.records == (connection(1), connection(3))
    assert registry.calls == 3


async def test_a_persistent_fault_stays_until_it_is_lifted() -> None:
    registry = MemoryRegistry(faults=Faults(fail_from=2))
    await registry.register(connection(1))
    for _ in range(2):
        with pytest.raises(RegistryUnavailable):
            await registry.unregister(ME, connection(1).connection_id)
    registry.faults = Faults()
    await registry.unregister(ME, connection(1).connection_id)
    assert registry.records == ()


async def test_a_write_may_be_applied_although_it_failed() -> None:
    registry = MemoryRegistry(faults=Faults(fail_from=1, applied=True))
    with pytest.raises(RegistryUnavailable):
        await registry.register(connection(1))
    assert registry.records == (connection(1),)


async def test_a_page_can_fail_in_the_middle_of_reading() -> None:
    registry = MemoryRegistry(MemoryTable(page_size=2))
    for number in range(4):
        await registry.register(connection(number))
    registry.faults = Faults(fail_calls=frozenset({registry.calls + 2}))
    seen = []
    with pytest.raises(RegistryUnavailable):
        async for each in registry.connections_of(ME):
            seen.append(each)
    assert len(seen) == 2


async def test_reads_lag_behind_by_as_many_writes_as_asked() -> None:
    registry = MemoryRegistry(MemoryTable(lag=1))
    await registry.register(connection(1))
    assert await read(registry) == []
    await registry.register(connection(2))
    assert await read(registry) == [connection(1).connection_id]
    await registry.unregister(ME, connection(1).connection_id)
    assert set(await read(registry)) == {connection(1).connection_id, connection(2).connection_id}
    assert registry.records == (connection(2),), "the truth does not lag"


async def test_every_call_awaits_the_pause() -> None:
    pauses = 0

    async def pause() -> None:
        nonlocal pauses
        pauses += 1

    registry = MemoryRegistry(pause=pause)
    await registry.register(connection(1))
    await read(registry)
    assert registry.calls == 2
    assert pauses == 4, "one before the effect and one after it"


@pytest.mark.parametrize("applied", [False, True])
async def test_a_removal_that_failed_is_made_up_for_by_the_next_write(applied: bool) -> None:
    registry = MemoryRegistry(faults=Faults(fail_calls=frozenset({2}), applied=applied))
    await registry.register(connection(1))
    with pytest.raises(RegistryUnavailable):
        await registry.unregister(ME, connection(1).connection_id)
    await registry.register(connection(2))
    assert registry.records == (connection(2),)


async def test_a_record_that_arrived_although_it_failed_is_removed_when_asked() -> None:
    registry = MemoryRegistry(faults=Faults(fail_calls=frozenset({1}), applied=True))
    with pytest.raises(RegistryUnavailable):
        await registry.register(connection(1))
    registry.faults = Faults(fail_calls=frozenset({2}))
    with pytest.raises(RegistryUnavailable):
        await registry.make_up()
    assert await registry.find(ME, connection(1).connection_id) == connection(1)
    await registry.make_up()
    assert not registry.records
    await registry.make_up()
    assert registry.calls == 4, "nothing is owed any more"


async def test_registering_again_settles_a_removal_that_failed() -> None:
    registry = MemoryRegistry(faults=Faults(fail_calls=frozenset({2})))
    await registry.register(connection(1))
    with pytest.raises(RegistryUnavailable):
        await registry.unregister(ME, connection(1).connection_id)
    await registry.register(connection(1))
    await registry.make_up()
    assert registry.records == (connection(1),)
