"""The node records in memory, under the conditions DynamoDB checks: all of a call happens at once or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import MAX_NODE_NUMBER, NodeNumber
from gateway.model.member import Member, MemberState, Renewal
from gateway.registry.memory_client import MemoryClient


class MemoryMembers(MemoryClient):
    """``gateway.ports.Members``."""

    async def allocate(self) -> NodeNumber:
        return await self._write(self._next_number)

    async def join(self, member: Member) -> None:
        await self._write(lambda: self.table.members.setdefault(member.number, member))

    async def renew(self, renewal: Renewal) -> bool:
        def may(found: Member) -> bool:
            says_left = renewal.state is MemberState.LEFT
            return found.state.serves or (says_left and found.state is MemberState.LEFT)

        def renewed(found: Member) -> Member:
            return replace(found, version=renewal.version, state=renewal.state, connections=renewal.connections)

        return await self._change(renewal.number, may, renewed)

    async def all(self) -> tuple[Member, ...]:
        found: list[Member] = []
        after: NodeNumber | None = None
        while True:
            page, after = await self._read(partial(self.table.members_after, after))
            found += page
            if after is None:
                return tuple(found)

    async def claim(self, seen: Member, by: NodeNumber) -> bool:
        becomes = MemberState.LEFT if seen.state is MemberState.LEFT else MemberState.DEAD

        def may(found: Member) -> bool:
            unchanged = _claimable(found) == _claimable(seen)
            return unchanged or (found.claimed_by == by and found.state is becomes)

        return await self._change(seen.number, may, lambda found: replace(found, state=becomes, claimed_by=by))

    async def progress(self, number: NodeNumber, by: NodeNumber, reaped: int) -> bool:
        return await self._change(
            number, lambda found: found.claimed_by == by, lambda found: replace(found, reaped=reaped)
        )

    async def remove(self, number: NodeNumber, by: NodeNumber) -> bool:
        def remove() -> bool:
            found = self.table.members.get(number)
            if found is not None and found.claimed_by != by:
                return False
            self.table.members.pop(number, None)
            return True

        return await self._write(remove)

    async def ask_drain(self, number: NodeNumber) -> bool:
        return await self._change(
            number, lambda found: found.state.serves, lambda found: replace(found, drain_asked=True)
        )

    async def agree(self, what: str, value: str) -> str:
        return await self._write(lambda: self.table.agreed.setdefault(what, value))

    def _next_number(self) -> NodeNumber:
        if self.table.last_number >= MAX_NODE_NUMBER:
            raise RegistryUnavailable("every node number was handed out")
        self.table.last_number += 1
        return NodeNumber(self.table.last_number)

    async def _change(
        self, number: NodeNumber, may: Callable[[Member], bool], changed: Callable[[Member], Member]
    ) -> bool:
        """One conditional update; False when there is nothing or ``may`` refuses."""

        def change() -> bool:
            found = self.table.members.get(number)
            if found is None or not may(found):
                return False
            self.table.members[number] = changed(found)
            return True

        return await self._write(change)


def _claimable(member: Member) -> tuple[int, MemberState, NodeNumber | None]:
    return member.version, member.state, member.claimed_by
