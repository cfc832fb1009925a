"""Two sides convince each other that both have the fleet's key."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.peers.garbled import Garbled
from gateway.peers.greeting import NONCE_BYTES, VERSION, Greeting, SessionKeys

KEY = b"the fleet's key"
NONCES = (b"a" * NONCE_BYTES, b"b" * NONCE_BYTES)
HELLO_BYTES = 40
PROOF_BYTES = 32


def asker(key: bytes = KEY, nonce: bytes = NONCES[0]) -> Greeting:
    return Greeting(key, nonce, asks=True)


def answerer(key: bytes = KEY, nonce: bytes = NONCES[1]) -> Greeting:
    return Greeting(key, nonce, asks=False)


def met(one: Greeting, other: Greeting) -> SessionKeys:
    """Both greet; what both think the keys are."""
    hello_and_proof, rest = other.feed(one.opening)
    proof, none = one.feed(hello_and_proof)
    assert other.feed(proof) == (b"", b"")
    assert (rest, none, other.opening) == (b"", b"", b"")
    assert one.session is not None
    assert one.session == other.session
    return one.session


def test_both_sides_have_the_same_keys_afterwards() -> None:
    keys = met(asker(), answerer())
    assert keys.requests != keys.answers
    assert {len(key) for key in keys} == {32}


def test_every_connection_has_keys_of_its_own() -> None:
    sessions = [
        met(asker(), answerer()),
        met(asker(nonce=b"c" * NONCE_BYTES), answerer()),
        met(asker(), answerer(nonce=b"c" * NONCE_BYTES)),
        met(asker(b"other"), answerer(b"other")),
    ]
    assert len({key for session in sessions for key in session}) == 8


def test_an_answerer_with_another_key_is_told_nothing() -> None:
    one, other = asker(), answerer(b"another")
    hello_and_proof, _ = other.feed(one.opening)
    with pytest.raises(Garbled, match="does not have this fleet's key"):
        one.feed(hello_and_proof)
    assert one.session is None


def test_an_asker_with_another_key_is_not_met() -> None:
    one, other = asker(), answerer()
    other.feed(one.opening)
    with pytest.raises(Garbled, match="does not have this fleet's key"):
        other.feed(b"x" * PROOF_BYTES)
    assert other.session is None


def test_an_askers_own_words_prove_nothing_to_it() -> None:
    one, twin = asker(), answerer()
    hello_and_proof, _ = twin.feed(one.opening)
    with pytest.raises(Garbled, match="does not have this fleet's key"):
        asker().feed(one.opening + hello_and_proof[HELLO_BYTES:])


def test_a_proof_does_not_serve_the_other_side() -> None:
    one, other = asker(), answerer()
    hello_and_proof, _ = other.feed(one.opening)
    with pytest.raises(Garbled, match="does not have this fleet's key"):
        other.feed(hello_and_proof[HELLO_BYTES:])


def test_an_earlier_greeting_cannot_be_repeated() -> None:
    one, other = asker(), answerer()
    hello_and_proof, _ = other.feed(one.opening)
    proof, _ = one.feed(hello_and_proof)
    later = answerer(nonce=b"c" * NONCE_BYTES)
    with pytest.raises(Garbled, match="does not have this fleet's key"):
        later.feed(one.opening + proof)


@pytest.mark.parametrize("asks", [True, False])
def test_another_version_is_named(asks: bool) -> None:
    side = Greeting(KEY, NONCES[0], asks=asks)
    with pytest.raises(Garbled, match=f"version {VERSION + 1} of the protocol, this node version {VERSION}"):
        side.feed(b"wsfleet" + bytes((VERSION + 1,)) + NONCES[1])


@pytest.mark.parametrize("asks", [True, False])
def test_what_is_no_greeting_is_garbled(asks: bool) -> None:
    with pytest.raises(Garbled, match="not the greeting of a node"):
        Greeting(KEY, NONCES[0], asks=asks).feed(b"GET / HTTP/1.1\r\nhost: somewhere.example\r\n\r\n")


def test_bytes_may_be_cut_anywhere_and_more_may_follow() -> None:
    one, other = asker(), answerer()
    says = b"".join(other.feed(one.opening[at : at + 1])[0] for at in range(HELLO_BYTES))
    proof = b"".join(one.feed(says[at : at + 1])[0] for at in range(HELLO_BYTES + PROOF_BYTES))
    for at in range(PROOF_BYTES - 1):
        assert other.feed(proof[at : at + 1]) == (b"", b"")
    assert other.session is None
    assert other.feed(proof[-1:] + b"and more") == (b"", b"and more")
    assert one.session == other.session


@given(st.binary(max_size=150), st.booleans())
def test_random_bytes_raise_nothing_but_garbled(data: bytes, asks: bool) -> None:
    side = Greeting(KEY, NONCES[0], asks=asks)
    with contextlib.suppress(Garbled):
        side.feed(data)
    assert side.session is None


@pytest.mark.parametrize("key", [b"", bytes(65)])
def test_a_key_that_is_none_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="1 to 64 bytes"):
        Greeting(key, NONCES[0], asks=True)


def test_a_short_nonce_is_refused() -> None:
    with pytest.raises(ValueError, match="a nonce 32"):
        Greeting(KEY, b"short", asks=True)
