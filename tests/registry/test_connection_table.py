"""Connections read from a DynamoDB that answers exactly what the test says."""

from __future__ import annotations

import pytest

from dynamodb_double import failure, scripted
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import NodeNumber
from gateway.registry.connection_table import ConnectionTable
from gateway.registry.records import item_of, key_of
from gateway.registry.table import Table, TableSettings
from tables import connection

ME = NodeNumber(7)


def test_reads_are_consistent_and_a_page_says_where_the_next_one_begins() -> None:
    key = {name: {"S": text} for name, text in key_of(ME, connection(1).connection_id).items()}
    page = (200, {"Items": [item_of(connection(1), None)], "LastEvaluatedKey": key})
    with scripted(Query=[page, (200, {"Items": []})], GetItem=[(200, {"Item": item_of(connection(2), 5)})]) as server:
        table = Table(server.endpoint, TableSettings("t", page_size=1), 1)
        connections = ConnectionTable(table)
        first = connections.page(ME, None)
        assert first.connections == (connection(1),)
        last = connections.page(ME, first.next_key)
        assert (last.connections, last.next_key) == ((), None)
        assert connections.find(ME, connection(2).connection_id) == connection(2)
        table.close()
    assert all(document["ConsistentRead"] for _, document in server.asked)
    assert [document.get("ExclusiveStartKey") for _, document in server.asked] == [None, key, None]


def test_a_record_that_is_not_there_is_none() -> None:
    with scripted(GetItem=[(200, {})]) as server:
        table = Table(server.endpoint, TableSettings("t"), 1)
        assert ConnectionTable(table).find(ME, connection(1).connection_id) is None
        table.close()


def test_a_read_that_fails_is_tried_once() -> None:
    with scripted(Query=[failure("ThrottlingException")], GetItem=[failure("InternalServerError", 500)]) as server:
        table = Table(server.endpoint, TableSettings("t"), 1)
        with pytest.raises(RegistryUnavailable, match="Throttling"):
            ConnectionTable(table).page(ME, None)
        with pytest.raises(RegistryUnavailable, match="InternalServerError"):
            ConnectionTable(table).find(ME, connection(1).connection_id)
        assert [operation for operation, _ in server.asked] == ["Query", "GetItem"]
        table.close()
