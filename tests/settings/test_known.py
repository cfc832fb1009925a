from __future__ import annotations

import pytest

from gateway.settings.known import VARIABLES, hint_for, unknown_variables


def test_no_name_stands_twice() -> None:
    assert len(set(VARIABLES)) == len(VARIABLES)


def test_unknown_variables_in_order() -> None:
    names = ("WSFLEET_Z", "WSFLEET_LEASE", "PATH", "WSFLEET_PORT", "WSFLEET_CONFIG", "WSFLEET_DEBUG", "WSFLEET_HOSTS")
    assert unknown_variables(dict.fromkeys(names, "")) == ["WSFLEET_LEASE", "WSFLEET_Z"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("WSFLEET_LEASE_SECOND", "did you mean WSFLEET_LEASE_SECONDS?"),
        ("WSFLEET_STATEDIR", "did you mean WSFLEET_STATE_DIR?"),
        ("xyzzy", "`wsfleet config` shows every setting"),
    ],
)
def test_who_was_meant(name: str, hint: str) -> None:
    assert hint_for(name, VARIABLES) == hint
