"""The Lambda API as a caller sees it: answers by table, and boto3 over a real socket as the judge."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import boto3
import pytest
from aiohttp import web
from botocore.config import Config
from botocore.exceptions import ClientError

from answers import answered
from gateway.lambda_api.event_queue import EventQueue, Retries
from gateway.lambda_api.service import LambdaApi
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.invocation import FunctionError, FunctionResult, Returned, Throttled, TimedOut, Unavailable
from gateway.ports import HttpService
from lambda_doubles import DEADLINE_S, CountingIds, Outcome, RecordingReporter, ScriptedFunctions, echo

ERROR = FunctionError(b'{"errorType":"ValueError","errorMessage":"no"}')


class Bench:
    """A Lambda API over scripted functions."""

    def __init__(self, **outcomes: Outcome) -> None:
        self.functions = ScriptedFunctions(("live",), **outcomes)
        self.reporter = RecordingReporter()
        self.events = EventQueue(self.functions, self.reporter, Retries(error_delays_s=(0, 0)))
        self.api = LambdaApi(self.functions, self.events, CountingIds(), "us-east-1", "123456789012")

    async def invoke(self, name: str, *headers: tuple[str, str], body: bytes = b"{}", query: str = "") -> HttpResponse:
        path = f"/2015-03-31/functions/{name}/invocations"
        signed = (("Authorization", "AWS4-HMAC-SHA256 x"), *headers)
        return await self.api.handle(HttpRequest("POST", path, query, signed, body, "127.0.0.1", "localhost"))


def test_it_is_an_http_service() -> None:
    service: HttpService = Bench().api
    assert service.max_body_bytes == 6 * 1024 * 1024


async def test_a_result() -> None:
    bench = Bench(f=echo)
    response = await bench.invoke("f", ("X-Amz-Log-Type", "Tail"), body=b'{"a": 1}')
    assert response == HttpResponse(
        200,
        (
            ("x-amzn-RequestId", "00000000-0000-4000-8000-000000000001"),
            ("x-amz-executed-version", "$LATEST"),
            ("content-type", "application/json"),
        ),
        b'{"a": 1}',
    )
    [call] = bench.functions.calls
    assert (call.wait_ms, call.qualifier, call.client_context) == (900_000, None, None)
    assert call.trace_id.startswith("Root=1-")
    assert call.request_tag == "00000000-0000-4000-8000-000000000001"


async def test_what_the_function_is_given() -> None:
    bench = Bench(f=echo)
    context = ("X-Amz-Client-Context", b64encode(b'{"custom":{}}').decode())
    response = await bench.invoke("f:live", context, ("X-Amzn-Trace-Id", "Root=1-c-d"), body=b"")
    [call] = bench.functions.calls
    assert (call.payload, call.qualifier, call.client_context, call.trace_id) == (
        b"{}",
        "live",
        '{"custom":{}}',
        "Root=1-c-d",
    )
    assert dict(response.headers)["x-amz-executed-version"] == "live"


@pytest.mark.parametrize(
    ("result", "status", "error"),
    [
        (ERROR, 200, "Unhandled"),
        (FunctionError(b"{}", "Handled"), 200, "Handled"),
        (TimedOut(), 200, "Unhandled"),
        (Throttled(), 429, "TooManyRequestsException"),
        (Unavailable("no interpreter"), 500, "ServiceException"),
    ],
)
async def test_how_else_it_ends(result: FunctionResult, status: int, error: str) -> None:
    response = await Bench(f=result).invoke("f")
    headers = dict(response.headers)
    assert response.status == status
    assert headers["x-amz-function-error" if status == 200 else "x-amzn-ErrorType"] == error
    assert isinstance(json.loads(response.body), dict)


@pytest.mark.parametrize("name", ["g", "f:other", "arn:aws:lambda:eu-west-1:210987654321:function:g"])
@pytest.mark.parametrize("kind", ["RequestResponse", "Event", "DryRun"])
async def test_a_function_that_is_not_there(name: str, kind: str) -> None:
    bench = Bench(f=echo)
    response = await bench.invoke(name, ("X-Amz-Invocation-Type", kind))
    short = name.rpartition("function:")[2]
    expected = f"Function not found: arn:aws:lambda:us-east-1:123456789012:function:{short}"
    assert response.status == 404
    assert json.loads(response.body) == {"Type": "User", "Message": expected}
    assert bench.functions.calls == []


async def test_a_dry_run_calls_nothing() -> None:
    bench = Bench(f=echo)
    response = await bench.invoke("f", ("X-Amz-Invocation-Type", "DryRun"))
    assert (response.status, response.body) == (204, b"")
    assert bench.functions.calls == []


async def test_an_event_is_answered_before_it_ran() -> None:
    bench = Bench(f=echo)
    bench.functions.gate.clear()
    response = await bench.invoke("f", ("X-Amz-Invocation-Type", "Event"))
    assert (response.status, response.body) == (202, b"")
    bench.functions.gate.set()
    await bench.events.close(DEADLINE_S)
    assert len(bench.functions.calls) == 1
    assert bench.reporter.lines == []


async def test_an_event_too_many_is_refused() -> None:
    bench = Bench(f=echo)
    bench.functions.gate.clear()
    body = b'"' + b"x" * (1024 * 1024 - 2) + b'"'
    answers = [await bench.invoke("f", ("X-Amz-Invocation-Type", "Event"), body=body) for _ in range(65)]
    assert [answer.status for answer in answers] == [202] * 64 + [429]
    await bench.events.close(0)


async def test_a_body_the_server_did_not_take() -> None:
    request = HttpRequest("POST", "/2015-03-31/functions/f/invocations", "", (), b"", "127.0.0.1", "localhost")
    response = Bench().api.too_large(request)
    assert response.status == 413
    assert dict(response.headers)["x-amzn-ErrorType"] == "RequestTooLargeException"


@asynccontextmanager
async def served(service: HttpService) -> AsyncIterator[str]:
    """The service on a loopback port; its URL."""

    async def handle(request: web.BaseRequest) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        headers = tuple((name, value) for name, value in request.headers.items())
        body = await request.read()
        asked = HttpRequest(request.method, path, query, headers, body, request.remote or "", request.host)
        answer = await answered(service.handle(asked))
        return web.Response(status=answer.status, headers=list(answer.headers), body=answer.body)

    server = web.ServerRunner(web.Server(handle))
    await server.setup()
    try:
        site = web.TCPSite(server, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{server.addresses[0][1]}"
    finally:
        await server.cleanup()


def client(url: str) -> Any:
    return boto3.client(
        "lambda",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, proxies={}, read_timeout=DEADLINE_S),
    )


async def test_boto3_invokes() -> None:
    bench = Bench(f=echo, broken=ERROR, busy=Throttled())

    def judge(url: str) -> None:
        aws = client(url)
        done = aws.invoke(FunctionName="f", Payload=b'{"a": 1}', LogType="Tail")
        assert (done["StatusCode"], done["ExecutedVersion"], json.load(done["Payload"])) == (200, "$LATEST", {"a": 1})
        assert "FunctionError" not in done

        arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
        done = aws.invoke(FunctionName=arn, Qualifier="live", ClientContext=b64encode(b'{"custom":{"k":1}}').decode())
        assert (done["ExecutedVersion"], json.load(done["Payload"])) == ("live", {})

        failed = aws.invoke(FunctionName="broken", Payload=b"{}")
        assert (failed["StatusCode"], failed["FunctionError"]) == (200, "Unhandled")
        assert json.load(failed["Payload"])["errorMessage"] == "no"

        assert aws.invoke(FunctionName="f", InvocationType="DryRun")["StatusCode"] == 204
        queued = aws.invoke(FunctionName="f:live", InvocationType="Event", Payload=b'"later"')
        assert (queued["StatusCode"], queued["Payload"].read()) == (202, b"")

        with pytest.raises(
            aws.exceptions.ResourceNotFoundException, match="Function not found: arn:aws:lambda:"
        ) as gone:
            aws.invoke(FunctionName="none")
        assert gone.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
        with pytest.raises(aws.exceptions.InvalidRequestContentException, match="Could not parse request body"):
            aws.invoke(FunctionName="f", Payload=b"{")
        with pytest.raises(aws.exceptions.TooManyRequestsException) as busy:
            aws.invoke(FunctionName="busy")
        assert busy.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
        with pytest.raises(ClientError, match=r"UnsupportedOperationException.*Invoke only"):
            aws.get_function(FunctionName="f")
        aws.close()

    async with served(bench.api) as url:
        await asyncio.wait_for(asyncio.to_thread(judge, url), DEADLINE_S)
    await bench.events.close(DEADLINE_S)
    assert [call.payload for call in bench.functions.calls if call.function_name == "f"] == [
        b'{"a": 1}',
        b"{}",
        b'"later"',
    ]
    assert bench.functions.calls[1].client_context == '{"custom":{"k":1}}'
    assert bench.reporter.lines == []


async def test_returned_bytes_are_not_touched() -> None:
    payload = '{"ü": "\\ud83d\\ude00", "n": 1.0}'.encode()
    assert (await Bench(f=Returned(payload)).invoke("f")).body == payload
