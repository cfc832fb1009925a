"""`$default`: help, whatever arrives."""

from __future__ import annotations

import json

import pytest

from chat_double import Chat


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("hello", "that is not JSON"),
        ('{"action": "send"', "that is not JSON"),
        ("", "that names no action"),
        ("[]", "that names no action"),
        ("null", "that names no action"),
        ("{}", "that names no action"),
        ('{"action": "dance"}', "there is no such action"),
    ],
)
def test_help_is_returned_for_the_route_response(chat: Chat, body: str, problem: str) -> None:
    result = chat.default(body)
    assert result["statusCode"] == 200
    answer = json.loads(result["body"])
    assert (answer["event"], answer["problem"]) == ("help", problem)
    assert [example["action"] for example in answer["try"]] == ["join", "send"]
    assert chat.connections.posted == []
