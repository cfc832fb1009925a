from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import fleet_queries
from gateway.fleet_queries import Counted, Cursor, Group, Records, Wanted
from gateway.model.connection import Connection
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import MAX_NODE_NUMBER, ConnectionId, NodeNumber, connection_id
from gateway.model.member import MemberState
from gateway.registry.memory import Faults, MemoryRegistry, MemoryTable
from gateway.registry.memory_members import MemoryMembers
from gateway.registry.memory_parked import MemoryParked
from tables import connection, member, parked

NOW_MS = 1_700_000_000_123
PAGE = 3


class FleetTable:
    """Three nodes, one of them dead; what was registered is in ``all``, by node and ID."""

    def __init__(self) -> None:
        table = MemoryTable(page_size=PAGE)
        self.members, self.registry, self.shelf = MemoryMembers(table), MemoryRegistry(table), MemoryParked(table)
        self.records: Records = self.registry
        self.all: list[Connection] = []

    async def fill(self) -> None:
        for number, state in ((1, MemberState.ALIVE), (7, MemberState.DEAD), (12, MemberState.DRAINING)):
            await self.members.join(member(number, state=state))
            for each in range(5):
                await self.add(connection(each, owner=number))
        await self.add(connection(100, owner=7, stage="blue", source_ip="::1", connected_at_ms=NOW_MS - 3 * 3_600_000))
        await self.add(connection(101, owner=12, source_ip="::1", connected_at_ms=NOW_MS - 61_000))

    async def add(self, made: Connection) -> None:
        await self.registry.register(made)
        self.all = sorted([*self.all, made], key=lambda each: (each.owner, each.connection_id))

    async def listed(self, wanted: Wanted | None = None, after: Cursor | None = None) -> list[Connection]:
        found = fleet_queries.connections(self.members, self.records, wanted or Wanted(), after)
        return [each async for each in found]

    async def counted(self, by: Group | None, wanted: Wanted | None = None) -> Counted:
        return await fleet_queries.count(self.members, self.records, wanted or Wanted(), by, NOW_MS)


@pytest.fixture
async def table() -> FleetTable:
    made = FleetTable()
    await made.fill()
    return made


async def test_nodes_by_number(table: FleetTable) -> None:
    assert [each.number for each in await fleet_queries.nodes(table.members)] == [1, 7, 12]


async def test_connections_of_every_node_in_order(table: FleetTable) -> None:
    assert await table.listed() == table.all


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Wanted(node=NodeNumber(7)), 6),
        (Wanted(node=NodeNumber(8)), 0),
        (Wanted(stage="blue"), 1),
        (Wanted(source_ip="::1"), 2),
        (Wanted(source_ip="::1", stage="prod"), 1),
        (Wanted(opened_before_ms=NOW_MS - 60_000), 2),
        (Wanted(opened_before_ms=NOW_MS - 61_000), 2),
        (Wanted(opened_before_ms=NOW_MS - 61_001), 1),
    ],
)
async def test_some_of_them(table: FleetTable, wanted: Wanted, count: int) -> None:
    found = await table.listed(wanted)
    assert found == [each for each in table.all if each in found]
    assert len(found) == (await table.counted(None, wanted)).total == count


async def test_a_listing_goes_on_anywhere(table: FleetTable) -> None:
    for number, each in enumerate(table.all):
        assert await table.listed(after=Cursor(each.owner, each.connection_id)) == table.all[number + 1 :]


async def test_a_listing_goes_on_after_a_node_that_is_gone(table: FleetTable) -> None:
    gone = connection(3, owner=5)
    found = await table.listed(after=Cursor(gone.owner, gone.connection_id))
    assert found == [each for each in table.all if each.owner > 5]


async def test_a_replayed_connection_is_recorded_under_a_node_that_its_id_does_not_name(table: FleetTable) -> None:
    replayed = replace(connection(50, owner=7), owner=NodeNumber(12))
    await table.add(replayed)
    at = table.all.index(replayed)
    assert await table.listed(after=Cursor(replayed.owner, replayed.connection_id)) == table.all[at + 1 :]


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        (None, ()),
        (Group.NODE, (("1", 5), ("7", 6), ("12", 6))),
        (Group.STAGE, (("prod", 16), ("blue", 1))),
        (Group.SOURCE, (("203.0.113.9", 15), ("::1", 2))),
        (Group.AGE, (("under 1m", 15), ("1m-10m", 1), ("2h-1d", 1))),
    ],
)
async def test_counts(table: FleetTable, by: Group | None, groups: tuple[tuple[str, int], ...]) -> None:
    assert await table.counted(by) == Counted(17, groups)


@pytest.mark.parametrize(
    ("age_s", "name"),
    [
        (-5, "under 1m"),
        (59.9, "under 1m"),
        (60, "1m-10m"),
        (3_599, "10m-1h"),
        (3_600, "1h-2h"),
        (7_200, "2h-1d"),
        (86_400, "over 1d"),
    ],
)
async def test_ages(age_s: float, name: str) -> None:
    table = FleetTable()
    await table.members.join(member(7))
    await table.add(connection(1, connected_at_ms=NOW_MS - int(age_s * 1000)))
    assert (await table.counted(Group.AGE)).groups == ((name, 1),)


async def test_one_is_found_by_its_id_alone(table: FleetTable) -> None:
    for each in table.all:
        assert await fleet_queries.find(table.records, each.connection_id) == each
    calls = table.registry.calls
    assert await fleet_queries.find(table.records, "no ID at all") is None
    assert table.registry.calls == calls
    assert await fleet_queries.find(table.records, connection_id(NodeNumber(9), b"random", b"")) is None


async def test_parked_calls(table: FleetTable) -> None:
    for number in range(2 * PAGE):
        await table.shelf.park(parked(number))
    found = await fleet_queries.parked(table.shelf)
    assert [each.connection.connection_id for each in found] == sorted(
        parked(number).connection.connection_id for number in range(2 * PAGE)
    )


async def test_a_table_that_cannot_be_asked_is_told(table: FleetTable) -> None:
    table.registry.faults = Faults(fail_from=table.registry.calls + 2)
    with pytest.raises(RegistryUnavailable):
        await table.listed()


@given(st.integers(0, MAX_NODE_NUMBER), st.integers(0, MAX_NODE_NUMBER), st.binary(min_size=6, max_size=6))
def test_where_a_listing_was_left_as_text(node: int, owner: int, random: bytes) -> None:
    cursor = Cursor(NodeNumber(node), connection_id(NodeNumber(owner), random, b""))
    assert Cursor.read(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text", ["", "7", ":x", "7:", "7:short", "x:hK3nTc7vdQAYKEjVWA==", "\u0667:hK3nTc7vdQAYKEjVWA=="]
)
def test_what_no_listing_said(text: str) -> None:
    with pytest.raises(ValueError, match="is not where a listing was left"):
        Cursor.read(text)


def test_a_cursor_reads_as_it_is_shown() -> None:
    assert str(Cursor(NodeNumber(7), ConnectionId("hK3nTc7vdQAYKEjVWA=="))) == "7:hK3nTc7vdQAYKEjVWA=="
