"""The blocking table against a DynamoDB that answers exactly what the test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from gateway.model.aws import AwsEndpoint
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import NodeNumber
from gateway.registry.batches import RecordRejected
from gateway.registry.table import ConnectionTable, TableSettings
from tables import connection, fresh_table

Answer = tuple[int, dict[str, Any]]
CREATING: Answer = (200, {"Table": {"TableName": "t", "TableStatus": "CREATING"}})
ACTIVE: Answer = (200, {"Table": {"TableName": "t", "TableStatus": "ACTIVE"}})
GONE: Answer = (400, {"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "no table"})


class Script(ThreadingHTTPServer):
    """Answers each operation with the next of its answers; the last one repeats."""

    daemon_threads = True

    def __init__(self, answers: dict[str, list[Answer]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Script

    def do_POST(self) -> None:
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        self.server.asked.append((operation, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        answers = self.server.answers[operation]
        status, document = answers.pop(0) if len(answers) > 1 else answers[0]
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def table(**answers: list[Answer]) -> Iterator[tuple[ConnectionTable, Script]]:
    with Script(answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        made = ConnectionTable(
            AwsEndpoint(f"http://127.0.0.1:{server.server_port}", "eu-central-1"), TableSettings("t"), 2
        )
        try:
            yield made, server
        finally:
            made.close()
            server.shutdown()
            thread.join()


def failure(code: str, status: int = 400) -> Answer:
    return status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "as the test says"}


def test_unprocessed_keys_are_told_apart() -> None:
    left = {
        "t": [
            {"PutRequest": {"Item": {"pk": {"S": "NODE#7"}, "sk": {"S": "CONN#a"}}}},
            {"DeleteRequest": {"Key": {"pk": {"S": "NODE#8"}, "sk": {"S": "CONN#b"}}}},
        ]
    }
    with table(BatchWriteItem=[(200, {"UnprocessedItems": left})]) as (made, _):
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
    with table(BatchWriteItem=[answer]) as (made, server):
        with pytest.raises(expected, match="DynamoDB table t"):
            made.write([connection(1)], [])
        assert len(server.asked) == 1


def test_a_new_table_is_on_demand_waited_for_and_given_its_ttl() -> None:
    pauses: list[float] = []
    with table(
        DescribeTable=[GONE, CREATING, CREATING, ACTIVE], CreateTable=[CREATING], UpdateTimeToLive=[(200, {})]
    ) as (made, server):
        assert made.ensure(pauses.append) is True
    asked = dict(server.asked)
    assert asked["CreateTable"]["BillingMode"] == "PAY_PER_REQUEST"
    assert asked["UpdateTimeToLive"]["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert len(pauses) == 2


def test_a_table_that_is_never_ready_ends_the_wait() -> None:
    waited: list[float] = []
    with table(DescribeTable=[CREATING]) as (made, _), pytest.raises(RegistryUnavailable, match="not ready"):
        made.ensure(waited.append)
    assert sum(waited) >= 59


def test_an_emulator_without_ttl_is_good_enough() -> None:
    with table(
        DescribeTable=[GONE, ACTIVE], CreateTable=[ACTIVE], UpdateTimeToLive=[failure("UnknownOperationException")]
    ) as (made, _):
        assert made.ensure() is True


def test_a_table_made_by_somebody_else_meanwhile_is_fine() -> None:
    with table(DescribeTable=[GONE, ACTIVE], CreateTable=[failure("ResourceInUseException")]) as (made, _):
        assert made.ensure() is False


def test_an_account_that_may_not_create_the_table_is_told_so() -> None:
    denied = failure("AccessDeniedException")
    with (
        table(DescribeTable=[GONE], CreateTable=[denied]) as (made, _),
        pytest.raises(RegistryUnavailable, match="AccessDenied"),
    ):
        made.ensure()


def test_a_closed_table_opens_again_on_demand(moto_url: str) -> None:
    made = ConnectionTable(AwsEndpoint(moto_url, "eu-central-1"), TableSettings(fresh_table()), 2)
    made.close()
    assert made.ensure() is True
    made.close()
