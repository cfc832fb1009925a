"""`send`: a room hears every word, and a connection that is gone is forgotten."""

from __future__ import annotations

import pytest

from chat_double import ADA, BOB, EVE, Chat


def gather(chat: Chat, room: str, **names: str) -> None:
    for name, connection_id in names.items():
        chat.connect(connection_id, name)
        chat.join(room, connection_id)
    chat.connections.posted.clear()


def test_the_whole_room_hears_it_and_nobody_else(chat: Chat) -> None:
    gather(chat, "tea", ada=ADA, bob=BOB)
    gather(chat, "coffee", eve=EVE)
    assert chat.send("hello ☕", ADA) == {"statusCode": 200}
    message = {"event": "message", "room": "tea", "name": "ada", "text": "hello ☕"}
    assert chat.received(ADA) == chat.received(BOB) == [message]
    assert chat.received(EVE) == []


def test_outside_a_room_one_is_told_to_join(chat: Chat) -> None:
    chat.connect()
    chat.send("hello")
    assert chat.received(ADA) == [{"event": "error", "problem": "join a room first"}]


def test_a_connection_without_a_record_is_told_to_join(chat: Chat) -> None:
    chat.send("hello")
    assert chat.received(ADA) == [{"event": "error", "problem": "join a room first"}]


@pytest.mark.parametrize("text", [None, "", 7, {}])
def test_what_is_not_text_is_said_so(chat: Chat, text: object) -> None:
    gather(chat, "tea", ada=ADA, bob=BOB)
    chat.send(text)
    assert [reply["event"] for reply in chat.received(ADA)] == ["error"]
    assert chat.received(BOB) == []


def test_a_stale_connection_is_forgotten_and_the_others_hear_of_it(chat: Chat) -> None:
    import room_store

    gather(chat, "tea", ada=ADA, bob=BOB)
    chat.connections.gone.add(BOB)
    assert chat.send("hello", ADA) == {"statusCode": 200}
    assert [message["event"] for message in chat.received(ADA)] == ["message", "left"]
    assert room_store.find(BOB) is None
    assert [member.name for member in room_store.members("tea")] == ["ada"]


def test_when_all_are_gone_the_room_is_empty(chat: Chat) -> None:
    import room_store

    gather(chat, "tea", ada=ADA, bob=BOB, eve=EVE)
    chat.connections.gone |= {ADA, BOB, EVE}
    assert chat.send("hello", ADA) == {"statusCode": 200}
    assert room_store.members("tea") == []
    assert chat.connections.posted == []
