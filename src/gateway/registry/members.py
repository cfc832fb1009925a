"""The node records of a fleet on DynamoDB: each call one request, tried once, under conditions DynamoDB checks.

Nothing here is shared with the connections' adapter but the table: a client, sockets and threads of its own, and the
renewals' threads apart from the others, so that a lease never waits behind connects, nor behind reaping.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

from pynamodb.connection.base import Connection as DynamoDb

from gateway.model.aws import AwsEndpoint
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import NodeNumber
from gateway.model.member import Member, Renewal
from gateway.registry import member_records as records
from gateway.registry.member_records import FLEET, AgreementRecord, Change, CounterRecord
from gateway.registry.table import Table, TableSettings, Timeouts
from gateway.registry.threads import Threads

RENEW_THREADS: Final = 3  # those that hang until their timeout do not hold up the next
OTHER_THREADS: Final = 2

P = ParamSpec("P")
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
        timeouts = Timeouts(call_timeout_s, call_timeout_s)
        self._table = Table(endpoint, table or TableSettings(), RENEW_THREADS + OTHER_THREADS, timeouts)
        self._call_timeout_s = call_timeout_s
        self._wall_s = wall_s
        self._renew_threads = Threads(RENEW_THREADS, "lease")
        self._other_threads = Threads(OTHER_THREADS, "members")

    async def allocate(self) -> NodeNumber:
        found = await self._run(self._other_threads, self._update, records.next_number(), "UPDATED_NEW")
        return NodeNumber(int(CounterRecord.last.deserialize(found["last"]["N"])))

    async def join(self, member: Member) -> None:
        await self._run(self._other_threads, self._put, member)

    async def renew(self, renewal: Renewal) -> bool:
        return await self._run(self._renew_threads, self._change, records.renewed(renewal, self._now_s()))

    async def all(self) -> tuple[Member, ...]:
        found: list[Member] = []
        start: dict[str, Any] | None = None
        while True:
            page = await self._run(self._other_threads, self._table.page, FLEET, records.NODE_PREFIX, start)
            found += map(records.member_of, page.items)
            start = page.next_key
            if start is None:
                return tuple(found)

    async def claim(self, seen: Member, by: NodeNumber) -> bool:
        return await self._run(self._other_threads, self._change, records.claimed(seen, by, self._now_s()))

    async def progress(self, number: NodeNumber, by: NodeNumber, reaped: int) -> bool:
        return await self._run(self._other_threads, self._change, records.reaped(number, by, reaped, self._now_s()))

    async def remove(self, number: NodeNumber, by: NodeNumber) -> bool:
        return await self._run(self._other_threads, self._delete, number, by)

    async def ask_drain(self, number: NodeNumber) -> bool:
        return await self._run(self._other_threads, self._change, records.drain_asked(number))

    async def agree(self, what: str, value: str) -> str:
        found = await self._run(self._other_threads, self._update, records.agreed(what, value), "ALL_NEW")
        return str(AgreementRecord.value.deserialize(found["value"]["S"]))

    async def close(self) -> None:
        """Take nothing any more; calls under way end by themselves."""
        self._renew_threads.close()
        self._other_threads.close()
        self._table.close()

    def _now_s(self) -> int:
        return int(self._wall_s())

    async def _run(self, threads: Threads, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            async with asyncio.timeout(self._call_timeout_s):
                return await threads.run(call, *args, **kwargs)
        except TimeoutError as error:
            raise RegistryUnavailable(f"{self._table.where}: no answer within {self._call_timeout_s} s") from error

    def _update(self, change: Change, returned: str) -> dict[str, Any]:
        def call(dynamodb: DynamoDb) -> dict[str, Any]:
            answer: dict[str, Any] = dynamodb.update_item(
                self._table.name,
                FLEET,
                change.sk,
                actions=change.actions,
                condition=change.condition,
                return_values=returned,
            )["Attributes"]
            return answer

        return self._table.ask(call)

    def _change(self, change: Change) -> bool:
        return self._table.change(
            lambda dynamodb: dynamodb.update_item(
                self._table.name, FLEET, change.sk, actions=change.actions, condition=change.condition
            )
        )

    def _put(self, member: Member) -> bool:
        item = records.item_of(member, self._now_s())
        return self._table.change(
            lambda dynamodb: dynamodb.put_item(
                self._table.name, FLEET, item["sk"]["S"], attributes=item, condition=records.absent()
            )
        )

    def _delete(self, number: NodeNumber, by: NodeNumber) -> bool:
        condition = records.absent() | records.held_by(by)
        return self._table.change(
            lambda dynamodb: dynamodb.delete_item(
                self._table.name, FLEET, records.sort_key_of(number), condition=condition
            )
        )
