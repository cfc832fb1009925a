"""Keys that need no record: told by whoever has the fleet's key, and by nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.session import ID_PREFIX, MAX_TOKEN_CHARS, Session, SessionSeal

SEAL = SessionSeal(b"k" * 32)
SESSION = Session("arn:aws:sts::123456789012:assumed-role/Ops/i-0abc", "AROAX:i-0abc", 1_790_328_005_217, "n0nce")
SESSIONS = st.builds(Session, st.text(max_size=80), st.text(max_size=30), st.integers(0, 2**53), st.text(max_size=20))


@given(SESSIONS)
def test_every_node_of_the_fleet_reads_what_another_has_made(session: Session) -> None:
    keys = SEAL.keys_for(session)
    assert SessionSeal(b"k" * 32).read(keys.access_key, keys.session_token) == (session, keys.secret)


def test_what_it_looks_like() -> None:
    keys = SEAL.keys_for(SESSION)
    assert keys.access_key.startswith(ID_PREFIX) and len(keys.access_key) == 20 and keys.access_key.isalnum()
    assert len(keys.secret) == 40
    assert keys.session_token.isascii() and " " not in keys.session_token
    assert keys.secret not in repr(keys) and keys.session_token not in repr(keys)
    assert SEAL.keys_for(SESSION) == keys


def test_another_session_has_other_keys() -> None:
    keys, other = SEAL.keys_for(SESSION), SEAL.keys_for(replace(SESSION, nonce="another"))
    assert len({keys.access_key, other.access_key}) == len({keys.secret, other.secret}) == 2
    assert SEAL.read(keys.access_key, other.session_token) is None


def test_another_fleet_does_not_know_them() -> None:
    keys = SEAL.keys_for(SESSION)
    assert SessionSeal(b"x" * 32).read(keys.access_key, keys.session_token) is None


@given(st.data())
def test_no_change_goes_unnoticed(data: st.DataObject) -> None:
    keys = SEAL.keys_for(SESSION)
    token = keys.session_token
    at = data.draw(st.integers(0, len(token) - 1))
    changed = token[:at] + data.draw(st.text(max_size=3)) + token[at + 1 :]
    found = SEAL.read(keys.access_key, changed)
    assert found is None or found == (SESSION, keys.secret), "base64 has several spellings of its last bits"


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_raises(access_key: str, token: str) -> None:
    assert SEAL.read(access_key, token) is None
    assert SEAL.read(ID_PREFIX + access_key, token) is None


@pytest.mark.parametrize("token", ["", ".", "A" * (MAX_TOKEN_CHARS + 1), "é.é", "=.="])
def test_odd_tokens(token: str) -> None:
    assert SEAL.read(SEAL.keys_for(SESSION).access_key, token) is None
