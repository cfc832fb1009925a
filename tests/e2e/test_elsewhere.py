"""A gateway without functions of its own: a table, a queue, a web server with TLS and a function elsewhere."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest
from websockets.sync.client import ClientConnection, connect

from gateway.tls.authority import open_authority
from gateway_process import DEADLINE_S, GatewayProcess, started

pytestmark = pytest.mark.xdist_group("elsewhere")


class Upstream(ThreadingHTTPServer):
    """Keeps each request line with its body; answers as a web server and, at Lambda's paths, as functions."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.peers: set[Any] = set()
        self.scheme = "http" if context is None else "https"
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.server_address[1]}"


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def do_PUT(self) -> None:
        self._answer(b"in the room")

    def do_POST(self) -> None:
        self._answer(json.dumps({"statusCode": 200, "body": "from afar"}).encode())

    def _answer(self, answer: bytes) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.requestline, dict(self.headers), body))
        self.server.peers.add(self.client_address)
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def upstream(context: ssl.SSLContext | None = None) -> Iterator[Upstream]:
    with Upstream(context) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(DEADLINE_S)


Around = tuple[GatewayProcess, Upstream, Upstream]


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Around]:
    """The gateway, the web server that is trusted by ``--ca-bundle`` alone, and where functions are."""
    authority = open_authority(tmp_path_factory.mktemp("company"))
    options = ["--no-watch", "--ca-bundle", str(authority.certificate_path)]
    with upstream(authority.server_context()) as web, upstream() as functions:
        options += ["--lambda-endpoint-url", functions.url]
        folder = tmp_path_factory.mktemp("e2e")
        with started("elsewhere", folder, *options, parameters={"Upstream": web.url}) as gateway:
            yield gateway, web, functions


@pytest.fixture
def client(around: Around) -> Iterator[ClientConnection]:
    with connect(around[0].ready.websocket_url, open_timeout=DEADLINE_S) as opened:
        yield opened


def aws(gateway: GatewayProcess, service: str) -> Any:
    make: Any = boto3.client
    ready = gateway.ready
    return make(
        service,
        endpoint_url=ready.aws_endpoint_url,
        region_name=ready.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def said(client: ClientConnection, **message: str) -> str:
    client.send(json.dumps(message))
    return str(client.recv(timeout=DEADLINE_S))


def test_a_table_and_a_queue(around: Around, client: ClientConnection) -> None:
    gateway = around[0]
    queued = json.loads(said(client, action="queue", text="a & b = ü"))["queued"]
    items = aws(gateway, "dynamodb").scan(TableName="sockets")["Items"]
    assert {"id": {"S": queued}} in items, "written before the client was let in"
    queue = aws(gateway, "sqs")
    (message,) = queue.receive_message(QueueUrl=queue.get_queue_url(QueueName="messages")["QueueUrl"])["Messages"]
    assert json.loads(message["Body"]) == {"action": "queue", "text": "a & b = ü"}


def test_a_web_server_costs_one_request_for_each_message_on_one_connection(
    around: Around, client: ClientConnection
) -> None:
    web = around[1]
    web.asked.clear()
    web.peers.clear()
    for number in range(5):
        assert said(client, action="web", room=f"a/b {number}", text="hi") == "in the room"
    assert [line for line, _, _ in web.asked] == [f"PUT /rooms/a%2Fb%20{number} HTTP/1.1" for number in range(5)]
    assert len(web.peers) == 1
    _, headers, body = web.asked[0]
    assert headers["X-Text"] == "hi" and json.loads(body)["room"] == "a/b 0"


def test_a_header_cannot_be_smuggled_in(around: Around, client: ClientConnection) -> None:
    gateway, web, _ = around
    web.asked.clear()
    frame = json.loads(said(client, action="web", room="r", text="a\r\nX-Admin: 1"))
    assert frame["message"] == "Internal server error"
    assert web.asked == []
    gateway.output.shows("the value of header X-Text has a line break or control character in it")


def test_a_function_elsewhere(around: Around, client: ClientConnection) -> None:
    gateway, _, functions = around
    assert said(client, action="remote") == "from afar"
    line, headers, body = functions.asked[-1]
    arn = f"arn%3Aaws%3Alambda%3A{gateway.ready.region}%3A123456789012%3Afunction%3Afar"
    assert line == f"POST /2015-03-31/functions/{arn}/invocations?Qualifier=live HTTP/1.1"
    assert headers["X-Amz-Invocation-Type"] == "RequestResponse" and headers["Authorization"].startswith("AWS4-HMAC")
    assert json.loads(body)["requestContext"]["routeKey"] == "remote"
