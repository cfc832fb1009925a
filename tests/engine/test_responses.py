"""Handlers' answers by table (parity 1.3, 4.1, 4.2), and any bytes at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine import responses
from gateway.model.ids import ConnectionId, RequestId
from gateway.model.invocation import FunctionError, InvocationResult, Returned, Throttled, TimedOut, Unavailable

CONNECTION, REQUEST = ConnectionId("gbikqi-vWQAYKEiHxA=="), RequestId("EP5tdH0zIAMEr8w=")


def returned(document: Any) -> Returned:
    return Returned(json.dumps(document).encode())


def reply(result: InvocationResult, two_way: bool = True) -> bytes | None:
    return responses.message_reply(responses.read_result(result), two_way, CONNECTION, REQUEST)


def verdict(result: InvocationResult) -> responses.Accept | responses.Refuse:
    return responses.connect_verdict(responses.read_result(result), CONNECTION, REQUEST)


def frame(message: str) -> bytes:
    return responses.error_frame(message, CONNECTION, REQUEST)


@pytest.mark.parity("P-185")
def test_the_error_frame_to_the_byte() -> None:
    expected = (
        b'{"message": "Internal server error", "connectionId":"gbikqi-vWQAYKEiHxA==", "requestId":"EP5tdH0zIAMEr8w="}'
    )
    assert frame("Internal server error") == expected


@pytest.mark.parity("P-170", "P-171", "P-173", "P-174", "P-175", "P-176", "P-179", "P-195")
@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"statusCode": 200, "body": "hi"}, b"hi"),
        ({"statusCode": 503, "body": "busy"}, b"busy"),
        ({"statusCode": 200}, b""),
        ({"statusCode": 200, "body": None}, b""),
        ({"statusCode": "200", "body": "hi"}, b"hi"),
        ({"statusCode": 200, "body": "aGk=", "isBase64Encoded": True}, b"hi"),
        ({"statusCode": 200, "body": "/w==", "isBase64Encoded": True}, "\ufffd".encode()),
        ({"statusCode": 200, "body": "hi", "headers": {"a": "b"}, "multiValueHeaders": {"c": ["d"]}}, b"hi"),
    ],
)
def test_a_two_way_route_delivers_the_body_and_nothing_else(answer: Any, text: bytes) -> None:
    assert reply(returned(answer)) == text
    assert reply(returned(answer), two_way=False) is None


@pytest.mark.parity("P-177", "P-178", "P-179", "P-188", "P-196")
@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        [],
        "text",
        {"statusCode": None},
        {"statusCode": True},
        {"statusCode": "abc"},
        {"statusCode": 101},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": 5},
        {"statusCode": 200, "body": "a", "cookies": []},
        {"ConnectionId": "x", "Data": "y", "statusCode": 200},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "multiValueHeaders": {"a": "b"}},
        {"statusCode": 200, "body": "not base64!", "isBase64Encoded": True},
        {"statusCode": 200, "headers": {"a": "b\r\nSet-Cookie: c"}},
        {"statusCode": 200, "headers": {"a b": "c"}},
    ],
)
@pytest.mark.parametrize("two_way", [True, False])
def test_a_malformed_answer_is_an_error_frame_on_any_route(answer: Any, two_way: bool) -> None:
    assert reply(returned(answer), two_way) == frame("Internal server error")


@pytest.mark.parity("P-045", "P-046", "P-047", "P-048", "P-049", "P-188", "P-189", "P-190", "P-196")
@pytest.mark.parametrize(
    ("result", "message", "status"),
    [
        (FunctionError(b'{"errorType":"KeyError","errorMessage":"x"}'), "Internal server error", 502),
        (TimedOut(), "Endpoint request timed out", 504),
        (Throttled(), "Internal server error", 500),
        (Unavailable("no such function"), "Internal server error", 500),
        (Returned(b"not json"), "Internal server error", 500),
    ],
)
def test_failures(result: InvocationResult, message: str, status: int) -> None:
    assert reply(result, two_way=False) == frame(message)
    refused = verdict(result)
    assert isinstance(refused, responses.Refuse)
    assert (refused.status, refused.body) == (status, frame(message))
    assert refused.headers == (
        ("content-type", "application/json; charset=UTF-8"),
        ("x-amz-apigw-id", "EP5tdH0zIAMEr8w="),
    )


@pytest.mark.parity("P-040")
@pytest.mark.parametrize("status", [200, 204, 299])
def test_2xx_upgrades(status: int) -> None:
    assert verdict(returned({"statusCode": status})) == responses.Accept(None)


@pytest.mark.parity("P-030")
def test_only_the_handler_names_a_subprotocol() -> None:
    assert verdict(returned({"statusCode": 200, "headers": {"sec-websocket-protocol": "a"}})) == responses.Accept("a")
    listed = {"statusCode": 200, "multiValueHeaders": {"Sec-WebSocket-Protocol": ["b"]}}
    assert verdict(returned(listed)) == responses.Accept("b")


def test_groups_are_the_handlers_to_name() -> None:
    answer = {
        "statusCode": 200,
        "headers": {"x-fleet-groups": "a, b"},
        "multiValueHeaders": {"X-Fleet-Groups": ["c", "d"]},
    }
    assert verdict(returned(answer)) == responses.Accept(None, ("a, b", "c", "d"))


def test_a_client_that_is_refused_does_not_see_groups() -> None:
    refused = verdict(returned({"statusCode": 403, "headers": {"X-Fleet-Groups": "a", "X-Own": "b"}}))
    assert isinstance(refused, responses.Refuse)
    assert [name for name, _ in refused.headers] == ["X-Own", "content-type", "x-amz-apigw-id"]


@pytest.mark.parity("P-041", "P-042", "P-043", "P-044")
@pytest.mark.parametrize("status", [301, 401, 403, 501])
def test_other_statuses_refuse_with_the_handlers_body(status: int) -> None:
    answer = {"statusCode": status, "body": "no", "headers": {"Content-Type": "application/json", "Connection": "x"}}
    refused = verdict(returned(answer))
    assert isinstance(refused, responses.Refuse)
    assert (refused.status, refused.body) == (status, b"no")
    assert refused.headers == (("Content-Type", "application/json; charset=UTF-8"), ("x-amz-apigw-id", REQUEST))


@given(st.binary(max_size=60) | st.recursive(st.none() | st.booleans() | st.text() | st.integers(), st.lists).map(
    lambda value: json.dumps({"statusCode": 200, "body": value, "headers": {"h": value}}).encode()
))  # fmt: skip
def test_any_payload_yields_one_reply_or_nothing(payload: bytes) -> None:
    answered = reply(Returned(payload))
    assert answered is not None
    answered.decode("utf-8")
    assert reply(Returned(payload), two_way=False) in (None, frame("Internal server error"))
    verdict(Returned(payload))


def test_deeply_nested_json_is_only_malformed() -> None:
    assert reply(Returned(b"[" * 100_000)) == frame("Internal server error")


def test_a_function_that_never_ran_has_not_seen_the_event() -> None:
    failure = responses.read_result(FunctionError(b"{}", never_ran=True))
    assert isinstance(failure, responses.Failure) and failure.never_arrived and failure.is_told
    ran = responses.read_result(FunctionError(b"{}"))
    assert isinstance(ran, responses.Failure) and not ran.never_arrived
