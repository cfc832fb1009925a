"""Reading Invoke requests: what is taken from where, and the fault for each thing that is wrong."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lambda_api.faults import Fault
from gateway.lambda_api.function_name import FunctionReference
from gateway.lambda_api.invoke_request import InvocationType, InvokeRequest, read_request
from gateway.model.http import HttpRequest
from gateway.model.ids import FunctionName
from gateway.model.limits import MAX_LAMBDA_EVENT_REQUEST_BYTES, MAX_LAMBDA_REQUEST_BYTES

SIGNED = ("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261123/us-east-1/lambda/aws4_request")


def request(
    *headers: tuple[str, str],
    body: bytes = b"{}",
    path: str = "/2015-03-31/functions/join/invocations",
    query: str = "",
    method: str = "POST",
) -> HttpRequest:
    return HttpRequest(method, path, query, (SIGNED, *headers), body, "127.0.0.1", "localhost")


def test_the_plainest_request() -> None:
    expected = InvokeRequest(FunctionReference(FunctionName("join")), InvocationType.REQUEST_RESPONSE, b"{}")
    assert read_request(request()) == expected
    assert read_request(request(body=b"")) == expected
    assert read_request(request(path="/2015-03-31/functions/join/invocations/")) == expected


def test_everything_a_request_can_say() -> None:
    context = '{"client":{"app_title":"größe"}}'
    read = read_request(
        request(
            ("x-amz-invocation-type", "Event"),
            ("X-Amz-Log-Type", "Tail"),
            ("X-Amz-Client-Context", b64encode(context.encode()).decode()),
            ("X-Amzn-Trace-Id", "Root=1-a-b"),
            body=b"[1]",
            path="/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Ajoin/invocations",
            query="Qualifier=live",
        )
    )
    reference = FunctionReference(FunctionName("join"), "live")
    assert read == InvokeRequest(reference, InvocationType.EVENT, b"[1]", context, "Root=1-a-b")


@pytest.mark.parametrize("body", [b"null", b"1", b'"text"', b"[]", b' {"a": "\xc3\xbc"}\n'])
def test_any_json_is_a_payload(body: bytes) -> None:
    read = read_request(request(body=body))
    assert isinstance(read, InvokeRequest)
    assert read.payload == body


def fault(asked: HttpRequest) -> tuple[int, str]:
    read = read_request(asked)
    assert isinstance(read, Fault)
    return read.status, read.error_type


@pytest.mark.parametrize("body", [b"{", b"hello", b"NaN", b"\xff", b"[" * 50_000])
def test_a_payload_that_is_not_json(body: bytes) -> None:
    assert fault(request(body=body)) == (400, "InvalidRequestContentException")


@pytest.mark.parametrize(
    "value", ["not base64!", "e30", b64encode(b"[]").decode(), b64encode(b"\xff").decode(), "e30=" * 1000]
)
def test_a_client_context_that_is_none(value: str) -> None:
    assert fault(request(("X-Amz-Client-Context", value))) == (400, "InvalidRequestContentException")


def test_a_client_context_of_its_longest() -> None:
    longest = b64encode(b'{"a":"' + b"x" * (3580 // 4 * 3 - 8) + b'"}').decode()
    assert isinstance(read_request(request(("X-Amz-Client-Context", longest))), InvokeRequest)
    longer = b64encode(b'{"a":"' + b"x" * 2700 + b'"}').decode()
    assert fault(request(("X-Amz-Client-Context", longer))) == (400, "InvalidRequestContentException")


def test_sizes() -> None:
    event = ("X-Amz-Invocation-Type", "Event")
    body = b'"' + b"x" * (MAX_LAMBDA_EVENT_REQUEST_BYTES - 2) + b'"'
    assert isinstance(read_request(request(event, body=body)), InvokeRequest)
    assert fault(request(event, body=body + b" ")) == (413, "RequestTooLargeException")
    assert isinstance(read_request(request(body=body + b" ")), InvokeRequest)
    assert fault(request(body=b" " * (MAX_LAMBDA_REQUEST_BYTES + 1))) == (413, "RequestTooLargeException")


def test_parameters_that_are_none() -> None:
    invalid = (400, "InvalidParameterValueException")
    assert fault(request(("X-Amz-Invocation-Type", "event"))) == invalid
    assert fault(request(path="/2015-03-31/functions/a%20b/invocations")) == invalid
    assert fault(request(query="Qualifier=a%20b")) == invalid
    mismatch = read_request(request(path="/2015-03-31/functions/a:live/invocations", query="Qualifier=other"))
    assert isinstance(mismatch, Fault)
    assert "does not match the specified qualifier" in mismatch.message


def test_without_a_signature_nothing_runs() -> None:
    plain = HttpRequest("POST", "/2015-03-31/functions/a/invocations", "", (), b"{}", "127.0.0.1", "localhost")
    assert fault(plain) == (403, "MissingAuthenticationTokenException")
    query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0a"
    presigned = HttpRequest("POST", "/2015-03-31/functions/a/invocations", query, (), b"{}", "127.0.0.1", "localhost")
    assert isinstance(read_request(presigned), InvokeRequest)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/2015-03-31/functions/a"),
        ("GET", "/2015-03-31/functions/"),
        ("GET", "/2015-03-31/functions/a/invocations"),
        ("PUT", "/2015-03-31/functions/a/code"),
        ("POST", "/2014-11-13/functions/a/invoke-async"),
        ("POST", "/2021-11-15/functions/a/response-streaming-invocations"),
        ("POST", "/"),
    ],
)
def test_other_operations(method: str, path: str) -> None:
    assert fault(request(method=method, path=path)) == (501, "UnsupportedOperationException")


@given(
    path=st.text(max_size=20).map(lambda name: f"/2015-03-31/functions/{name}/invocations") | st.text(),
    query=st.text(max_size=20) | st.text(max_size=8).map("Qualifier=".__add__),
    body=st.binary(max_size=20),
    header=st.tuples(st.sampled_from(["X-Amz-Invocation-Type", "X-Amz-Client-Context", "X-Amzn-Trace-Id"]), st.text()),
)
def test_any_request_is_read_or_refused(path: str, query: str, body: bytes, header: tuple[str, str]) -> None:
    assert isinstance(read_request(request(header, body=body, path=path, query=query)), InvokeRequest | Fault)
