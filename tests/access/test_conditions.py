"""IAM conditions: three values, by table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.conditions import InvalidCondition, holds, is_known

CONTEXT = {
    "aws:SourceIp": "192.0.2.10",
    "aws:CurrentTime": "2026-09-25T10:00:00Z",
    "aws:EpochTime": "1790330400",
    "aws:UserAgent": "My-Client/1.0",
    "aws:SecureTransport": "true",
    "n": "10",
    "arn": "arn:aws:iam::123456789012:role/reader",
    "odd": "nonsense",
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, True),
        ({"StringEquals": {}}, True),
        ({"StringEquals": {"aws:useragent": "My-Client/1.0"}}, True),
        ({"StringEquals": {"aws:UserAgent": ["x", "My-Client/1.0"]}}, True),
        ({"StringEquals": {"aws:UserAgent": "my-client/1.0"}}, False),
        ({"StringEqualsIgnoreCase": {"aws:UserAgent": "my-client/1.0"}}, True),
        ({"StringNotEquals": {"aws:UserAgent": ["x", "y"]}}, True),
        ({"StringNotEquals": {"aws:UserAgent": ["x", "My-Client/1.0"]}}, False),
        ({"StringNotEqualsIgnoreCase": {"aws:UserAgent": "MY-client/1.0"}}, False),
        ({"StringLike": {"aws:UserAgent": "My-*"}}, True),
        ({"StringLike": {"aws:UserAgent": "my-*"}}, False),
        ({"StringNotLike": {"aws:UserAgent": "My-*"}}, False),
        ({"ArnLike": {"arn": "arn:aws:iam::*:role/*"}}, True),
        ({"ArnEquals": {"arn": "arn:aws:iam::*:user/*"}}, False),
        ({"ArnNotLike": {"arn": "arn:aws:iam::*:user/*"}}, True),
        ({"ArnNotEquals": {"arn": "*"}}, False),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, True),
        ({"IpAddress": {"aws:SourceIp": ["198.51.100.0/24", "2001:db8::/32"]}}, False),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.10"}}, True),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.1/24"}}, True),
        ({"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, False),
        ({"NumericEquals": {"n": 10}}, True),
        ({"NumericEquals": {"n": "10.0"}}, True),
        ({"NumericNotEquals": {"n": 10}}, False),
        ({"NumericLessThan": {"n": 10}}, False),
        ({"NumericLessThanEquals": {"n": 10}}, True),
        ({"NumericGreaterThan": {"n": 9.5}}, True),
        ({"NumericGreaterThanEquals": {"n": 11}}, False),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-09-25T09:59:59Z"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2026-09-25T12:00:00+02:00"}}, False),
        ({"DateLessThanEquals": {"aws:CurrentTime": "2026-09-25T12:00:00+02:00"}}, True),
        ({"DateEquals": {"aws:CurrentTime": "2026-09-25T10:00:00"}}, True),
        ({"DateNotEquals": {"aws:CurrentTime": "2026-09-25"}}, True),
        ({"DateGreaterThanEquals": {"aws:EpochTime": "1790330400"}}, True),
        ({"DateLessThan": {"aws:EpochTime": 1}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"Bool": {"aws:SecureTransport": True}}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, False),
        ({"Null": {"aws:SourceIp": "false"}}, True),
        ({"Null": {"aws:SourceIp": True}}, False),
        ({"StringEqualsIfExists": {"aws:UserAgent": "My-Client/1.0"}}, True),
        ({"StringEqualsIfExists": {"aws:UserAgent": "x"}}, False),
        # not decided: unknown keys, unknown operators, values that cannot be read
        ({"StringEquals": {"aws:PrincipalTag/team": "a"}}, None),
        ({"StringNotEquals": {"aws:PrincipalTag/team": "a"}}, None),
        ({"StringEqualsIfExists": {"aws:PrincipalTag/team": "a"}}, None),
        ({"Null": {"aws:PrincipalTag/team": "true"}}, None),
        ({"ForAnyValue:StringEquals": {"aws:UserAgent": "My-Client/1.0"}}, None),
        ({"BinaryEquals": {"aws:UserAgent": "QQ=="}}, None),
        ({"IpAddress": {"aws:SourceIp": "here"}}, None),
        ({"NumericEquals": {"n": "NaN"}}, None),
        ({"NumericLessThan": {"odd": 1}}, None),
        ({"NumericNotEquals": {"odd": 1}}, None),
        ({"DateLessThan": {"odd": "2026-09-25"}}, None),
        # and over several: one that fails decides
        ({"Bool": {"aws:SecureTransport": "true"}, "NumericEquals": {"n": 10}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}, "NumericEquals": {"n": 11}}, False),
        ({"StringEquals": {"aws:UserAgent": "x", "unknown": "y"}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"unknown": "y"}}, None),
    ],
)
def test_holds(condition: object, expected: bool | None) -> None:
    assert holds(condition, CONTEXT) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringEquals": {"aws:PrincipalTag/Team": "a"}}, False),
        ({"StringLike": {"AWS:principaltag/team": "*"}}, False),
        ({"StringNotEquals": {"aws:PrincipalTag/team": "a"}}, True),
        ({"StringNotLike": {"aws:PrincipalTag/team": "*"}}, True),
        ({"StringEqualsIfExists": {"aws:PrincipalTag/team": "a"}}, True),
        ({"StringNotEqualsIfExists": {"aws:PrincipalTag/team": "a"}}, True),
        ({"Null": {"aws:PrincipalTag/team": "true"}}, True),
        ({"Null": {"aws:PrincipalTag/team": "false"}}, False),
        ({"ForAnyValue:StringEquals": {"aws:PrincipalTag/team": "a"}}, None),
        ({"StringEquals": {"aws:PrincipalTag/there": "yes"}}, True),
        ({"Null": {"aws:PrincipalTag/there": "true"}}, False),
        ({"StringEquals": {"aws:RequestTag/team": "a"}}, None),
    ],
)
def test_of_some_keys_it_is_known_that_they_are_absent(condition: object, expected: bool | None) -> None:
    context = CONTEXT | {"aws:PrincipalTag/There": "yes"}
    assert holds(condition, context, ("aws:principaltag/",)) is expected


@pytest.mark.parametrize("operator", ["StringEquals", "NotIpAddressIfExists", "Null", "DateLessThan", "Bool"])
def test_operators_that_are_known(operator: str) -> None:
    assert is_known(operator)
    assert not is_known(f"ForAnyValue:{operator}")


@pytest.mark.parametrize(
    "condition",
    [
        None,
        "StringEquals",
        [],
        {"StringEquals": None},
        {"StringEquals": ["a"]},
        {"StringEquals": {"n": None}},
        {"StringEquals": {"n": []}},
        {"StringEquals": {"n": {"a": "b"}}},
        {"StringEquals": {"n": ["a", None]}},
        {"Unknown": {"n": None}},
    ],
)
def test_another_shape_is_invalid(condition: object) -> None:
    with pytest.raises(InvalidCondition):
        holds(condition, CONTEXT)


OPERATORS = st.sampled_from(
    ["StringLike", "NumericLessThan", "DateEquals", "IpAddress", "NotIpAddress", "Bool", "Null"]
)
VALUES = (
    st.text(max_size=12) | st.integers() | st.floats() | st.booleans() | st.sampled_from(["1e999999999", "9999-99-99"])
)


@given(OPERATORS, st.sampled_from(sorted(CONTEXT)), VALUES | st.lists(VALUES, max_size=3), st.text(max_size=12))
def test_any_value_gives_one_of_the_three_or_is_invalid(operator: str, key: str, value: object, known: str) -> None:
    try:
        assert holds({operator: {key: value}}, {key: known}) in (True, False, None)
    except InvalidCondition:
        assert value == []
