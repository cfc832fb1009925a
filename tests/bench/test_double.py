"""The DynamoDB that answers at once is believed by the adapters that will ask it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from bench.double import Conversation, Table

from gateway.model.aws import DUMMY_CREDENTIALS, AwsEndpoint
from gateway.model.ids import NodeNumber
from gateway.model.member import Member, MemberState, Renewal
from gateway.registry.members import DynamoDbMembers


@pytest.fixture
async def members() -> AsyncIterator[DynamoDbMembers]:
    table = Table()
    server = await asyncio.get_running_loop().create_server(lambda: Conversation(table), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    found = DynamoDbMembers(AwsEndpoint(f"http://127.0.0.1:{port}", "us-east-1", DUMMY_CREDENTIALS), 10.0)
    yield found
    await found.close()
    server.close()


async def test_nodes_get_numbers_of_their_own(members: DynamoDbMembers) -> None:
    assert [await members.allocate(), await members.allocate()] == [1, 2]


async def test_a_renewal_is_seen(members: DynamoDbMembers) -> None:
    await members.join(Member(NodeNumber(1), 10_000, "machine", "host", 7, 1_700_000_000_000, version=1))
    assert await members.renew(Renewal(NodeNumber(1), 2, MemberState.ALIVE, 3))
    (found,) = await members.all()
    assert (found.version, found.connections, found.state) == (2, 3, MemberState.ALIVE)


async def test_the_first_value_is_agreed_on(members: DynamoDbMembers) -> None:
    assert [await members.agree("key", "one"), await members.agree("key", "two")] == ["one", "one"]


def test_connections_are_listed_by_node_until_they_are_removed() -> None:
    table = Table()
    put = '{"RequestItems":{"t":[{"PutRequest":{"Item":{"pk":{"S":"NODE#7"},"sk":{"S":"CONN#abc="}}}}]}}'
    drop = '{"RequestItems":{"t":[{"DeleteRequest":{"Key":{"pk":{"S":"NODE#7"},"sk":{"S":"CONN#abc="}}}}]}}'
    assert table.answer("BatchWriteItem", put.encode()) == (200, {"UnprocessedItems": {}})
    assert {number: list(ids) for number, ids in table.ids.items()} == {"7": ["abc="]}
    table.answer("BatchWriteItem", drop.encode())
    assert not table.ids["7"]


def test_what_it_does_not_know_it_says() -> None:
    assert Table().answer("TransactWriteItems", b"{}")[0] == 400
