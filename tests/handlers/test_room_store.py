"""The application's table: one query per room, expiry, and endpoints that come from the environment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pynamodb.connection import Connection

from chat_double import ADA, BOB, Chat


def test_of_two_who_remove_a_connection_one_gets_it(chat: Chat) -> None:
    import room_store

    chat.connect()
    assert room_store.remove(ADA) is not None
    assert room_store.remove(ADA) is None


def test_a_record_outlives_the_longest_connection(chat: Chat) -> None:
    import room_store

    chat.connect()
    member = room_store.find(ADA)
    assert member is not None
    assert member.expires_at > datetime.now(UTC) + timedelta(hours=2)


def test_a_room_holds_exactly_its_members(chat: Chat) -> None:
    import room_store

    for connection_id, room in ((ADA, "tea"), (BOB, "coffee")):
        chat.connect(connection_id, "somebody")
        chat.join(room, connection_id)
    assert [member.connection_id for member in room_store.members("tea")] == [ADA]
    assert room_store.members("nowhere") == []


def test_the_model_uses_the_indexes_and_expiry_that_the_template_declares(
    template: dict[str, Any],
) -> None:
    import room_store

    table = template["Resources"]["ConnectionsTable"]["Properties"]
    assert room_store.Member.by_room.Meta.index_name in str(table["GlobalSecondaryIndexes"])
    assert table["TimeToLiveSpecification"]["AttributeName"] == room_store.Member.expires_at.attr_name


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"])
def test_pynamodb_follows_the_endpoint_variables(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """So the handlers need no switch between this machine and AWS."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv(variable, "http://localhost:4566")
    assert Connection().client.meta.endpoint_url == "http://localhost:4566"
