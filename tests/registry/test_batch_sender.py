"""Batches sent to a DynamoDB that answers exactly what the test says."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dynamodb_double import DONE, Answer, failure, scripted
from dynamodb_place import Place
from gateway.model.aws import AwsEndpoint
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import NodeNumber
from gateway.registry.batch_sender import BatchSender
from gateway.registry.batches import RecordRejected
from gateway.registry.calls import Calls
from gateway.registry.connection_table import ConnectionTable
from gateway.registry.table_settings import TableSettings, Timeouts
from gateway.tls.authority import open_authority
from tables import connection
from web_double import Asked, web_server

REGION = "eu-central-1"
QUICK = Timeouts(0.2, 0.2)
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def sending(
    endpoint: AwsEndpoint, timeouts: Timeouts | None = None, name: str = "t"
) -> AsyncIterator[BatchSender]:
    calls = Calls(endpoint, TableSettings(name), timeouts)
    yield BatchSender(calls, None)
    calls.close()


async def refused(sender: BatchSender) -> RegistryUnavailable:
    with pytest.raises(RegistryUnavailable) as raised:
        await sender([connection(1)], [])
    return raised.value


async def test_unprocessed_keys_are_told_apart() -> None:
    left = {
        "t": [
            {"PutRequest": {"Item": {"pk": {"S": "NODE#7"}, "sk": {"S": "CONN#a"}}}},
            {"DeleteRequest": {"Key": {"pk": {"S": "NODE#8"}, "sk": {"S": "CONN#b"}}}},
        ]
    }
    with scripted(BatchWriteItem=[(200, {"UnprocessedItems": left}), DONE]) as server:
        async with sending(server.endpoint) as sender:
            assert await sender([connection(1)], [(NodeNumber(8), connection(2).connection_id)]) == {(7, "a"), (8, "b")}
            assert await sender([connection(1)], []) == frozenset()
    (operation, document), _ = server.asked
    assert operation == "BatchWriteItem"
    assert [next(iter(request)) for request in document["RequestItems"]["t"]] == ["DeleteRequest", "PutRequest"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (failure("ValidationException"), RecordRejected),
        (failure("SerializationException"), RecordRejected),
        (failure("ItemCollectionSizeLimitExceededException"), RecordRejected),
        (failure("ProvisionedThroughputExceededException"), RegistryUnavailable),
        (failure("ThrottlingException"), RegistryUnavailable),
        (failure("RequestLimitExceeded"), RegistryUnavailable),
        (failure("ResourceNotFoundException"), RegistryUnavailable),
        (failure("AccessDeniedException"), RegistryUnavailable),
        (failure("UnrecognizedClientException"), RegistryUnavailable),
        (failure("InternalServerError", 500), RegistryUnavailable),
        ((503, {}), RegistryUnavailable),
        ((301, {}), RegistryUnavailable),
    ],
)
async def test_failures_are_told_apart_and_each_call_is_made_once(answer: Answer, expected: type[Exception]) -> None:
    with scripted(BatchWriteItem=[answer]) as server:
        async with sending(server.endpoint) as sender:
            error = await refused(sender)
        assert type(error) is expected
        assert str(error).startswith(f"DynamoDB table t at {server.endpoint.url}: ")
        assert str(answer[1].get("__type", answer[0])).rpartition("#")[2] in str(error)
        assert len(server.asked) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"UnprocessedItems":{"t":[{}]}}', b'{"UnprocessedItems":[1]}'])
async def test_an_answer_that_is_not_dynamodbs_is_no_success(body: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    async with web_server(answer) as server, sending(AwsEndpoint(server.url, REGION)) as sender:
        assert "not DynamoDB's" in str(await refused(sender))


async def test_a_dynamodb_that_does_not_answer_is_unavailable_in_time_and_asked_anew_later() -> None:
    with scripted(BatchWriteItem=[None, DONE]) as server:
        async with sending(server.endpoint, QUICK) as sender:
            assert "no answer" in str(await refused(sender))
            assert await sender([connection(1)], []) == frozenset()


async def test_batches_side_by_side_look_for_the_endpoint_together() -> None:
    async with web_server(EMPTY) as server, sending(AwsEndpoint(server.url, REGION)) as sender:
        await asyncio.gather(*(sender([connection(number)], []) for number in range(4)))
        await asyncio.gather(*(sender([connection(number)], []) for number in range(4)))
        assert server.connections == 4


async def test_https_is_checked_against_the_endpoints_own_roots(tmp_path: Path) -> None:
    authority = open_authority(tmp_path, ("localhost",))
    async with web_server(EMPTY, authority.server_context()) as server:
        url = f"https://localhost:{server.port}"
        async with sending(AwsEndpoint(url, REGION, ca_bundle=str(authority.bundle_path))) as sender:
            assert await sender([connection(1)], []) == frozenset()
        async with sending(AwsEndpoint(url, REGION)) as sender:
            assert "CERTIFICATE_VERIFY_FAILED" in str(await refused(sender))
    assert len(server.asked) == 1


async def test_what_was_written_is_read_again_whatever_is_in_it(moto_url: str) -> None:
    place = Place.made(AwsEndpoint(moto_url, REGION))
    odd = connection(1, user_agent='"\\\u2028\U0001f600\t', authorizer={"ä": "\x7f"}, identity={})
    async with sending(place.required, name=place.settings.name) as sender:
        assert await sender([odd, connection(2)], []) == frozenset()
        assert await sender([], [(NodeNumber(7), connection(2).connection_id)]) == frozenset()
    calls = Calls(place.required, place.settings)
    page = await ConnectionTable(calls).page(NodeNumber(7), None)
    assert page.connections == (odd,)
    calls.close()


def key_in(asked: Asked) -> str:
    return str(asked.header("authorization")).partition("Credential=")[2].partition("/")[0]


async def test_keys_that_are_about_to_expire_are_renewed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    program, count = tmp_path / "keys.py", tmp_path / "count"
    program.write_text(
        "import json, pathlib\n"
        f"count = pathlib.Path({str(count)!r})\n"
        "count.write_text((count.read_text() if count.exists() else '') + 'x')\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': 'KEY' + str(len(count.read_text())), 'SecretAccessKey': 's', "
        f"'SessionToken': 'token', 'Expiration': {soon!r}}}))\n"
    )
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {sys.executable} {program}\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    async with web_server(EMPTY) as server, sending(AwsEndpoint(server.url, REGION, None)) as sender:
        for _ in range(2):
            await sender([connection(1)], [])
    used = [key_in(asked) for asked in server.asked]
    assert used[0] != used[1], "these keys are too old to be used twice"
    assert {asked.header("x-amz-security-token") for asked in server.asked} == {"token"}


async def test_keys_that_come_later_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    async with web_server(EMPTY) as server, sending(AwsEndpoint(server.url, REGION, None)) as sender:
        assert "credentials" in str(await refused(sender))
        (tmp_path / "credentials").write_text("[default]\naws_access_key_id = LATER\naws_secret_access_key = s\n")
        await sender([connection(1)], [])
        assert [key_in(asked) for asked in server.asked] == ["LATER"]


async def test_the_item_is_whole_json_on_the_wire() -> None:
    async with web_server(EMPTY) as server, sending(AwsEndpoint(server.url, REGION)) as sender:
        await sender([connection(1)], [])
    (request,) = json.loads(server.asked[0].body)["RequestItems"]["t"]
    assert request["PutRequest"]["Item"]["stage"] == {"S": "prod"}
    assert server.asked[0].header("host") == f"127.0.0.1:{server.port}"
