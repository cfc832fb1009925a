from __future__ import annotations

import pytest

from gateway.access.keyring import INVALID_TOKEN, Keyring, same
from signing import KEY, principal


@pytest.mark.parametrize(
    ("held", "came", "found"),
    [
        (None, None, True),
        (None, "", True),
        ("t0ken", "t0ken", True),
        ("t0ken", None, False),
        (None, "t0ken", False),
        ("t0ken", "t0ke", False),
    ],
)
def test_a_token_must_be_the_keys_own(held: str | None, came: str | None, found: bool) -> None:
    holder = principal(session_token=held)
    assert Keyring({KEY: holder}).find(KEY, came, 0) == (holder if found else INVALID_TOKEN)


def test_a_key_nobody_holds() -> None:
    assert Keyring().find(KEY, None, 0) == INVALID_TOKEN


@pytest.mark.parametrize(("one", "other"), [("", ""), ("\xe9\ud800", "\xe9\ud800"), ("a", "b"), ("a", "aa")])
def test_any_texts_can_be_compared(one: str, other: str) -> None:
    assert same(one, other) is (one == other)
