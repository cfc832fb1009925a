from __future__ import annotations

import pytest

from gateway.model.errors import RegistryUnavailable
from gateway.registry.memory import Faults, MemoryTable
from gateway.registry.memory_parked import MemoryParked
from tables import parked


async def test_a_page_can_fail_in_the_middle_of_reading() -> None:
    shelf = MemoryParked(MemoryTable(page_size=2))
    for number in range(3):
        await shelf.park(parked(number))
    shelf.faults = Faults(fail_calls=frozenset({shelf.calls + 2}))
    seen = []
    with pytest.raises(RegistryUnavailable):
        async for each in shelf.all():
            seen.append(each)
    assert seen == [parked(0), parked(1)]


async def test_a_lost_answer_leaves_it_parked() -> None:
    shelf = MemoryParked(faults=Faults(fail_calls=frozenset({1}), applied=True))
    with pytest.raises(RegistryUnavailable):
        await shelf.park(parked(1))
    assert [each async for each in shelf.all()] == [parked(1)]
