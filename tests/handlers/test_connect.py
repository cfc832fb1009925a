"""`$connect`: a name is asked for, and kept."""

from __future__ import annotations

import pytest

from chat_double import ADA, Chat


def test_a_name_is_remembered(chat: Chat) -> None:
    import room_store

    assert chat.connect(name="ada") == {"statusCode": 200}
    member = room_store.find(ADA)
    assert member is not None
    assert member.attribute_values.keys() == {"connection_id", "name", "expires_at"}
    assert member.name == "ada"


def test_spaces_around_a_name_are_dropped(chat: Chat) -> None:
    import room_store

    chat.connect(name="  ada lovelace ")
    member = room_store.find(ADA)
    assert member is not None
    assert member.name == "ada lovelace"


@pytest.mark.parametrize("name", [None, "", "   ", "a" * 33])
def test_without_a_usable_name_the_connection_is_refused_with_a_reason(chat: Chat, name: str | None) -> None:
    import room_store

    result = chat.connect(name=name)
    assert result["statusCode"] == 400
    assert "?name=" in result["body"]
    assert room_store.find(ADA) is None


def test_nothing_is_posted_before_the_connection_is_open(chat: Chat) -> None:
    chat.connect()
    assert chat.connections.posted == []
