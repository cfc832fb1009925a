"""AWS services asked for real: an emulator judges what the integration's request becomes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import boto3
import certifi
import pytest

from gateway.model.aws import AwsEndpoint, Credentials
from gateway.model.backend import Pairs, ServiceRequest, UpstreamRequest
from gateway.model.integration import ServiceTarget
from gateway.model.invocation import Answered, TimedOut, Unavailable, UpstreamResult
from gateway.upstream.credentials import FixedCredentials
from gateway.upstream.place import AwsPlace
from gateway.upstream.services import SignedServices
from gateway.upstream.web import STOPPING, WebServers
from moto_server import moto_url
from node_doubles import ManualClock, ScriptedUpstreams
from web_double import web_server

__all__ = ["moto_url"]
REGION = "eu-central-1"
ACCOUNT = "123456789012"
WAIT_MS = 20_000
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
JSON = (("Content-Type", "application/json"),)


@pytest.fixture
async def services(moto_url: str) -> AsyncIterator[SignedServices]:
    web = WebServers(Path(certifi.where()))
    made = SignedServices(web, AwsPlace.emulator(AwsEndpoint(moto_url, REGION)), ManualClock())
    yield made
    made.close()
    await web.close()


def client(moto_url: str, service: str) -> Any:
    make: Any = boto3.client
    return make(
        service, region_name=REGION, endpoint_url=moto_url, aws_access_key_id="test", aws_secret_access_key="test"
    )


def action(service: str, name: str, body: bytes = b"", headers: Pairs = JSON, query: Pairs = ()) -> ServiceRequest:
    return ServiceRequest(ServiceTarget("", service, action=name), "POST", headers, query, body)


def path(service: str, text: str, method: str = "POST", body: bytes = b"", headers: Pairs = ()) -> ServiceRequest:
    return ServiceRequest(ServiceTarget(REGION, service, path=text), method, headers, (), body)


async def answer(services: SignedServices, request: ServiceRequest, status: int = 200) -> Any:
    """What the service says, read as JSON where it is."""
    result = await services.call(request, WAIT_MS)
    assert isinstance(result, Answered), result
    assert result.status == status, result
    return json.loads(result.body) if result.body[:1] == b"{" else result.body.decode()


def form(**values: str) -> bytes:
    return "&".join(f"{name}={value}" for name, value in values.items()).encode()


@pytest.mark.parity("P-257")
async def test_dynamodb_items(services: SignedServices, moto_url: str) -> None:
    client(moto_url, "dynamodb").create_table(
        TableName="sockets",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    key = {"TableName": "sockets", "Key": {"id": {"S": "hÿ=="}}}
    item = {"id": {"S": "hÿ=="}, "n": {"N": "1"}}
    await answer(services, action("dynamodb", "PutItem", json.dumps({"TableName": "sockets", "Item": item}).encode()))
    assert (await answer(services, action("dynamodb", "GetItem", json.dumps(key).encode())))["Item"] == item
    await answer(services, action("dynamodb", "DeleteItem", json.dumps(key).encode(), headers=()))
    assert "Item" not in await answer(services, action("dynamodb", "GetItem", json.dumps(key).encode()))


async def test_an_error_of_the_service_is_an_answer(services: SignedServices) -> None:
    asked = action("dynamodb", "GetItem", b'{"TableName": "none", "Key": {"id": {"S": "x"}}}')
    assert "ResourceNotFoundException" in (await answer(services, asked, 400))["__type"]


@pytest.fixture
def queue(moto_url: str, request: pytest.FixtureRequest) -> tuple[Any, str]:
    sqs = client(moto_url, "sqs")
    return sqs, sqs.create_queue(QueueName=request.node.name.partition("[")[0])["QueueUrl"]


def messages(queue: tuple[Any, str]) -> list[str]:
    sqs, url = queue
    return [message["Body"] for message in sqs.receive_message(QueueUrl=url).get("Messages", [])]


@pytest.mark.parity("P-258")
async def test_sqs_path(services: SignedServices, queue: tuple[Any, str]) -> None:
    body = form(Action="SendMessage", MessageBody="%7B%22a%22%3A+1%7D", DelaySeconds="0")
    await answer(services, path("sqs", f"{ACCOUNT}/test_sqs_path", body=body, headers=FORM))
    assert messages(queue) == ['{"a": 1}']


@pytest.mark.parity("P-258")
async def test_sqs_action_in_json(services: SignedServices, queue: tuple[Any, str]) -> None:
    body = json.dumps({"QueueUrl": queue[1], "MessageBody": "grüße"}).encode()
    assert "MessageId" in await answer(services, action("sqs", "SendMessage", body))
    assert messages(queue) == ["grüße"]


@pytest.mark.parity("P-258")
async def test_sqs_action_as_a_form(services: SignedServices, queue: tuple[Any, str]) -> None:
    body = b"MessageBody=a%20b&QueueUrl=" + queue[1].encode()
    told = await answer(services, action("sqs", "SendMessage", body, FORM))
    assert "MessageId" in told["SendMessageResponse"]["SendMessageResult"]
    assert messages(queue) == ["a b"]


async def test_sqs_action_with_mapped_parameters(services: SignedServices, queue: tuple[Any, str]) -> None:
    """The client's message, passed through as the body, adds nothing to what the mapping chose."""
    query = (("QueueUrl", queue[1]), ("MessageBody", "a & b"))
    await answer(services, action("sqs", "SendMessage", b'{"MessageBody": "other", "DelaySeconds": 900}', query=query))
    assert messages(queue) == ["a & b"]


