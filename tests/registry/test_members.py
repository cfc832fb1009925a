"""What only the members' adapter on DynamoDB does: one try, a limit to each call, its own threads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from dynamodb_double import Answer, ScriptedDynamoDb, failure, scripted
from dynamodb_place import REGION, Place
from gateway.model.aws import AwsEndpoint
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import MAX_NODE_NUMBER, NodeNumber
from gateway.model.member import MemberState, Renewal
from gateway.registry import member_records
from gateway.registry.calls import Calls
from gateway.registry.members import DynamoDbMembers
from gateway.registry.table_settings import TableSettings
from tables import member

ONE, TWO = NodeNumber(1), NodeNumber(2)
RENEWAL = Renewal(ONE, 2, MemberState.ALIVE, 0)
NOW_S = 1_700_000_000
CALL_TIMEOUT_S = 5.0
DEADLINE_S = 15.0
HANGING = 5

Call = Callable[[DynamoDbMembers], Awaitable[object]]
CONDITIONAL: list[tuple[str, str, Call]] = [
    ("renew", "UpdateItem", lambda members: members.renew(RENEWAL)),
    ("claim", "UpdateItem", lambda members: members.claim(member(1), TWO)),
    ("progress", "UpdateItem", lambda members: members.progress(ONE, TWO, 5)),
    ("remove", "DeleteItem", lambda members: members.remove(ONE, TWO)),
    ("ask_drain", "UpdateItem", lambda members: members.ask_drain(ONE)),
]
EVERY: list[tuple[str, str, Call]] = [
    *CONDITIONAL,
    ("allocate", "UpdateItem", lambda members: members.allocate()),
    ("join", "PutItem", lambda members: members.join(member(1))),
    ("all", "Query", lambda members: members.all()),
    ("agree", "UpdateItem", lambda members: members.agree("key", "a")),
]


def members_at(server: ScriptedDynamoDb, call_timeout_s: float = CALL_TIMEOUT_S) -> DynamoDbMembers:
    return DynamoDbMembers(server.endpoint, call_timeout_s, TableSettings("t"), lambda: NOW_S)


@pytest.mark.parametrize(
    "answer",
    [
        failure("ThrottlingException"),
        failure("ProvisionedThroughputExceededException"),
        failure("InternalServerError", 500),
        failure("ValidationException"),
        (503, {}),
    ],
)
@pytest.mark.parametrize(("operation", "call"), [pytest.param(*rest, id=name) for name, *rest in EVERY])
async def test_every_call_is_tried_once(answer: Answer, operation: str, call: Call) -> None:
    with scripted(**{operation: [answer]}) as server:
        members = members_at(server)
        with pytest.raises(RegistryUnavailable, match="DynamoDB table t"):
            await call(members)
        assert [asked for asked, _ in server.asked] == [operation]
        await members.close()


@pytest.mark.parametrize(("operation", "call"), [pytest.param(*rest, id=name) for name, *rest in CONDITIONAL])
async def test_a_condition_that_does_not_hold_is_false(operation: str, call: Call) -> None:
    with scripted(**{operation: [failure("ConditionalCheckFailedException"), (200, {})]}) as server:
        members = members_at(server)
        assert await call(members) is False
        assert await call(members) is True
        assert all("ConditionExpression" in document for _, document in server.asked)
        await members.close()


@pytest.mark.parametrize(("operation", "call"), [pytest.param(*rest, id=name) for name, *rest in EVERY])
async def test_no_call_takes_longer_than_it_may(operation: str, call: Call) -> None:
    with scripted(**{operation: [None]}) as server:
        members = members_at(server, call_timeout_s=0.05)
        async with asyncio.timeout(DEADLINE_S):
            with pytest.raises(RegistryUnavailable):
                await call(members)
        await members.close()


async def test_a_lease_is_renewed_while_everything_else_hangs() -> None:
    with scripted(Query=[None], UpdateItem=[(200, {})]) as server:
        members = members_at(server)
        hanging = [asyncio.ensure_future(members.all()) for _ in range(HANGING)]
        async with asyncio.timeout(DEADLINE_S):
            for _ in range(HANGING):
                await asyncio.to_thread(server.came.acquire, timeout=DEADLINE_S)
            assert await members.renew(RENEWAL)
        for each in hanging:
            each.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        await members.close()


async def test_one_renewal_that_hangs_does_not_hold_up_the_next() -> None:
    with scripted(UpdateItem=[None, (200, {})]) as server:
        members = members_at(server)
        hanging = asyncio.ensure_future(members.renew(RENEWAL))
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.to_thread(server.came.acquire, timeout=DEADLINE_S)
            assert await members.renew(RENEWAL)
        assert not hanging.done()
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
        await members.close()


async def test_what_shows_life_puts_the_end_of_a_record_off(moto_url: str) -> None:
    place = Place.made(AwsEndpoint(moto_url, REGION))
    calls_of_table = Calls(place.required, place.settings)
    now = 1_000
    members = DynamoDbMembers(place.required, CALL_TIMEOUT_S, place.settings, lambda: now)

    async def ends_at() -> int:
        (item,) = (await calls_of_table.page("FLEET", "NODE#", None)).items
        return int(item["ttl"]["N"])

    await members.join(member(1))
    assert await ends_at() == now + member_records.KEEP_S
    alive = member(1, version=2)
    calls: list[Call] = [
        lambda members: members.renew(RENEWAL),
        lambda members: members.claim(alive, TWO),
        lambda members: members.progress(ONE, TWO, 1),
    ]
    for call in calls:
        now += 1_000
        assert await call(members)
        assert await ends_at() == now + member_records.KEEP_S
    await members.close()
    calls_of_table.close()


async def test_numbers_end_with_the_last_one(moto_url: str) -> None:
    place = Place.made(AwsEndpoint(moto_url, REGION))
    table = place.open()
    table.ask(
        lambda dynamodb: dynamodb.put_item(
            place.settings.name, "FLEET", "COUNTER", attributes={"last": {"N": str(MAX_NODE_NUMBER - 1)}}
        )
    )
    members = DynamoDbMembers(place.required, CALL_TIMEOUT_S, place.settings)
    assert await members.allocate() == MAX_NODE_NUMBER
    with pytest.raises(RegistryUnavailable):
        await members.allocate()
    await members.close()
    table.close()
