from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.policy import Access, Decision, evaluate
from gateway.access.policy_check import doubts, faults

GOOD: dict[str, Any] = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
TWICE = "its actions or resources are not texts"


def policy(*statements: object, **more: object) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements), **more}


@pytest.mark.parametrize(
    "document",
    [
        policy(GOOD),
        {"Statement": GOOD},
        policy(GOOD | {"Sid": "A", "Condition": {"Bool": {"aws:SecureTransport": True}}}, Id="x"),
        policy({"Effect": "Deny", "NotAction": ["a"], "NotResource": ["b", "c"]}),
    ],
)
def test_nothing_is_wrong(document: object) -> None:
    assert faults(document) == []


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], ["it is not an object"]),
        ({}, ["Statement is missing, or neither a list nor an object"]),
        (policy(GOOD, Version="2020-01-01"), ["Version is neither 2012-10-17 nor 2008-10-17"]),
        (policy(GOOD, Statements=[]), ["Statements is no element of a policy"]),
        (policy("x"), ["statement 1: it is not an object"]),
        (policy(GOOD, GOOD | {"Effect": "allow"}), ["statement 2: Effect is neither Allow nor Deny"]),
        (
            policy(GOOD | {"Principal": "*"}),
            ["statement 1: Principal is no element of an identity-based policy"],
        ),
        (
            policy({"Effect": "Allow", "Resource": "*"}),
            ["statement 1: one of Action and NotAction must be there", f"statement 1: {TWICE}"],
        ),
        (
            policy(GOOD | {"NotResource": "x"}),
            ["statement 1: one of Resource and NotResource must be there", f"statement 1: {TWICE}"],
        ),
        (policy(GOOD | {"Action": 7}), [f"statement 1: {TWICE}"]),
        (policy(GOOD | {"Resource": []}), [f"statement 1: {TWICE}"]),
        (
            policy(GOOD | {"Condition": {"Bool": "x"}}),
            ["statement 1: Condition is not of the form {operator: {key: value}}"],
        ),
        (
            policy(GOOD | {"Effect": "Deny", "Resource": "arn:*/${aws:PrincipalTag/team}/*"}),
            ["statement 1: policy variables such as ${aws:username} are not known here"],
        ),
        (
            policy(GOOD | {"Condition": {"StringLike": {"aws:UserAgent": ["a", "${x}"]}}}),
            ["statement 1: policy variables such as ${aws:username} are not known here"],
        ),
    ],
)
def test_everything_wrong_is_told(document: object, told: list[str]) -> None:
    assert faults(document) == told


@pytest.mark.parity("P-328")
def test_conditions_that_are_never_decided() -> None:
    known = {"StringLikeIfExists": {"aws:PrincipalTag/Team": "x"}, "Null": {"AWS:sourceIp": "false"}}
    odd = {"ForAllValues:StringLike": {"aws:UserAgent": "x"}, "StringEquals": {"aws:VpcSourceIp": "1"}}
    assert doubts(policy(GOOD | {"Condition": known})) == []
    assert doubts(policy(GOOD | {"Condition": odd}, GOOD | {"Effect": "Deny", "Condition": odd})) == [
        "statement 1: the operator ForAllValues:StringLike is not known here, so it never applies",
        "statement 1: aws:VpcSourceIp is not known here, so it never applies",
        "statement 2: the operator ForAllValues:StringLike is not known here, so it applies to everybody",
        "statement 2: aws:VpcSourceIp is not known here, so it applies to everybody",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["Allow", "Deny", "2012-10-17"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Statement",
                    "Effect",
                    "Action",
                    "NotAction",
                    "Resource",
                    "Condition",
                    "Version",
                    "Bool",
                    "aws:SourceIp",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_what_has_no_faults_can_be_evaluated(document: object) -> None:
    if not faults(document):
        assert evaluate(document, Access("any")) is not Decision.MALFORMED
        assert isinstance(document, dict)
        doubts(document)
