"""Connections read from a DynamoDB that answers exactly what the test says."""

from __future__ import annotations

import pytest

from dynamodb_double import failure, scripted
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import NodeNumber
from gateway.registry.calls import Calls
from gateway.registry.connection_table import ConnectionTable
from gateway.registry.keys import raw_key_of
from gateway.registry.records import item_of
from gateway.registry.table_settings import TableSettings
from tables import connection

ME = NodeNumber(7)


async def test_reads_are_consistent_and_a_page_says_where_the_next_one_begins() -> None:
    key = raw_key_of(ME, connection(1).connection_id)
    page = (200, {"Items": [item_of(connection(1), None)], "LastEvaluatedKey": key})
    with scripted(Query=[page, (200, {"Items": []})], GetItem=[(200, {"Item": item_of(connection(2), 5)})]) as server:
        calls = Calls(server.endpoint, TableSettings("t", page_size=1))
        connections = ConnectionTable(calls)
        first = await connections.page(ME, None)
        assert first.connections == (connection(1),)
        last = await connections.page(ME, first.next_key)
        assert (last.connections, last.next_key) == ((), None)
        assert await connections.find(ME, connection(2).connection_id) == connection(2)
        calls.close()
    assert all(document["ConsistentRead"] for _, document in server.asked)
    assert [document.get("ExclusiveStartKey") for _, document in server.asked] == [None, key, None]


async def test_a_record_that_is_not_there_is_none() -> None:
    with scripted(GetItem=[(200, {})]) as server:
        calls = Calls(server.endpoint, TableSettings("t"))
        assert await ConnectionTable(calls).find(ME, connection(1).connection_id) is None
        calls.close()


async def test_a_read_that_fails_is_tried_once() -> None:
    with scripted(Query=[failure("ThrottlingException")], GetItem=[failure("InternalServerError", 500)]) as server:
        calls = Calls(server.endpoint, TableSettings("t"))
        with pytest.raises(RegistryUnavailable, match="Throttling"):
            await ConnectionTable(calls).page(ME, None)
        with pytest.raises(RegistryUnavailable, match="InternalServerError"):
            await ConnectionTable(calls).find(ME, connection(1).connection_id)
        assert [operation for operation, _ in server.asked] == ["Query", "GetItem"]
        calls.close()
