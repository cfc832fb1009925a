from __future__ import annotations

import pytest

from gateway.access.grant import Grant, account_of, covers, granted, is_account, is_pattern

USER = "arn:aws:iam::123456789012:user/team/ada"
SESSION = "arn:aws:sts::123456789012:assumed-role/Ops/i-0abc"
CN = "arn:aws-cn:sts::123456789012:assumed-role/Ops/x"


@pytest.mark.parametrize(
    ("pattern", "arn", "covered"),
    [
        (USER, USER, True),
        ("arn:aws:iam::123456789012:user/*", USER, True),
        ("arn:aws:iam::123456789012:user/ada", USER, False),
        ("123456789012", USER, True),
        ("123456789012", SESSION, True),
        ("210987654321", SESSION, False),
        (SESSION, SESSION, True),
        ("arn:aws:sts::123456789012:assumed-role/Ops/*", SESSION, True),
        ("arn:aws:iam::123456789012:role/Ops", SESSION, True),
        ("arn:aws:iam::123456789012:role/O*", SESSION, True),
        ("arn:aws:iam::210987654321:role/Ops", SESSION, False),
        ("arn:aws:iam::123456789012:role/Ops", CN, False),
        ("arn:aws-cn:iam::123456789012:role/Ops", CN, True),
        ("arn:aws:iam::123456789012:role/Ops", USER, False),
    ],
)
def test_who_is_meant(pattern: str, arn: str, covered: bool) -> None:
    assert covers(pattern, arn) is covered


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (USER, True),
        ("arn:aws:iam::123456789012:role/*", True),
        ("arn:aws:sts::123456789012:assumed-role/Ops/*", True),
        ("arn:aws:iam::*:role/Ops", False),
        ("arn:aws:iam::12345678901?:role/Ops", False),
        ("*", False),
        ("123456789012", False),
        ("arn:aws:s3:::bucket", False),
    ],
)
def test_a_pattern_names_an_account(text: str, good: bool) -> None:
    assert is_pattern(text) is good


def test_accounts() -> None:
    assert is_account("123456789012") and not is_account("12345678901")
    assert account_of(USER) == "123456789012"
    assert account_of("nonsense") == ""


def test_grants_add_up() -> None:
    one = Grant("arn:aws:iam::123456789012:user/*", ({"a": 1},), {"team": "x", "one": "1"})
    two = Grant("arn:aws:iam::123456789012:user/team/*", ({"b": 2},), {"team": "y"})
    other = Grant("arn:aws:iam::123456789012:role/Ops", ({"c": 3},))
    assert granted((one, two, other), USER) == Grant(USER, ({"a": 1}, {"b": 2}), {"team": "y", "one": "1"})
    assert granted((other,), USER) is None
