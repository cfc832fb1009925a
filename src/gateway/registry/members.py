"""The node records of a fleet on DynamoDB: each call one request, tried once, under conditions DynamoDB checks.

Nothing here is shared with the connections' adapter but the table: connections of its own, and the renewals' apart from
the others, so that a lease never waits behind connects, nor behind reaping.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from gateway.model.aws import AwsEndpoint
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import NodeNumber
from gateway.model.member import Member, Renewal
from gateway.registry import member_records as records
from gateway.registry.calls import Calls
from gateway.registry.expression import Terms
from gateway.registry.keys import RawItem
from gateway.registry.member_records import FLEET, Change
from gateway.registry.table_settings import TableSettings, Timeouts

T = TypeVar("T")


class DynamoDbMembers:
    """``gateway.ports.Members``. No call takes longer than ``call_timeout_s``, which should be well below a lease;
    one that does may still write. ``wall_s`` is Unix time in seconds, for when a record goes by itself."""

    def __init__(
        self,
        endpoint: AwsEndpoint,
        call_timeout_s: float,
        table: TableSettings | None = None,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        settings, timeouts = table or TableSettings(), Timeouts(call_timeout_s, call_timeout_s)
        self._leases = Calls(endpoint, settings, timeouts)
        self._calls = Calls(endpoint, settings, timeouts)
        self._call_timeout_s = call_timeout_s
        self._wall_s = wall_s

    async def allocate(self) -> NodeNumber:
        found = await self._update(records.next_number(), "UPDATED_NEW")
        return NodeNumber(int(found["last"]["N"]))

    async def join(self, member: Member) -> None:
        terms = Terms()
        members = {
            "Item": records.item_of(member, self._now_s()),
            "ConditionExpression": records.absent(terms),
            **terms.members(),
        }
        await self._within(self._calls.change("PutItem", members))

    async def renew(self, renewal: Renewal) -> bool:
        return await self._change(records.renewed(renewal, self._now_s()), self._leases)

    async def all(self) -> tuple[Member, ...]:
        found: list[Member] = []
        start: RawItem | None = None
        while True:
            page = await self._within(self._calls.page(FLEET, records.NODE_PREFIX, start))
            found += map(records.member_of, page.items)
            start = page.next_key
            if start is None:
                return tuple(found)

    async def claim(self, seen: Member, by: NodeNumber) -> bool:
        return await self._change(records.claimed(seen, by, self._now_s()))

    async def progress(self, number: NodeNumber, by: NodeNumber, reaped: int) -> bool:
        return await self._change(records.reaped(number, by, reaped, self._now_s()))

    async def remove(self, number: NodeNumber, by: NodeNumber) -> bool:
        terms = Terms()
        members = {
            "Key": records.key(records.sort_key_of(number)),
            "ConditionExpression": f"{records.absent(terms)} OR {records.held_by(terms, by)}",
            **terms.members(),
        }
        return await self._within(self._calls.change("DeleteItem", members))

    async def ask_drain(self, number: NodeNumber) -> bool:
        return await self._change(records.drain_asked(number))

    async def agree(self, what: str, value: str) -> str:
        found = await self._update(records.agreed(what, value), "ALL_NEW")
        return str(found["value"]["S"])

    async def close(self) -> None:
        """Take nothing any more; calls under way end by themselves."""
        self._leases.close()
        self._calls.close()

    def _now_s(self) -> int:
        return int(self._wall_s())

    async def _within(self, call: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._call_timeout_s):
                return await call
        except TimeoutError as error:
            raise RegistryUnavailable(f"{self._calls.where}: no answer within {self._call_timeout_s} s") from error

    async def _change(self, change: Change, calls: Calls | None = None) -> bool:
        return await self._within((calls or self._calls).change("UpdateItem", change.members()))

    async def _update(self, change: Change, returned: str) -> RawItem:
        asked: dict[str, Any] = {**change.members(), "ReturnValues": returned}
        answer = await self._within(self._calls.of_table("UpdateItem", **asked))
        found: RawItem = answer["Attributes"]
        return found
