from __future__ import annotations

from gateway.model.ids import NodeNumber
from gateway.registry.memory_table import MemoryTable
from tables import connection, member

ME = NodeNumber(7)


def test_a_page_filled_by_the_very_last_item_has_a_successor_which_is_empty() -> None:
    table = MemoryTable(page_size=2)
    for number in (1, 2):
        table.put(connection(number))
    found, after = table.connections_after(ME, None)
    assert found == [connection(1), connection(2)]
    assert table.connections_after(ME, after) == ([], None)


def test_a_page_goes_on_behind_an_item_that_is_gone_by_now() -> None:
    table = MemoryTable(page_size=2)
    for number in (1, 2, 3):
        table.members[NodeNumber(number)] = member(number)
    found, after = table.members_after(None)
    del table.members[found[-1].number]
    assert table.members_after(after) == ([member(3)], None)


def test_only_pages_of_connections_lag() -> None:
    table = MemoryTable(lag=2)
    table.put(connection(1))
    assert table.connections_after(ME, None) == ([], None)
    assert table.find(ME, connection(1).connection_id) == connection(1)
    assert table.connections == (connection(1),)


def test_writes_are_counted_down_to_none() -> None:
    table = MemoryTable()
    assert table.takes_a_write()
    table.writes_left = 2
    assert [table.takes_a_write() for _ in range(3)] == [True, True, False]
    assert table.writes_left == 0
