from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from gateway import fleet_actions
from gateway.fleet_actions import Chosen, choose
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import NodeNumber
from gateway.model.member import Member, MemberState, Renewal
from gateway.reaper import Estates
from gateway.registry.memory import Faults, MemoryRegistry, MemoryTable
from gateway.registry.memory_client import MemoryClient
from gateway.registry.memory_members import MemoryMembers
from gateway.registry.memory_parked import MemoryParked
from tables import member, parked

NUMBER = NodeNumber(7)
NOW_MS = 1_700_000_000_123
LEASE_MS = 4_000


class TestLeaving:
    @staticmethod
    async def seen(members: MemoryMembers, *steps: Callable[[], Awaitable[object]]) -> list[Member]:
        """What is shown while the steps are taken, one in each pause."""
        left = list(steps)

        async def pause() -> None:
            await left.pop(0)()

        return [each async for each in fleet_actions.leaving(members, NUMBER, pause)]

    async def test_every_change_is_shown_until_it_is_gone(self) -> None:
        members = MemoryMembers()
        await members.join(member(7, connections=2))

        def renewed(version: int, state: MemberState, connections: int) -> Callable[[], Awaitable[object]]:
            return lambda: members.renew(Renewal(NUMBER, version, state, connections))

        async def nothing() -> None: ...

        async def claim() -> None:
            (found,) = await members.all()
            assert await members.claim(found, NodeNumber(1))

        found = await self.seen(
            members,
            renewed(2, MemberState.DRAINING, 1),
            nothing,
            renewed(3, MemberState.LEFT, 0),
            claim,
            lambda: members.remove(NUMBER, NodeNumber(1)),
        )
        assert [(each.state, each.connections, each.claimed_by) for each in found] == [
            (MemberState.ALIVE, 2, None),
            (MemberState.DRAINING, 1, None),
            (MemberState.LEFT, 0, None),
            (MemberState.LEFT, 0, 1),
        ]

    async def test_one_that_was_never_there(self) -> None:
        members = MemoryMembers()
        await members.join(member(8))
        assert await self.seen(members) == []

    async def test_a_look_that_fails_is_made_again(self) -> None:
        members = MemoryMembers()
        await members.join(member(7))
        members.faults = Faults(fail_calls=frozenset({members.calls + 1}))

        async def nothing() -> None: ...

        async def gone() -> None:
            members.table.members.clear()

        assert len(await self.seen(members, nothing, gone)) == 1


class TestChoosing:
    def test_by_id_in_the_order_asked(self) -> None:
        one, two, three = parked(1), parked(2), parked(3)
        ids = [three.connection.connection_id, "x", one.connection.connection_id, "x", "y"]
        assert choose([one, two, three], ids) == Chosen((three, one), ("x", "y"))

    def test_all(self) -> None:
        assert choose([parked(1), parked(2)], None) == Chosen((parked(1), parked(2)))


class TestReplaying:
    @pytest.fixture
    def estates(self) -> Estates:
        table = MemoryTable(page_size=2)
        return Estates(MemoryMembers(table), MemoryRegistry(table), MemoryParked(table))

    @staticmethod
    def table(estates: Estates) -> MemoryTable:
        assert isinstance(estates.registry, MemoryClient)
        return estates.registry.table

    async def test_they_become_connections_of_a_node_that_has_left(self, estates: Estates) -> None:
        shelved = [parked(number) for number in range(5)]
        for each in shelved:
            await estates.parked.park(each)
        number = await fleet_actions.replay(estates, shelved[:4], LEASE_MS, NOW_MS)
        table = self.table(estates)
        assert sorted(table.connections, key=lambda each: each.connection_id) == sorted(
            (replace(each.connection, owner=number) for each in shelved[:4]), key=lambda each: each.connection_id
        )
        (node,) = await estates.members.all()
        assert (node.number, node.state, node.claimed_by) == (number, MemberState.LEFT, None)
        assert (node.lease_ms, node.started_at_ms) == (fleet_actions.SHELVED_MS, NOW_MS)
        assert list(table.parked.values()) == [shelved[4]]

    @pytest.mark.parametrize("applied", [False, True])
    @pytest.mark.parametrize("step", ["members", "registry", "parked"])
    @pytest.mark.parametrize("call", [1, 2, 3])
    async def test_whatever_fails_nothing_is_lost(self, estates: Estates, step: str, call: int, applied: bool) -> None:
        shelved = [parked(number) for number in range(3)]
        for each in shelved:
            await estates.parked.park(each)
        client = getattr(estates, step)
        client.faults = Faults(fail_from=client.calls + call, applied=applied)
        with pytest.raises(RegistryUnavailable):
            await fleet_actions.replay(estates, shelved, LEASE_MS, NOW_MS)
        table = self.table(estates)
        reaped = {each.connection_id for each in table.connections if each.owner in table.members}
        for node in table.members.values():
            assert node.state is MemberState.LEFT or node.lease_ms <= fleet_actions.SHELVED_MS, "it runs out"
        assert reaped | set(table.parked) == {each.connection.connection_id for each in shelved}

    async def test_what_is_parked_anew_meanwhile_stays(self, estates: Estates) -> None:
        """Nobody reaps before the shelf is cleared: the node's record says that it is alive until then."""
        shelved = [parked(number) for number in range(3)]
        for each in shelved:
            await estates.parked.park(each)
        states: list[MemberState] = []

        async def look() -> None:
            states.extend(each.state for each in self.table(estates).members.values())

        assert isinstance(estates.parked, MemoryParked)
        estates.parked._pause = look
        await fleet_actions.replay(estates, shelved, LEASE_MS, NOW_MS)
        assert set(states) == {MemberState.ALIVE}

    async def test_giving_up(self, estates: Estates) -> None:
        for number in range(3):
            await estates.parked.park(parked(number))
        await fleet_actions.discard(estates.parked, [parked(0), parked(2), parked(9)])
        assert list(self.table(estates).parked.values()) == [parked(1)]