@pytest.mark.parity("P-259")
@pytest.mark.parametrize("kind", ["json", "form", "query"])
async def test_sns_publish(services: SignedServices, moto_url: str, queue: tuple[Any, str], kind: str) -> None:
    sns = client(moto_url, "sns")
    topic = sns.create_topic(Name=f"topic-{kind}")["TopicArn"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue[1].rpartition('/')[2]}"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    attributes = {"n": {"DataType": "Number", "StringValue": "7"}}
    document = {"TopicArn": topic, "Message": kind, "MessageAttributes": attributes}
    asked = {
        "json": action("sns", "Publish", json.dumps(document).encode()),
        "form": action("sns", "Publish", form(TopicArn=topic, Message=kind), FORM),
        "query": action("sns", "Publish", query=(("TopicArn", topic), ("Message", kind))),
    }
    assert "MessageId" in (await answer(services, asked[kind]))["PublishResponse"]["PublishResult"]
    assert messages(queue) == [kind]


STATES = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}}


@pytest.mark.parity("P-260")
async def test_step_functions(services: SignedServices, moto_url: str) -> None:
    machine = client(moto_url, "stepfunctions").create_state_machine(
        name="machine", definition=json.dumps(STATES), roleArn=f"arn:aws:iam::{ACCOUNT}:role/states"
    )
    body = json.dumps({"stateMachineArn": machine["stateMachineArn"], "input": '{"a": 1}'}).encode()
    assert "executionArn" in await answer(services, action("states", "StartExecution", body))


@pytest.mark.parity("P-261")
async def test_eventbridge(services: SignedServices) -> None:
    entry = {"Source": "sockets", "DetailType": "message", "Detail": '{"a": 1}'}
    told = await answer(services, action("events", "PutEvents", json.dumps({"Entries": [entry]}).encode()))
    assert told["FailedEntryCount"] == 0


@pytest.mark.parity("P-262")
async def test_kinesis(services: SignedServices, moto_url: str) -> None:
    client(moto_url, "kinesis").create_stream(StreamName="stream", ShardCount=1)
    body = json.dumps({"StreamName": "stream", "PartitionKey": "k", "Data": "aGVsbG8="}).encode()
    assert "SequenceNumber" in await answer(services, action("kinesis", "PutRecord", body))


