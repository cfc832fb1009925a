"""The management API (parity 7): boto3 and the AWS SDK for JavaScript over http and https, and to the byte."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from gateway_process import DEADLINE_S, GatewayProcess, node_runtime, run_node, started, until
from raw_socket import RawSocket, raw_socket

MAX_BYTES = 131_072
SIGNATURE = "Authorization: AWS4-HMAC-SHA256 Credential=any, SignedHeaders=host, Signature=any\r\n"
NORMALLY = "1000 Connection Closed Normally"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
REQUEST_ID = r"[\w-]{15}="
TRACE_ID = r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    parameters = {"Node": node_runtime()}
    with started("management", tmp_path_factory.mktemp("e2e"), "--no-watch", parameters=parameters) as gateway:
        yield gateway


@contextmanager
def client(gateway: GatewayProcess) -> Iterator[tuple[ClientConnection, str]]:
    """A client and its connection ID."""
    with connect(gateway.ready.websocket_url, open_timeout=DEADLINE_S, user_agent_header="my-client") as socket:
        socket.send('{"action": "whoami"}')
        yield socket, heard(socket)


def heard(socket: ClientConnection) -> str:
    message = socket.recv(timeout=DEADLINE_S)
    assert isinstance(message, str)
    return message


def is_closed_normally(socket: ClientConnection) -> bool:
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=DEADLINE_S)
    received = closed.value.rcvd
    return received is not None and f"{received.code} {received.reason}" == NORMALLY


# -- SDKs ------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["http", "https"])
def endpoint(request: pytest.FixtureRequest, gateway: GatewayProcess) -> str:
    return gateway.ready.management_url if request.param == "http" else gateway.ready.secure_management_url


@pytest.fixture
def connections(gateway: GatewayProcess, endpoint: str) -> Iterator[Any]:
    with closing(
        boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=endpoint,
            verify=gateway.ready.ca_bundle,
            region_name=gateway.ready.region,
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
    ) as opened:
        yield opened


@pytest.mark.parity("P-362", "P-383", "P-412")
def test_boto3_posts_gets_and_deletes(gateway: GatewayProcess, connections: Any) -> None:
    gone = connections.exceptions.GoneException
    with client(gateway) as (socket, connection_id):
        connections.post_to_connection(ConnectionId=connection_id, Data="grüße".encode())
        assert heard(socket) == "grüße"
        found = connections.get_connection(ConnectionId=connection_id)
        assert found["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "my-client"}
        assert found["ConnectedAt"] <= found["LastActiveAt"]
        deleted = connections.delete_connection(ConnectionId=connection_id)
        assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert is_closed_normally(socket)
    gateway.output.shows(rf"^\[.*\] ended {connection_id} {NORMALLY}$")
    gateway.output.shows(rf"disconnect +{connection_id} {NORMALLY}$")
    for operation in (connections.get_connection, connections.delete_connection):
        with pytest.raises(gone):
            operation(ConnectionId=connection_id)
    with pytest.raises(gone):
        connections.post_to_connection(ConnectionId=connection_id, Data=b"too late")


SCRIPT = """
const sdk = require("@aws-sdk/client-apigatewaymanagementapi");
const { endpoint, region, ConnectionId } = JSON.parse(process.env.ASKED);
const credentials = { accessKeyId: "any", secretAccessKey: "any" };
const client = new sdk.ApiGatewayManagementApiClient({ endpoint, region, credentials });
(async () => {
  await client.send(new sdk.PostToConnectionCommand({ ConnectionId, Data: "grüße" }));
  const { Identity, ConnectedAt, LastActiveAt } = await client.send(new sdk.GetConnectionCommand({ ConnectionId }));
  const deleted = await client.send(new sdk.DeleteConnectionCommand({ ConnectionId }));
  const late = await client.send(new sdk.PostToConnectionCommand({ ConnectionId, Data: "" })).catch((e) => e);
  console.log(JSON.stringify({
    identity: Identity, dates: ConnectedAt <= LastActiveAt, deleted: deleted.$metadata.httpStatusCode,
    late: [late.name, late.$metadata.httpStatusCode, late instanceof sdk.GoneException],
  }));
})();
"""


@pytest.mark.parity("P-383")
@pytest.mark.skipif(shutil.which("npm") is None, reason="no npm on this machine")
def test_javascript_posts_gets_and_deletes(gateway: GatewayProcess, endpoint: str, tmp_path: Path) -> None:
    with client(gateway) as (socket, connection_id):
        socket.send('{"action": "packages"}')
        asked = {"endpoint": endpoint, "region": gateway.ready.region, "ConnectionId": connection_id}
        env = {
            "ASKED": json.dumps(asked),
            "NODE_PATH": heard(socket),
            "NODE_EXTRA_CA_CERTS": gateway.ready.ca_bundle,
        }
        told = json.loads(run_node(SCRIPT, tmp_path, env))
        assert heard(socket) == "grüße"
        assert is_closed_normally(socket)
    assert told == {
        "identity": {"SourceIp": "127.0.0.1", "UserAgent": "my-client"},
        "dates": True,
        "deleted": 204,
        "late": ["GoneException", 410, True],
    }


# -- to the byte -----------------------------------------------------------------------------------------------------


@pytest.fixture
def raw(gateway: GatewayProcess) -> Iterator[RawSocket]:
    with raw_socket(gateway.ready.port) as opened:
        yield opened


Answer = tuple[str, dict[str, str], bytes]


def ask(raw: RawSocket, method: str, target: str, body: bytes = b"", signature: str = SIGNATURE) -> Answer:
    head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{signature}Content-Length: {len(body)}\r\n\r\n"
    raw.send(head.encode("ascii") + body)
    return raw.response()


def at(connection_id: str, stage: str = "prod") -> str:
    return f"/{stage}/@connections/{quote(connection_id, safe='')}"


def matches(headers: dict[str, str], **patterns: str) -> bool:
    wanted = {name.replace("_", "-"): pattern for name, pattern in patterns.items()}
    return all(re.fullmatch(pattern, headers.get(name, "(absent)")) for name, pattern in wanted.items())


@pytest.mark.parity("P-343", "P-346", "P-347")
def test_a_post(gateway: GatewayProcess, raw: RawSocket) -> None:
    with client(gateway) as (socket, connection_id):
        status, headers, body = ask(raw, "POST", at(connection_id), b"hello")
        assert heard(socket) == "hello"
    assert (status, body) == ("HTTP/1.1 200 OK", b"")
    assert set(headers) == {
        "Date", "Content-Type", "Content-Length", "Connection", "x-amzn-RequestId", "x-amz-apigw-id", "X-Amzn-Trace-Id"
    }  # fmt: skip
    assert (headers["Content-Type"], headers["Content-Length"]) == ("application/json", "0")
    assert headers["Connection"] == "keep-alive"
    assert matches(headers, x_amzn_RequestId=UUID, x_amz_apigw_id=REQUEST_ID, X_Amzn_Trace_Id=TRACE_ID)


@pytest.mark.parity("P-348", "P-349")
def test_a_get(gateway: GatewayProcess, raw: RawSocket) -> None:
    with client(gateway) as (_, connection_id):
        status, headers, body = ask(raw, "GET", at(connection_id))
    assert status == "HTTP/1.1 200 OK" and headers["Content-Type"] == "application/json"
    assert re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME", body.decode()) == (
        '{\n  "identity" : {\n    "sourceIp" : "127.0.0.1",\n    "userAgent" : "my-client"\n  },\n'
        '  "connectedAt" : "TIME",\n  "lastActiveAt" : "TIME"\n}'
    )


@pytest.mark.parity("P-345")
def test_a_delete(gateway: GatewayProcess, raw: RawSocket) -> None:
    with client(gateway) as (socket, connection_id):
        status, headers, body = ask(raw, "DELETE", at(connection_id))
        assert is_closed_normally(socket)
    assert (status, body) == ("HTTP/1.1 204 No Content", b"")
    assert matches(headers, x_amzn_RequestId=UUID, x_amz_apigw_id=REQUEST_ID)


@pytest.mark.parity("P-365", "P-379")
def test_a_connection_that_is_gone(gateway: GatewayProcess, raw: RawSocket) -> None:
    with client(gateway) as (_, connection_id):
        pass
    gateway.output.shows(rf"disconnect +{connection_id} ")
    for method in ("POST", "GET", "DELETE"):
        status, headers, body = ask(raw, method, at(connection_id))
        assert (status, body) == ("HTTP/1.1 410 Gone", b"")
        assert matches(headers, x_amzn_ErrorType="GoneException", x_amzn_RequestId=UUID, x_amz_apigw_id=REQUEST_ID)
        assert "X-Amzn-Trace-Id" not in headers


@pytest.mark.parity("P-366", "P-367")
def test_an_id_that_nobody_issued(raw: RawSocket) -> None:
    for signature in (SIGNATURE, ""):  # looked at before the signature
        status, headers, body = ask(raw, "POST", at("cjy8i76bx002884le6n17d49b"), b"x", signature)
        assert status == "HTTP/1.1 400 Bad Request" and headers["x-amzn-ErrorType"] == "BadRequestException"
        assert body == b'{"message":"Invalid connectionId: cjy8i76bx002884le6n17d49b"}'


@pytest.mark.parity("P-370")
def test_no_signature(gateway: GatewayProcess, raw: RawSocket) -> None:
    with client(gateway) as (_, connection_id):
        status, headers, body = ask(raw, "POST", at(connection_id), b"x", signature="")
    assert status == "HTTP/1.1 403 Forbidden"
    assert headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"
    assert body == b'{"message":"Missing Authentication Token"}'


@pytest.mark.parity("P-369")
@pytest.mark.parametrize("target", ["/nowhere/@connections/ID", "/@connections/ID"])
def test_another_path(gateway: GatewayProcess, raw: RawSocket, target: str) -> None:
    with client(gateway) as (_, connection_id):
        status, headers, body = ask(raw, "POST", target.replace("ID", quote(connection_id)), b"x")
    assert (status, body) == ("HTTP/1.1 403 Forbidden", b'{"message":"Forbidden"}')
    assert headers["x-amzn-ErrorType"] == "ForbiddenException"


@pytest.mark.parity("P-342", "P-355", "P-356", "P-357", "P-358")
def test_both_spellings_and_every_size(gateway: GatewayProcess, raw: RawSocket) -> None:
    with client(gateway) as (socket, connection_id):
        bodies = {
            b"": "",
            b"\x00\xff\xfe\x80a": "\x00\ufffd\ufffd\ufffda",
            b"x" * 32_769: "x" * 32_769,
            b"x" * MAX_BYTES: "x" * MAX_BYTES,
        }
        for body, message in bodies.items():
            for target in (at(connection_id), at(connection_id).replace("@", "%40")):
                status, _, _ = ask(raw, "POST", target, body)
                assert status == "HTTP/1.1 200 OK"
                assert heard(socket) == message


@pytest.mark.parity("P-359")
def test_a_body_that_is_too_long(gateway: GatewayProcess, raw: RawSocket) -> None:
    with client(gateway) as (socket, connection_id):
        status, headers, body = ask(raw, "POST", at(connection_id), b"x" * (MAX_BYTES + 1))
        assert status.startswith("HTTP/1.1 413 ") and body == b""
        assert not {"x-amzn-requestid", "x-amzn-errortype"} & {name.lower() for name in headers}
        with raw_socket(gateway.ready.port) as another:
            ask(another, "POST", at(connection_id), b"unharmed")
        assert heard(socket) == "unharmed"


@pytest.mark.parity("P-352", "P-353")
def test_activity_is_what_was_sent_and_not_what_was_asked(gateway: GatewayProcess, raw: RawSocket) -> None:
    with client(gateway) as (socket, connection_id):

        def last_active() -> str:
            return str(json.loads(ask(raw, "GET", at(connection_id))[2])["lastActiveAt"])

        def moved_on() -> bool:
            ask(raw, "POST", at(connection_id))
            assert heard(socket) == ""
            return last_active() > before

        before = last_active()
        assert last_active() == before
        until(moved_on, "a later lastActiveAt after a POST")
