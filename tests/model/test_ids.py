"""Connection IDs: AWS's shape, an owner inside, and no invented one taken for genuine."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import ids
from gateway.model.ids import NodeNumber

OWNERS = st.integers(0, ids.MAX_NODE_NUMBER).map(NodeNumber)
RANDOM = st.binary(min_size=6, max_size=6)
KEY = b"k" * 32


@pytest.mark.parity("P-117", "P-118", "P-122")
@given(OWNERS, RANDOM)
def test_round_trip_and_shape(owner: NodeNumber, random: bytes) -> None:
    made = ids.connection_id(owner, random, KEY)
    assert re.fullmatch(r"[A-Za-z0-9_-]{18}==", made)
    assert ids.owner_of(made, KEY) == owner
    assert ids.owner_of(made, b"other key") is None


@given(st.text(max_size=30))
def test_no_text_raises(text: str) -> None:
    ids.owner_of(text, KEY)
    ids.claimed_owner(text)


@given(OWNERS, RANDOM)
def test_the_owner_can_be_read_without_the_key(owner: NodeNumber, random: bytes) -> None:
    assert ids.claimed_owner(ids.connection_id(owner, random, KEY)) == owner


@pytest.mark.parametrize(
    "text", ["", "short", "hK3nTc7vdQAYKEjVWA", "hK3nTc7vdQAYKEjVWB==", "hK3nTc7vdQAYKEjV+A==", "ä" * 20]
)
def test_what_is_no_id_by_its_shape_has_no_owner(text: str) -> None:
    assert ids.claimed_owner(text) is None


@pytest.mark.parity("P-122")
@given(OWNERS, RANDOM, st.integers(0, 17), st.sampled_from("AZaz09-_"))
def test_a_changed_id_is_not_genuine(owner: NodeNumber, random: bytes, at: int, char: str) -> None:
    made = ids.connection_id(owner, random, KEY)
    changed = made[:at] + char + made[at + 1 :]
    assert changed == made or ids.owner_of(changed, KEY) is None


def test_a_second_spelling_of_the_same_bytes_is_not_genuine() -> None:
    made = ids.connection_id(NodeNumber(1), b"random", KEY)
    last = made[17]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = made[:17] + alphabet[alphabet.index(last) ^ 1] + "=="
    assert ids.owner_of(other, KEY) is None


@pytest.mark.parity("P-120")
def test_a_message_shares_its_connections_tail() -> None:
    connection = ids.connection_id(NodeNumber(1), b"random", KEY)
    assert ids.message_id(connection, b"1234567")[-10:] == connection[-10:]
    assert len(ids.message_id(connection, b"1234567")) == 20


@pytest.mark.parity("P-119")
def test_request_ids_are_16_characters() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{15}=", ids.request_id(b"12345678901"))


@pytest.mark.parametrize(("owner", "random"), [(-1, b"123456"), (2**32, b"123456"), (1, b"12345")])
def test_what_does_not_fit_is_refused(owner: int, random: bytes) -> None:
    with pytest.raises(ValueError, match="owner must fit"):
        ids.connection_id(NodeNumber(owner), random, KEY)


def test_many_are_packed_and_back() -> None:
    many = tuple(ids.connection_id(ids.NodeNumber(n), bytes([n]) * 6, b"key") for n in range(100))
    assert len(ids.packed(many)) == 100 * ids.ID_BYTES
    assert ids.unpacked(ids.packed(many)) == many
    assert ids.unpacked(b"") == ()


@pytest.mark.parametrize("text", ["", "invented", "hK3nTc7vdQAYKEjVWA", "hK3nTc7vdQAYKEjVWB=="])
def test_what_is_no_id_is_not_packed(text: str) -> None:
    with pytest.raises(ValueError, match="not a connection ID"):
        ids.packed([ids.ConnectionId(text)])


def test_half_an_id_is_not_unpacked() -> None:
    with pytest.raises(ValueError, match="whole number"):
        ids.unpacked(bytes(ids.ID_BYTES + 1))