async def test_s3_paths(services: SignedServices, moto_url: str) -> None:
    s3 = client(moto_url, "s3")
    s3.create_bucket(Bucket="drop", CreateBucketConfiguration={"LocationConstraint": REGION})
    for text in ("drop/a b/c%2Fd:e+f", "drop/plain"):
        await answer(services, path("s3", text, "PUT", b"hello", (("Content-Type", "text/plain"),)))
    assert {item["Key"] for item in s3.list_objects_v2(Bucket="drop")["Contents"]} == {"a b/c/d:e+f", "plain"}
    virtual = ServiceRequest(ServiceTarget(REGION, "s3", path="plain", subdomain="drop"), "GET")
    assert await answer(services, virtual) == "hello"


async def test_a_rest_action_binds_its_members(services: SignedServices, moto_url: str) -> None:
    client(moto_url, "s3").create_bucket(Bucket="bound", CreateBucketConfiguration={"LocationConstraint": REGION})
    body = json.dumps({"Bucket": "bound", "Key": "k/1", "Body": "hello", "ContentType": "text/x"}).encode()
    await answer(services, action("s3", "PutObject", body, headers=()))
    found = client(moto_url, "s3").get_object(Bucket="bound", Key="k/1")
    assert (found["Body"].read(), found["ContentType"]) == (b"hello", "text/x")


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (action("dynamodb", "PutItems"), "dynamodb has no action PutItems"),
        (action("nonesuch", "Do"), "there is no AWS service nonesuch"),
        (action("s3", "GetObject", b'{"Bucket": "b"}'), 'GetObject: Missing required parameter in input: "Key"'),
        (ServiceRequest(ServiceTarget("nowhere", "sqs", path="a"), "POST"), "there is no AWS region 'nowhere'"),
        (
            path("sqs", "a", headers=(("X", "a\nb"),)),
            "the value of header X has a line break or control character in it",
        ),
        (path("sqs", "a", method="PO ST"), "'PO ST' is no HTTP method"),
    ],
)
async def test_what_cannot_be_asked(services: SignedServices, request_: ServiceRequest, reason: str) -> None:
    assert await services.call(request_, WAIT_MS) == Unavailable(reason)


async def test_the_wait_is_shared_and_ends() -> None:
    upstreams = ScriptedUpstreams(lambda _: TimedOut())
    services = SignedServices(upstreams, AwsPlace.emulator(AwsEndpoint("http://aws", REGION)), ManualClock())
    asked = path("sqs", "a")
    assert await services.call(asked, WAIT_MS) == TimedOut()
    assert 0 < upstreams.waits_ms[0] <= WAIT_MS
    assert await services.call(action("ec2", "DescribeRegions"), 1) == TimedOut()
    services.close()
    assert await services.call(asked, WAIT_MS) == STOPPING


@pytest.mark.parity("P-260")
async def test_synchronous_executions_on_the_wire() -> None:
    """At AWS they have a host of their own, at an emulator they do not. Moto knows them not at all."""
    upstreams = ScriptedUpstreams()
    for url, host in ((None, f"https://sync-states.{REGION}.amazonaws.com/"), ("http://aws:1/x/", "http://aws:1/x/")):
        place = AwsPlace(REGION, AwsPlace.emulator(AwsEndpoint("", REGION)).credentials, url, assumes_roles=False)
        services = SignedServices(upstreams, place, ManualClock())
        await services.call(action("states", "StartSyncExecution", b'{"stateMachineArn": "m"}'), WAIT_MS)
        services.close()
        asked = upstreams.requests[-1]
        assert asked.url == host
        assert ("X-Amz-Target", "AWSStepFunctions.StartSyncExecution") in asked.headers
        assert ("Content-Type", "application/x-amz-json-1.0") in asked.headers
        assert asked.body == b'{"stateMachineArn": "m"}'
        signature = dict(asked.headers)["Authorization"]
        assert f"/{REGION}/states/aws4_request" in signature
        assert "SignedHeaders=content-type;host;x-amz-date;x-amz-target" in signature


