"""Sockets as a client and the application see them (parity 1 to 4, 6, 8), over a real gateway with real handlers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Close, Opcode
from websockets.http11 import Response
from websockets.sync.client import ClientConnection, connect

from gateway_process import DEADLINE_S, GatewayProcess, started
from raw_socket import RawSocket, raw_socket
from tls_client import secure_connect
from wire_frames import client_frame

KIB = 1024
FRAME = '{"message": "%s", "connectionId":"%s", "requestId":"%s"}'


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with started("sockets", tmp_path_factory.mktemp("e2e"), "--no-watch") as gateway:
        yield gateway


VISITS = count(1)


def visit() -> str:
    """A parameter for the handshake's query by which this connection's events are told from all others."""
    return f"visit={next(VISITS)}."


def client(gateway: GatewayProcess, query: str, stage: str = "prod", **options: Any) -> ClientConnection:
    socket: ClientConnection = connect(
        f"ws://localhost:{gateway.ready.port}/{stage}?{query}", open_timeout=DEADLINE_S, **options
    )
    return socket


def say(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def heard(socket: ClientConnection) -> str:
    message = socket.recv(timeout=DEADLINE_S)
    assert isinstance(message, str)
    return message


def connected(gateway: GatewayProcess, mine: str) -> dict[str, Any]:
    """The $connect event of a visit, as its handler printed it."""
    return printed(gateway, rf'"visit": "{re.escape(mine.partition("=")[2])}".*"routeKey": "\$connect"')


def event(gateway: GatewayProcess, route_key: str, mine: str) -> dict[str, Any]:
    """The event of another route for the same connection."""
    connection_id = connected(gateway, mine)["requestContext"]["connectionId"]
    return printed(gateway, rf'"routeKey": "{re.escape(route_key)}".*"connectionId": "{connection_id}"')


def closing(gateway: GatewayProcess, mine: str) -> tuple[int, str]:
    """What $disconnect was told."""
    context = event(gateway, "$disconnect", mine)["requestContext"]
    return context["disconnectStatusCode"], context["disconnectReason"]


def printed(gateway: GatewayProcess, pattern: str) -> dict[str, Any]:
    line = gateway.output.shows(rf"^\[sockets-Everything .*?\] (.*{pattern}.*)$")
    found: dict[str, Any] = json.loads(line[1])
    return found


def refusal(gateway: GatewayProcess, query: str, stage: str = "prod") -> Response:
    with pytest.raises(InvalidStatus) as refused:
        client(gateway, query, stage).close()
    return refused.value.response


@pytest.mark.parity("P-033", "P-082", "P-089", "P-102", "P-173", "P-205", "P-407")
def test_a_connection_from_its_upgrade_to_its_end(gateway: GatewayProcess) -> None:
    mine = visit()
    headers = {"X-Custom": "as it is"}
    with client(gateway, f"name=ada&name=eve&{mine}", additional_headers=headers, compression=None) as socket:
        assert socket.response is not None
        names = {name.lower() for name in socket.response.headers}
        assert not names & {"sec-websocket-protocol", "sec-websocket-extensions", "x-seen", "content-type"}
        opened = connected(gateway, mine)
        say(socket, action="echo", text="hello")
        assert json.loads(heard(socket)) == {"action": "echo", "text": "hello"}  # its 503 has no effect (parity 4.1)
        message = event(gateway, "echo", mine)
        socket.close(4001, "enough")
    assert (socket.close_code, socket.close_reason) == (4001, "enough")
    assert closing(gateway, mine) == (4001, "enough")
    assert opened["queryStringParameters"]["name"] == "eve"
    assert opened["multiValueQueryStringParameters"]["name"] == ["ada", "eve"]
    assert opened["headers"]["X-Custom"] == "as it is"
    assert message["body"] == '{"action": "echo", "text": "hello"}'
    ended = event(gateway, "$disconnect", mine)
    kept = ("connectionId", "connectedAt", "domainName", "stage", "apiId", "identity")
    contexts = [{key: told["requestContext"][key] for key in kept} for told in (opened, message, ended)]
    assert contexts[0] == contexts[1] == contexts[2]
    connection_id = contexts[0]["connectionId"]
    gateway.output.shows(rf"connect +{connection_id} /prod from 127\.0\.0\.1")
    gateway.output.shows(rf"disconnect +{connection_id} 4001 enough")


def test_over_tls_just_the_same(gateway: GatewayProcess) -> None:
    ready = gateway.ready
    with secure_connect(ready.secure_port, ready.tls, "localhost", "ws://localhost/prod") as socket:
        say(socket, action="echo")
        assert heard(socket) == '{"action": "echo"}'


@pytest.mark.parity("P-041", "P-044")
def test_connect_refuses_with_its_status_and_body(gateway: GatewayProcess) -> None:
    since = gateway.output.end
    response = refusal(gateway, "status=418&body=teapot")
    assert (response.status_code, response.body) == (418, b"teapot")
    assert response.headers["x-seen"] == "yes" and "x-amz-apigw-id" in response.headers
    gateway.output.shows(r"refused .* 418 ", since)


@pytest.mark.parity("P-004", "P-005", "P-006")
@pytest.mark.parametrize("stage", ["nowhere", "prod/room", ""])
def test_an_unknown_stage_is_forbidden(gateway: GatewayProcess, stage: str) -> None:
    response = refusal(gateway, "", stage)
    assert (response.status_code, response.body) == (403, b'{"message":"Forbidden"}')
    assert response.headers["x-amzn-ErrorType"] == "ForbiddenException"


@pytest.mark.parity("P-030", "P-031", "P-032")
def test_a_subprotocol_only_when_the_handler_returns_it(gateway: GatewayProcess) -> None:
    with client(gateway, "protocol=chat.v2", subprotocols=["chat.v1", "chat.v2"]) as socket:
        assert socket.subprotocol == "chat.v2"
    mine = visit()
    with client(gateway, mine, subprotocols=["chat.v1", "chat.v2"]) as socket:
        assert socket.subprotocol is None
    assert connected(gateway, mine)["headers"]["Sec-WebSocket-Protocol"] == "chat.v1, chat.v2"


@pytest.mark.parity("P-206")
def test_fragments_are_one_message(gateway: GatewayProcess) -> None:
    text = json.dumps({"action": "echo", "text": "é" * 20_000})  # five frames of up to 32 KB, 120 KB in all
    with client(gateway, visit(), max_size=None) as socket:
        socket.send(text[place : place + 25_000] for place in range(0, len(text), 25_000))
        assert heard(socket) == text


@pytest.mark.parity("P-203")
def test_pings_are_answered(gateway: GatewayProcess) -> None:
    with client(gateway, visit()) as socket:
        assert socket.ping(b"payload").wait(DEADLINE_S)


@pytest.mark.parity("P-095", "P-170")
def test_one_way_routes_answer_nothing(gateway: GatewayProcess) -> None:
    mine = visit()
    with client(gateway, mine) as socket:
        socket.send("no JSON at all")
        assert event(gateway, "$default", mine)["body"] == "no JSON at all"
        say(socket, action="echo")
        assert heard(socket) == '{"action": "echo"}'  # and nothing before it


@pytest.mark.parity("P-197", "P-413")
def test_binary_is_refused(gateway: GatewayProcess) -> None:
    mine = visit()
    with client(gateway, mine) as socket:
        socket.send(b"\x00\x01")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=DEADLINE_S)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1003, "Binary is not supported")
    assert closing(gateway, mine) == (1003, "Binary is not supported")


@contextmanager
def raw_visit(gateway: GatewayProcess, mine: str) -> Iterator[RawSocket]:
    with raw_socket(gateway.ready.port) as raw:
        raw.upgrade(f"/prod?{mine}")
        yield raw


VIOLATIONS = {
    "a frame over 32 KB": (1009, client_frame(Opcode.TEXT, b"x" * (32 * KIB + 1))),
    "a message over 128 KB": (
        1009,
        client_frame(Opcode.TEXT, b"x" * 32 * KIB, fin=False)
        + client_frame(Opcode.CONT, b"x" * 32 * KIB, fin=False) * 3
        + client_frame(Opcode.CONT, b"x"),
    ),
    "text that is no UTF-8": (1007, client_frame(Opcode.TEXT, b"\xff\xfe")),
}


@pytest.mark.parity("P-198", "P-199", "P-201", "P-414")
@pytest.mark.parametrize("what", VIOLATIONS)
def test_violations_close_with_their_code(gateway: GatewayProcess, what: str) -> None:
    code, frames = VIOLATIONS[what]
    mine = visit()
    with raw_visit(gateway, mine) as raw:
        raw.send(frames)
        raw.end()
        (frame,) = raw.frames()
        assert frame.opcode is Opcode.CLOSE and Close.parse(frame.data).code == code
    assert closing(gateway, mine)[0] == code


@pytest.mark.parity("P-408")
def test_an_empty_close_is_1005(gateway: GatewayProcess) -> None:
    mine = visit()
    with raw_visit(gateway, mine) as raw:
        raw.send(client_frame(Opcode.CLOSE))
        (frame,) = raw.frames()
        assert (frame.opcode, frame.data) == (Opcode.CLOSE, b"")
    assert closing(gateway, mine) == (1005, "Client-side close frame status not set")


@pytest.mark.parity("P-415")
@pytest.mark.parametrize("how", ["end of stream", "reset"])
def test_a_drop_without_a_close_is_1006(gateway: GatewayProcess, how: str) -> None:
    mine = visit()
    with raw_visit(gateway, mine) as raw:
        if how == "reset":
            raw.reset()
        else:
            raw.close()
    assert closing(gateway, mine)[0] == 1006


@pytest.mark.parity("P-149", "P-185", "P-187")
def test_no_route_is_a_forbidden_frame(gateway: GatewayProcess) -> None:
    mine = visit()
    with client(gateway, f"token=allow&{mine}", "guarded") as socket:
        connection_id = connected(gateway, mine)["requestContext"]["connectionId"]
        say(socket, action="nothing of the kind")
        frame = heard(socket)
        assert frame == FRAME % ("Forbidden", connection_id, json.loads(frame)["requestId"])
        say(socket, action="whoami")
        assert json.loads(heard(socket))["principalId"] == "ada"


@pytest.mark.parity("P-110", "P-311")
def test_an_authorizer_allows(gateway: GatewayProcess) -> None:
    mine = visit()
    with client(gateway, f"token=allow&{mine}", "guarded") as socket:
        context = connected(gateway, mine)["requestContext"]
        assert isinstance(context["authorizer"].pop("integrationLatency"), int)
        say(socket, action="whoami")
        assert json.loads(heard(socket)) == context["authorizer"] == {"principalId": "ada", "age": "36"}
        gateway.output.shows(rf"connect +{context['connectionId']} .* as ada$")


@pytest.mark.parity("P-051", "P-052", "P-055")
@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ("token=deny&", 403, "User is not authorized to access this resource with an explicit deny"),
        ("token=unauthorized&", 401, "Unauthorized"),
        ("token=&", 401, "Unauthorized"),
        ("", 401, "Unauthorized"),
    ],
)
def test_an_authorizer_refuses(gateway: GatewayProcess, query: str, status: int, message: str) -> None:
    since, mine = gateway.output.end, visit()
    response = refusal(gateway, query + mine, "guarded")
    document = json.loads(response.body)
    assert response.status_code == status and document["message"].startswith(message)
    assert document["requestId"] == response.headers["x-amz-apigw-id"]
    gateway.output.shows(rf"refused +{re.escape(document['connectionId'])} {status} ", since)
    output = gateway.output.text
    assert (f"guard asked for {mine}" in output) is query.startswith(("token=d", "token=u"))
    assert f'"visit": "{mine}"' not in output  # $connect was not called


FAULTS = {
    "throws": r"ValueError: as told",
    "exits": r"exit status 3",
    "hangs": r"Task timed out after 1\.00 seconds",
    "floods": r"exceeded maximum allowed payload size",
    "forgets": r"not a proxy response",
    "confuses": r"Runtime\.MarshalError",
}


@pytest.mark.parity("P-187", "P-188", "P-255")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_handler_is_named_and_the_gateway_goes_on(gateway: GatewayProcess, fault: str) -> None:
    since, mine = gateway.output.end, visit()
    with client(gateway, mine) as socket:
        connection_id = connected(gateway, mine)["requestContext"]["connectionId"]
        say(socket, action="fault", fault=fault)
        frame = heard(socket)
        assert frame == FRAME % ("Internal server error", connection_id, json.loads(frame)["requestId"])
        gateway.output.shows(rf"failed +sockets-Faulty .*({FAULTS[fault]})", since)
        say(socket, action="fault", fault="prints")  # the next one is served
        gateway.output.shows(r"^\[sockets-Faulty .+\] printed by a handler$", since)
        gateway.output.shows(r"^\[sockets-Faulty .+\] complained by a handler$", since)
        say(socket, action="echo")
        assert heard(socket) == '{"action": "echo"}'


def test_a_runtime_that_answers_with_no_json(gateway: GatewayProcess) -> None:
    since = gateway.output.end
    with client(gateway, visit()) as socket:
        say(socket, action="odd")
        assert json.loads(heard(socket))["message"] == "Internal server error"
    gateway.output.shows(r"failed +sockets-Odd .*not a proxy response", since)
