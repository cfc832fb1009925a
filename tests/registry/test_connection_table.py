"""Connections in a DynamoDB that answers exactly what the test says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from dynamodb_double import Answer, ScriptedDynamoDb, failure, scripted
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import NodeNumber
from gateway.registry.batches import RecordRejected
from gateway.registry.connection_table import ConnectionTable
from gateway.registry.table import Table, TableSettings
from tables import connection


@contextmanager
def connections(**answers: Sequence[Answer | None]) -> Iterator[tuple[ConnectionTable, ScriptedDynamoDb]]:
    with scripted(**answers) as server:
        table = Table(server.endpoint, TableSettings("t"), 2)
        yield ConnectionTable(table, None), server
        table.close()


def test_unprocessed_keys_are_told_apart() -> None:
    left = {
        "t": [
            {"PutRequest": {"Item": {"pk": {"S": "NODE#7"}, "sk": {"S": "CONN#a"}}}},
            {"DeleteRequest": {"Key": {"pk": {"S": "NODE#8"}, "sk": {"S": "CONN#b"}}}},
        ]
    }
    with connections(BatchWriteItem=[(200, {"UnprocessedItems": left})]) as (made, _):
        assert made.write([connection(1)], [(NodeNumber(8), connection(2).connection_id)]) == {(7, "a"), (8, "b")}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (failure("ValidationException"), RecordRejected),
        (failure("SerializationException"), RecordRejected),
        (failure("ProvisionedThroughputExceededException"), RegistryUnavailable),
        (failure("ThrottlingException"), RegistryUnavailable),
        (failure("ResourceNotFoundException"), RegistryUnavailable),
        (failure("AccessDeniedException"), RegistryUnavailable),
        (failure("InternalServerError", 500), RegistryUnavailable),
        ((503, {}), RegistryUnavailable),
    ],
)
def test_failures_are_told_apart_and_each_call_is_made_once(answer: Answer, expected: type[Exception]) -> None:
    with connections(BatchWriteItem=[answer]) as (made, server):
        with pytest.raises(RegistryUnavailable, match="DynamoDB table t") as raised:
            made.write([connection(1)], [])
        assert type(raised.value) is expected
        assert len(server.asked) == 1
