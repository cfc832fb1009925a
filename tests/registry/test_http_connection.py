"""One kept connection on a transport the test plays."""

from __future__ import annotations

import asyncio

import pytest

from gateway.registry.http_connection import MAX_BODY_BYTES, Answer, HttpConnection

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"


class Wire(asyncio.Transport):
    """Keeps what was written; ``aborted`` once dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def abort(self) -> None:
        self.aborted = True


@pytest.fixture
async def made() -> tuple[HttpConnection, Wire]:
    connection, wire = HttpConnection(), Wire()
    connection.connection_made(wire)
    return connection, wire


Made = tuple[HttpConnection, Wire]


async def asked(connection: HttpConnection, request: bytes = b"?") -> asyncio.Future[Answer]:
    call = asyncio.ensure_future(connection.ask(request))
    await asyncio.sleep(0)
    return call


@pytest.mark.parametrize("answer", [WHOLE, CHUNKED, b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE])
async def test_an_answer_is_whole_however_it_comes(made: Made, answer: bytes) -> None:
    connection, wire = made
    for at_once in (True, False):
        call = await asked(connection)
        for part in [answer] if at_once else [bytes([byte]) for byte in answer]:
            connection.data_received(part)
        assert await call == Answer(200, b"hello")
    assert wire.written == b"??"
    assert connection.is_open and not wire.aborted


async def test_what_says_that_it_will_close_is_not_asked_again(made: Made) -> None:
    connection, wire = made
    call = await asked(connection)
    connection.data_received(b"HTTP/1.1 503 Slow\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    assert await call == Answer(503, b"")
    assert wire.aborted and not connection.is_open
    with pytest.raises(ConnectionError):
        await connection.ask(b"?")


@pytest.mark.parametrize("error", [None, ConnectionResetError("reset by peer"), OSError("no route")])
async def test_an_end_before_the_answer_is_whole_is_an_error(made: Made, error: Exception | None) -> None:
    connection, _ = made
    call = await asked(connection)
    connection.data_received(WHOLE[:-1])
    connection.connection_lost(error)
    with pytest.raises(ConnectionError):
        await call
    assert not connection.is_open


async def test_an_end_between_two_requests_is_seen(made: Made) -> None:
    connection, _ = made
    connection.connection_lost(None)
    assert not connection.is_open


async def test_what_is_no_http_is_an_error(made: Made) -> None:
    connection, wire = made
    call = await asked(connection)
    connection.data_received(b"SSH-2.0-OpenSSH\r\n")
    with pytest.raises(ConnectionError, match="no HTTP server"):
        await call
    assert wire.aborted


async def test_what_nobody_asked_for_ends_the_connection(made: Made) -> None:
    connection, wire = made
    connection.data_received(WHOLE)
    assert wire.aborted and not connection.is_open


async def test_an_answer_without_end_is_cut_off(made: Made) -> None:
    connection, wire = made
    call = await asked(connection)
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1))
    connection.data_received(bytes(MAX_BODY_BYTES))
    assert not call.done()
    connection.data_received(b"x")
    with pytest.raises(ConnectionError, match="longer"):
        await call
    assert wire.aborted


async def test_who_gives_up_closes_and_hears_nothing_more(made: Made) -> None:
    connection, wire = made
    call = await asked(connection)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    connection.close()
    connection.data_received(WHOLE)
    assert wire.aborted and not connection.is_open
