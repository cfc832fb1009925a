from __future__ import annotations

import pytest

from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import MAX_NODE_NUMBER
from gateway.registry.memory import Faults, MemoryTable
from gateway.registry.memory_members import MemoryMembers
from tables import member


async def test_numbers_end_with_the_last_one() -> None:
    members = MemoryMembers()
    members.table.last_number = MAX_NODE_NUMBER - 1
    assert await members.allocate() == MAX_NODE_NUMBER
    with pytest.raises(RegistryUnavailable):
        await members.allocate()


async def test_a_page_can_fail_in_the_middle_of_reading() -> None:
    members = MemoryMembers(MemoryTable(page_size=2))
    for number in range(1, 4):
        await members.join(member(number))
    members.faults = Faults(fail_calls=frozenset({members.calls + 2}))
    with pytest.raises(RegistryUnavailable):
        await members.all()
    assert len(await members.all()) == 3
