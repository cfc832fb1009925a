"""Audiences that cannot be read; the others are in ``test_codec`` and in the contract's suite."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.model.audience import Audience
from gateway.model.ids import ApiId, NodeNumber, StageName, connection_id
from gateway.model.limits import MAX_EXCEPTED
from gateway.peers.audiences import audience_data, audience_in
from gateway.peers.garbled import Garbled

API = ApiId("q7x2k9m4pd")


def made(*values: Any, left_out: int = 0) -> bytes:
    text = json.dumps(values).encode()
    return len(text).to_bytes(2, "big") + text + left_out.to_bytes(2, "big") + bytes(13 * left_out)


def test_what_stands_beside_and_behind_is_given_back() -> None:
    audience = Audience(API, StageName("prod"), group="room")
    data = audience_data(audience, True, [1, "x"])
    assert audience_in(API, data + b"message") == (audience, [True, [1, "x"]], len(data))


@pytest.mark.parametrize(
    "data",
    [
        made("prod", None, None),
        made(1, None, None, None),
        made("prod", "now", None, None),
        made("prod", None, 7, None),
        made("prod", None, None, 7),
        made("prod", None, None, None, left_out=MAX_EXCEPTED + 1),
        made("prod", None, None, None, left_out=2)[:-1],
        b"\x00\x01?\x00\x00",
        b"\x00\x02{}\x00\x00",
    ],
)
def test_what_is_none_is_garbled(data: bytes) -> None:
    with pytest.raises(Garbled):
        audience_in(API, data)


def test_more_are_not_left_out_than_may_be() -> None:
    ids = frozenset(connection_id(NodeNumber(1), n.to_bytes(6, "big"), b"") for n in range(MAX_EXCEPTED + 1))
    with pytest.raises(ValueError, match="longer than any"):
        audience_data(Audience(API, StageName("prod"), ids))
