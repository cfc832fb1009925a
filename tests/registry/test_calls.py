"""Single calls to a DynamoDB that answers exactly what the test says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from dynamodb_double import DONE, Answer, ScriptedDynamoDb, failure, scripted
from gateway.model.errors import RegistryUnavailable
from gateway.registry.batches import RecordRejected
from gateway.registry.calls import Calls
from gateway.registry.table_settings import TableSettings

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


@asynccontextmanager
async def calling(**answers: Sequence[Answer | None]) -> AsyncIterator[tuple[Calls, ScriptedDynamoDb]]:
    with scripted(**answers) as server:
        calls = Calls(server.endpoint, TableSettings("t"))
        yield calls, server
        calls.close()


@pytest.mark.parametrize(
    ("answer", "expected"), [(failure("ConditionalCheckFailedException"), False), ((200, {}), True)]
)
async def test_a_condition_that_does_not_hold_is_a_value(answer: Answer, expected: bool) -> None:
    async with calling(DeleteItem=[answer]) as (calls, server):
        assert await calls.change("DeleteItem", {"Key": KEY}) is expected
    assert server.asked == [("DeleteItem", {"TableName": "t", "Key": KEY})]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (failure("ValidationException"), RecordRejected),
        (failure("ThrottlingException"), RegistryUnavailable),
        ((503, {}), RegistryUnavailable),
    ],
)
async def test_a_call_that_fails_otherwise_is_an_error_and_made_once(answer: Answer, expected: type[Exception]) -> None:
    async with calling(DeleteItem=[answer]) as (calls, server):
        for call in (calls.change("DeleteItem", {"Key": KEY}), calls.of_table("DeleteItem", Key=KEY)):
            with pytest.raises(RegistryUnavailable, match="DynamoDB table t") as raised:
                await call
            assert type(raised.value) is expected
    assert len(server.asked) == 2


async def test_a_table_is_there_or_not() -> None:
    gone, there = failure("ResourceNotFoundException"), (200, {"Table": {"TableStatus": "CREATING"}})
    async with calling(DescribeTable=[gone, there, failure("AccessDeniedException")]) as (calls, server):
        assert await calls.exists() is False
        assert await calls.exists() is True
        with pytest.raises(RegistryUnavailable, match="AccessDenied"):
            await calls.exists()
    assert {operation for operation, _ in server.asked} == {"DescribeTable"}


async def test_a_page_is_read_consistently_from_where_the_one_before_ended() -> None:
    first: Answer = (200, {"Items": [KEY], "LastEvaluatedKey": KEY})
    async with calling(Query=[first, (200, {})]) as (calls, server):
        page = await calls.page("P", "Q#", None)
        assert (page.items, page.next_key) == ((KEY,), KEY)
        page = await calls.page("P", "Q#", page.next_key)
        assert (page.items, page.next_key) == ((), None)
    (_, asked), (_, again) = server.asked
    assert asked["ConsistentRead"] is True
    assert (asked["Limit"], "ExclusiveStartKey" in asked, again["ExclusiveStartKey"]) == (500, False, KEY)


async def test_nothing_is_asked_once_it_is_closed() -> None:
    async with calling(DescribeTable=[DONE]) as (calls, server):
        assert await calls.exists() is True
        calls.close()
        with pytest.raises(RegistryUnavailable, match="closed"):
            await calls.exists()
    assert len(server.asked) == 1
