from __future__ import annotations

import pytest

from gateway.model.connection import Connection
from gateway.registry.records import connection_of, item_of
from registry_models import ConnectionRecord
from tables import connection


@pytest.mark.parametrize("keep_s", [None, 100])
@pytest.mark.parametrize(
    "wanted",
    [
        connection(1),
        connection(2, user_agent=None, authorizer={"a": "1", "ä": ""}, identity={}),
        connection(3, authorizer={}, identity={"sourceIp": "::1"}),
    ],
)
def test_an_item_is_what_pynamodb_would_write_and_is_read_as_it_was(wanted: Connection, keep_s: int | None) -> None:
    item = item_of(wanted, keep_s)
    assert item == ConnectionRecord.of(wanted, keep_s).serialize()
    assert connection_of(item) == wanted


def test_the_keys_leave_room_for_other_kinds_and_group_by_owner() -> None:
    item = item_of(connection(1, owner=42), keep_s=None)
    assert item["pk"] == {"S": "NODE#42"}
    assert item["sk"] == {"S": f"CONN#{connection(1, owner=42).connection_id}"}
    assert item["type"] == {"S": "Connection"}


def test_a_record_expires_by_itself_only_when_asked_to() -> None:
    assert item_of(connection(1, connected_at_ms=5_999), keep_s=100)["ttl"] == {"N": "105"}
    assert "ttl" not in item_of(connection(1), keep_s=None)


def test_what_is_absent_takes_no_space() -> None:
    item = item_of(connection(1, user_agent=None, authorizer=None), keep_s=None)
    assert not {"userAgent", "authorizer"} & set(item)


def test_attributes_of_a_newer_gateway_are_ignored() -> None:
    item = item_of(connection(1), keep_s=1) | {"invented": {"S": "later"}}
    assert connection_of(item) == connection(1)
