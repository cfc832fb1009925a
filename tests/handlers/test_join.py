"""`join`: rooms are entered and left, and their members hear of it."""

from __future__ import annotations

import pytest

from chat_double import ADA, BOB, EVE, Chat


def test_everybody_in_the_room_hears_of_a_newcomer(chat: Chat) -> None:
    chat.connect(ADA, "ada")
    chat.connect(BOB, "bob")
    assert chat.join("tea", ADA) == {"statusCode": 200}
    chat.join("tea", BOB)
    ada, bob = ({"event": "joined", "room": "tea", "name": name} for name in ("ada", "bob"))
    assert chat.received(ADA) == [ada, bob]
    assert chat.received(BOB) == [bob]


def test_the_room_before_is_left(chat: Chat) -> None:
    chat.connect(ADA, "ada")
    chat.connect(BOB, "bob")
    chat.join("tea", ADA)
    chat.join("tea", BOB)
    chat.join("coffee", ADA)
    assert chat.received(BOB)[-1] == {"event": "left", "room": "tea", "name": "ada"}
    assert chat.received(ADA)[-1] == {"event": "joined", "room": "coffee", "name": "ada"}


def test_joining_the_same_room_again_leaves_nothing(chat: Chat) -> None:
    chat.connect()
    chat.join("tea")
    chat.join("tea")
    assert [message["event"] for message in chat.received(ADA)] == ["joined", "joined"]


@pytest.mark.parametrize("room", [None, "", 7, ["tea"], "r" * 65])
def test_what_is_not_a_room_name_is_said_so(chat: Chat, room: object) -> None:
    import room_store

    chat.connect()
    assert chat.join(room) == {"statusCode": 200}
    (reply,) = chat.received(ADA)
    assert reply["event"] == "error"
    assert "room" in reply["problem"]
    member = room_store.find(ADA)
    assert member is not None
    assert member.room is None


def test_a_connection_without_a_record_is_told_to_reconnect(chat: Chat) -> None:
    chat.join("tea")
    (reply,) = chat.received(ADA)
    assert "reconnect" in reply["problem"]


def test_who_left_while_joining_is_not_brought_back(chat: Chat) -> None:
    import room_store

    chat.connect()
    member = room_store.find(ADA)
    assert member is not None
    chat.disconnect()
    assert room_store.move(member, "tea") is False
    assert room_store.find(ADA) is None
    assert room_store.members("tea") == []


def test_a_reply_to_a_connection_that_is_gone_is_dropped(chat: Chat) -> None:
    chat.connections.gone.add(EVE)
    assert chat.join("", EVE) == {"statusCode": 200}
    assert chat.connections.posted == []
