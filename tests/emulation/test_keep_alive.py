"""The HTTP server on an application of the test's: bodies both ways, connections that stay."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gateway.emulation.keep_alive import KeepAliveServer

DEADLINE_S = 10.0


@contextmanager
def serving(application: Callable[..., Iterable[bytes]]) -> Iterator[int]:
    server = KeepAliveServer(socket.create_server(("127.0.0.1", 0)), application, None)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()


@contextmanager
def connection(port: int) -> Iterator[http.client.HTTPConnection]:
    made = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        yield made
    finally:
        made.close()


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Path", environ["PATH_INFO"])])
    yield environ["REQUEST_METHOD"].encode() + b" "
    yield environ["wsgi.input"].read()


def test_one_connection_serves_many_requests() -> None:
    with serving(echo) as port, connection(port) as client:
        local = set()
        for number in range(5):
            client.request("POST", f"/{number}", body=b"x" * number)
            response = client.getresponse()
            assert response.read() == b"POST " + b"x" * number
            assert response.headers["X-Path"] == f"/{number}"
            assert client.sock is not None, "still open"
            local.add(client.sock.getsockname())
        assert len(local) == 1


def test_a_chunked_body_is_read_whole() -> None:
    with serving(echo) as port, connection(port) as client:
        client.request("PUT", "/", body=iter([b"one ", b"two"]), encode_chunked=True)
        assert client.getresponse().read() == b"PUT one two"
        client.request("GET", "/")
        assert client.getresponse().read() == b"GET "


def test_a_client_that_expects_100_continue_gets_it() -> None:
    with serving(echo) as port, socket.create_connection(("127.0.0.1", port), DEADLINE_S) as client:
        client.sendall(b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        assert client.recv(1000).endswith(b"PUT abc")


def test_a_head_has_its_length_and_no_body() -> None:
    def head(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "42")])
        return [b""]

    with serving(head) as port, connection(port) as client:
        client.request("HEAD", "/")
        response = client.getresponse()
        assert (response.headers["Content-Length"], response.read()) == ("42", b"")
        client.request("HEAD", "/again")
        assert client.getresponse().read() == b""


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_answer_without_a_body_keeps_the_connection_in_step(status: str) -> None:
    def empty(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response(status, [])
        return [b"never sent"]

    with serving(empty) as port, connection(port) as client:
        for _ in range(2):
            client.request("DELETE", "/")
            response = client.getresponse()
            assert (response.status, response.read()) == (int(status[:3]), b"")


def test_a_failing_application_is_told_in_one_line_and_answered(capfd: pytest.CaptureFixture[str]) -> None:
    def fail(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raise LookupError("no such thing")

    with serving(fail) as port, connection(port) as client:
        for _ in range(2):
            client.request("POST", "/", headers={"X-Amz-Target": "DynamoDB_20120810.Frobnicate"})
            response = client.getresponse()
            assert (response.status, b"InternalFailure" in response.read()) == (500, True)
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("moto failed at DynamoDB_20120810.Frobnicate: LookupError: no such thing (")


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    with serving(echo) as port:
        for data in (b"", b"PO", b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"):
            with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as client:
                client.sendall(data)
        with connection(port) as client_after:
            client_after.request("GET", "/")
            assert client_after.getresponse().read() == b"GET "
    assert capfd.readouterr().err == ""
