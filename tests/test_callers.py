"""Everybody who may sign, and how what is known of them is replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.access.grant import Grant
from gateway.access.keyring import EXPIRED_TOKEN, INVALID_TOKEN, Keyring
from gateway.access.policy import Access, Decision
from gateway.access.principal import Principal
from gateway.access.session import Session, SessionKeys, SessionSeal
from gateway.callers import READY_SESSIONS, Callers, Vouched
from signing import KEY, principal

ROLE = "arn:aws:iam::123456789012:role/Ops"
CALLER = "arn:aws:sts::123456789012:assumed-role/Ops/i-0abc"
NOW_MS = 1_790_328_005_000
SEAL = SessionSeal(b"fleet")
ALLOW: dict[str, Any] = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
GRANTS = (Grant(ROLE, (ALLOW,), {"team": "ops"}),)


def session(arn: str = CALLER, nonce: str = "1") -> SessionKeys:
    return SEAL.keys_for(Session(arn, "AROAX:i-0abc", NOW_MS + 1000, nonce))


def callers(*trusted: str) -> Callers:
    return Callers(Keyring(), Vouched(SEAL, trusted))


def test_the_nodes_own_keys_hold_whatever_the_file_says() -> None:
    own, other = principal(), principal(secret="another", policies=())
    found = Callers(Keyring({KEY: own}))
    found.know(Keyring({KEY: other, "SECOND": other}), ())
    assert found.find(KEY, None, NOW_MS) == own
    assert found.find("SECOND", None, NOW_MS) == other
    found.know(Keyring(), ())
    assert found.find("SECOND", None, NOW_MS) == INVALID_TOKEN
    assert found.find(KEY, None, NOW_MS) == own
    assert found.find(KEY, "unasked", NOW_MS) == INVALID_TOKEN


@pytest.mark.parametrize("trusted", ["123456789012", ROLE, "arn:aws:sts::123456789012:assumed-role/Ops/*"])
def test_a_key_made_on_iams_word(trusted: str) -> None:
    found, keys = callers(trusted), session()
    found.know(Keyring(), GRANTS)
    for _ in range(2):
        holder = found.find(keys.access_key, keys.session_token, NOW_MS)
        assert holder == Principal(
            "123456789012", CALLER, keys.secret, keys.session_token, "AROAX:i-0abc", (ALLOW,), {"team": "ops"}
        )
        assert holder.decide(Access("any")) is Decision.ALLOWED
    assert found.find(keys.access_key, keys.session_token, NOW_MS + 1000) == EXPIRED_TOKEN
    assert found.find(keys.access_key, None, NOW_MS) == INVALID_TOKEN
    assert found.find("WSFTINVENTED", keys.session_token, NOW_MS) == INVALID_TOKEN


def test_whom_nobody_trusts_any_more() -> None:
    keys = session()
    assert callers("210987654321").find(keys.access_key, keys.session_token, NOW_MS) == INVALID_TOKEN
    found = callers("123456789012")
    assert found.find(keys.access_key, keys.session_token, NOW_MS) == INVALID_TOKEN, "nothing is granted yet"
    found.know(Keyring(), GRANTS)
    assert isinstance(found.find(keys.access_key, keys.session_token, NOW_MS), Principal)
    found.know(Keyring(), (replace(GRANTS[0], arn="arn:aws:iam::123456789012:role/Other"),))
    assert found.find(keys.access_key, keys.session_token, NOW_MS) == INVALID_TOKEN
    assert Callers(Keyring()).find(keys.access_key, keys.session_token, NOW_MS) == INVALID_TOKEN


def test_many_sessions_displace_the_oldest_and_all_are_known() -> None:
    found = callers("123456789012")
    found.know(Keyring(), GRANTS)
    made = [session(nonce=str(number)) for number in range(READY_SESSIONS + 5)]
    for keys in (*made, made[0]):
        assert isinstance(found.find(keys.access_key, keys.session_token, NOW_MS), Principal)
