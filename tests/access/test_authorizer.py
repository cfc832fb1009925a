"""An authorizer's answers, row by row of parity 6.2 and 1.3."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.authorizer import (
    Allowed,
    Authorization,
    Denied,
    Failed,
    Malformed,
    Unauthorized,
    judge,
    read_answer,
)
from gateway.access.policy import Access
from gateway.model.invocation import FunctionError, FunctionResult, Returned, Throttled, TimedOut, Unavailable
from gateway.model.limits import MAX_AUTHORIZER_RESULT_BYTES

ARN = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod/$connect"
ACCESS = Access(ARN)


def answer(effect: str = "Allow", resource: str = ARN, **more: Any) -> bytes:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return json.dumps({"policyDocument": {"Version": "2012-10-17", "Statement": [statement]}, **more}).encode()


@pytest.mark.parity("P-310")
@pytest.mark.parametrize(
    ("given", "principal_id"),
    [
        ({}, None),
        ({"principalId": None}, None),
        ({"principalId": ""}, ""),
        ({"principalId": 7}, "7"),
        ({"principalId": "u"}, "u"),
    ],
)
def test_the_principal(given: dict[str, Any], principal_id: str | None) -> None:
    assert read_answer(answer(**given), ACCESS) == Allowed(principal_id, {})


@pytest.mark.parity("P-311")
def test_context_scalars_become_texts_and_nulls_go() -> None:
    context = {"s": "text", "e": "", "t": True, "f": False, "i": 1, "d": 1.5, "n": None}
    expected = {"s": "text", "e": "", "t": "true", "f": "false", "i": "1", "d": "1.5"}
    assert read_answer(answer(context=context), ACCESS) == Allowed(None, expected)
    assert read_answer(answer(context=None, usageIdentifierKey="key"), ACCESS) == Allowed(None, {}, "key")


@pytest.mark.parity("P-310", "P-313")
def test_the_authorizer_member_of_events() -> None:
    assert Allowed("user", {"a": "1", "principalId": "other"}).event_authorizer() == {"a": "1", "principalId": "user"}
    assert list(Allowed("user", {"a": "1"}).event_authorizer()) == ["a", "principalId"]
    assert Allowed(None, {"a": "1"}).event_authorizer() == {"a": "1"}
    assert Allowed("", {}).event_authorizer() == {"principalId": ""}


@pytest.mark.parity("P-306", "P-307")
def test_denials() -> None:
    assert read_answer(answer("Deny"), ACCESS) == Denied(explicit=True)
    assert read_answer(answer(resource=f"{ARN[:-8]}*/*"), ACCESS) == Denied(explicit=False)


@pytest.mark.parity("P-312")
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"not json",
        b'"Unauthorized"',
        b"[]",
        b"{}",
        b"\xff",
        b'{"statusCode":401}',
        b'{"statusCode":401,"body":"no"}',
        b'{"principalId":"user"}',
        b'{"principalId":"user","policyDocument":"{}"}',
        answer("allow"),
        answer(context={"a": {"b": "c"}}),
        answer(context={"a": ["b"]}),
        answer(context=["a"]),
        answer(context="a"),
        answer(principalId={"a": 1}),
        answer(usageIdentifierKey=["a"]),
        b"[" * 5000,
    ],
)
def test_malformed_answers(payload: bytes) -> None:
    assert isinstance(read_answer(payload, ACCESS), Malformed)


@pytest.mark.parity("P-305", "P-399")
def test_the_size_of_an_answer() -> None:
    room = MAX_AUTHORIZER_RESULT_BYTES - len(answer(principalId=""))
    assert isinstance(read_answer(answer(principalId="x" * room), ACCESS), Allowed)
    assert isinstance(read_answer(answer(principalId="x" * (room + 1)), ACCESS), Malformed)


def error(message: object, kind: str = "Error") -> FunctionError:
    return FunctionError(json.dumps({"errorType": kind, "errorMessage": message}).encode())


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (Returned(answer(principalId="u")), Allowed("u", {})),
        (Returned(answer("Deny")), Denied(explicit=True)),
        (error("Unauthorized"), Unauthorized()),
        (FunctionError(b'{"errorMessage":"Unauthorized"}', "Handled"), Unauthorized()),
        (error("unauthorized"), Failed("Error: unauthorized")),
        (error("Unauthorized "), Failed("Error: Unauthorized ")),
        (error("[401] Unauthorized"), Failed("Error: [401] Unauthorized")),
        (error(None), Failed("Error")),
        (FunctionError(b"Unauthorized"), Failed("the authorizer failed")),
        (FunctionError(b'"Unauthorized"'), Failed("the authorizer failed")),
        (FunctionError(b"{}"), Failed("the authorizer failed")),
        (TimedOut(), Failed("the authorizer did not answer in time")),
        (Throttled("busy"), Failed("busy")),
        (Unavailable("gone"), Failed("gone")),
    ],
)
def test_the_end_of_an_invocation(result: FunctionResult, expected: Authorization) -> None:
    assert judge(result, ACCESS) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
MEMBERS = {"principalId": JSON, "context": JSON, "usageIdentifierKey": JSON, "policyDocument": JSON}


@given(st.binary() | st.fixed_dictionaries({}, optional=MEMBERS).map(lambda value: json.dumps(value).encode()))
def test_any_answer_is_judged_and_only_a_policy_allows(payload: bytes) -> None:
    assert isinstance(judge(Returned(payload), ACCESS), Malformed | Denied)
    assert isinstance(judge(FunctionError(payload), ACCESS), Unauthorized | Failed)


@given(st.fixed_dictionaries({}, optional={name: JSON for name in MEMBERS if name != "policyDocument"}))
def test_what_is_allowed_carries_texts_only(members: dict[str, Any]) -> None:
    read = read_answer(answer(**members), ACCESS)
    if isinstance(read, Allowed):
        assert all(isinstance(value, str) for value in read.event_authorizer().values())
    else:
        assert isinstance(read, Malformed)