async def test_one_call_is_one_request() -> None:
    failing = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n"
    async with web_server(failing) as server:
        web = WebServers(Path(certifi.where()))
        services = SignedServices(web, AwsPlace.emulator(AwsEndpoint(server.url, REGION)), ManualClock())
        result = await services.call(action("sns", "Publish", form(Message="a"), FORM), WAIT_MS)
        services.close()
        await web.close()
    assert isinstance(result, Answered) and result.status == 503
    (asked,) = server.asked
    expected = {"Action": ["Publish"], "Version": ["2010-03-31"], "Message": ["a"], "ContentType": ["JSON"]}
    assert parse_qs(asked.body.decode()) == expected


# -- roles -------------------------------------------------------------------------------------------------------------

ROLE = f"arn:aws:iam::{ACCOUNT}:role/caller"


def real_place(url: str) -> AwsPlace:
    """As at AWS, roles are assumed; the URL stands in for its hosts."""
    return AwsPlace(REGION, FixedCredentials(Credentials("AKIABASE", "secret")), url)


@pytest.mark.parity("P-282")
async def test_a_role_is_assumed_once_and_signs(moto_url: str) -> None:
    web = WebServers(Path(certifi.where()))
    recorded: list[UpstreamRequest] = []

    class Recording:
        async def send(self, request: UpstreamRequest, wait_ms: int) -> UpstreamResult:
            recorded.append(request)
            return await web.send(request, wait_ms)

    clock = ManualClock()
    clock.wall_ms = int(datetime.now(UTC).timestamp() * 1000)
    services = SignedServices(Recording(), real_place(moto_url), clock)
    asked = replace(path("sqs", f"{ACCOUNT}/none", "GET"), credentials_arn=ROLE)
    await asyncio.gather(services.call(asked, WAIT_MS), services.call(asked, WAIT_MS))
    assume, *calls = recorded
    assert parse_qs(assume.body.decode())["RoleArn"] == [ROLE]
    assert "Credential=AKIABASE/" in dict(assume.headers)["Authorization"]
    assert len(calls) == 2
    for call in calls:
        assert "Credential=ASIA" in dict(call.headers)["Authorization"] and dict(call.headers)["X-Amz-Security-Token"]
    clock.wall_ms += 56 * 60 * 1000  # of an hour
    await services.call(asked, WAIT_MS)
    assert len(recorded) == 5, "assumed anew before it ends"
    services.close()
    await web.close()


async def test_whose_keys_sign() -> None:
    upstreams = ScriptedUpstreams()
    for arn in (None, "arn:aws:iam::*:user/*"):
        services = SignedServices(upstreams, real_place("http://aws"), ManualClock())
        await services.call(replace(path("sqs", "a"), credentials_arn=arn), WAIT_MS)
        services.close()
    emulator = SignedServices(upstreams, AwsPlace.emulator(AwsEndpoint("http://aws", REGION)), ManualClock())
    await emulator.call(replace(path("sqs", "a"), credentials_arn=ROLE), WAIT_MS)
    emulator.close()
    signers = [dict(asked.headers)["Authorization"].partition("Credential=")[2][:8] for asked in upstreams.requests]
    assert signers == ["AKIABASE", "AKIABASE", "test/202"], "an emulator has no use for a role"


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (
            Answered(
                403, (), b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
            ),
            "AccessDenied no",
        ),
        (Answered(200, (), b"<html>"), "no credentials in the answer"),
        (Answered(200, (), b"<a/>"), "no credentials in the answer"),
        (TimedOut(), "STS did not answer in time"),
        (Unavailable("cannot be reached"), "cannot be reached"),
    ],
)
async def test_a_role_that_is_not_given(result: UpstreamResult, why: str) -> None:
    upstreams = ScriptedUpstreams(lambda _: result)
    services = SignedServices(upstreams, real_place("http://aws"), ManualClock())
    asked = replace(path("sqs", "a"), credentials_arn=ROLE)
    assert await services.call(asked, WAIT_MS) == Unavailable(f"{ROLE} cannot be assumed: {why}")
    services.close()
    assert len(upstreams.requests) == 1
