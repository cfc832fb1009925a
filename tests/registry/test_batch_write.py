"""The text of a BatchWriteItem is what pynamodb's model would have sent, for every connection there can be."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.connection import Connection
from gateway.model.ids import MAX_NODE_NUMBER, ApiId, ConnectionId, NodeNumber, StageName
from gateway.registry.batch_write import batch_write, error_in, unprocessed_in
from gateway.registry.batches import Key
from gateway.registry.keys import raw_key_of
from registry_models import ConnectionRecord
from tables import connection

TEXTS = st.text() | st.sampled_from(
    ['"', "\\", "\n\r\t\b\f\x00\x1f\x7f", "\u2028", "\U0001f600", "\ud800", "</script>"]
)
NUMBERS = st.integers(0, MAX_NODE_NUMBER).map(NodeNumber)
MAPS = st.none() | st.dictionaries(TEXTS, TEXTS, max_size=4)
CONNECTIONS = st.builds(
    Connection,
    connection_id=TEXTS.map(ConnectionId),
    owner=NUMBERS,
    api_id=TEXTS.map(ApiId),
    stage=TEXTS.map(StageName),
    connected_at_ms=st.integers(0, 2**53),
    source_ip=TEXTS,
    domain_name=TEXTS,
    user_agent=st.none() | TEXTS,
    authorizer=MAPS,
    identity=MAPS,
)
KEYS = st.tuples(NUMBERS, TEXTS.map(ConnectionId))


@given(st.lists(CONNECTIONS, max_size=3), st.lists(KEYS, max_size=3), st.none() | st.integers(0, 10**9), TEXTS)
def test_every_item_is_the_models(puts: list[Connection], deletes: list[Key], keep_s: int | None, table: str) -> None:
    requests = [
        *({"DeleteRequest": {"Key": raw_key_of(*key)}} for key in deletes),
        *({"PutRequest": {"Item": ConnectionRecord.of(each, keep_s).serialize()}} for each in puts),
    ]
    assert json.loads(batch_write(table, puts, deletes, keep_s)) == {"RequestItems": {table: requests}}


def test_a_request_is_as_short_as_json_can_be() -> None:
    body = batch_write("t", [connection(1)], [], None)
    assert body == json.dumps(json.loads(body), separators=(",", ":")).encode()


def test_what_was_left_is_told_by_its_keys() -> None:
    left = {
        "t": [
            {"PutRequest": {"Item": {"pk": {"S": "NODE#7"}, "sk": {"S": "CONN#a"}, "stage": {"S": "prod"}}}},
            {"DeleteRequest": {"Key": {"pk": {"S": "NODE#8"}, "sk": {"S": "CONN#b#c"}}}},
        ]
    }
    assert unprocessed_in({"UnprocessedItems": left}, "t") == {(7, "a"), (8, "b#c")}


@pytest.mark.parametrize("answer", [{}, {"UnprocessedItems": {}}, {"UnprocessedItems": None}])
def test_nothing_is_left_when_nothing_is_said(answer: dict[str, object]) -> None:
    assert unprocessed_in(answer, "t") == frozenset()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow"}', "ThrottlingException"),
        (b'{"__type":"ValidationException","Message":"slow"}', "ValidationException"),
        (b'{"__type":"ValidationException:http://internal","message":"slow"}', "ValidationException"),
        (b'{"message":"slow"}', "400"),
        (b"slow", "400"),
    ],
)
def test_an_error_has_a_code_and_a_message(body: bytes, expected: str) -> None:
    assert error_in(400, body) == (expected, "slow")


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"\xff"])
def test_an_error_that_says_nothing_is_known_by_its_status(body: bytes) -> None:
    assert error_in(503, body)[0] == "503"
