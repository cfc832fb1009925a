"""`$disconnect`: nothing is left behind, and the room is told once."""

from __future__ import annotations

from chat_double import ADA, BOB, Chat


def test_the_room_is_told_and_the_record_removed(chat: Chat) -> None:
    import room_store

    chat.connect(ADA, "ada")
    chat.connect(BOB, "bob")
    chat.join("tea", ADA)
    chat.join("tea", BOB)
    assert chat.disconnect(ADA) == {"statusCode": 200}
    assert chat.received(BOB)[-1] == {"event": "left", "room": "tea", "name": "ada"}
    assert room_store.find(ADA) is None


def test_outside_a_room_nobody_is_told(chat: Chat) -> None:
    import room_store

    chat.connect()
    assert chat.disconnect() == {"statusCode": 200}
    assert room_store.find(ADA) is None
    assert chat.connections.posted == []


def test_a_second_disconnect_changes_nothing(chat: Chat) -> None:
    chat.connect(ADA, "ada")
    chat.connect(BOB, "bob")
    chat.join("tea", ADA)
    chat.join("tea", BOB)
    chat.disconnect(ADA)
    heard = list(chat.connections.posted)
    assert chat.disconnect(ADA) == {"statusCode": 200}
    assert chat.connections.posted == heard


def test_a_disconnect_of_an_unknown_connection_is_no_error(chat: Chat) -> None:
    assert chat.disconnect() == {"statusCode": 200}
