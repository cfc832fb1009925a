from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from gateway.model.http import HttpResponse
from gateway.server.conduct import Conduct
from gateway.server.desk import Desk
from gateway.server.http import HttpHost
from gateway.wire.handshake import Peer
from raw_client import HANDSHAKE, RawClient, raw_client
from server_fakes import RealClock, Reports, Served, Service, Serving, serving, until
from wire_frames import client_frame

GET = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"

CHUNKED = b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"


def post(body: bytes, *headers: bytes) -> bytes:
    lines = [b"POST /a HTTP/1.1", b"Host: localhost", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def lines_of(head: bytes) -> list[bytes]:
    return [line for line in head.split(b"\r\n") if not line.startswith(b"Date: ")][:-2]


PEER = Peer("192.0.2.7", 8080, secure=False)


async def ask(client: RawClient, request: bytes) -> tuple[list[bytes], bytes]:
    await client.send(request)
    head, body = await client.response()
    assert head.count(b"\r\nDate: ") == 1
    return lines_of(head), body


@asynccontextmanager
async def hosted(service: Service, body_timeout_ms: int) -> AsyncIterator[int]:
    host = HttpHost(Desk(service, RealClock(), Reports()), Conduct(body_timeout_ms=body_timeout_ms))
    server = await asyncio.get_running_loop().create_server(lambda: host.protocol(PEER), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await host.close(0)


async def test_a_response_has_the_services_headers_and_three_of_the_servers(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        served.service.answer = HttpResponse(403, (("x-amzn-RequestId", "1"), ("x-a", "b"), ("x-a", "c")), b"no")
        for _ in range(3):
            assert await ask(client, GET) == (
                [
                    b"HTTP/1.1 403 Forbidden", b"x-amzn-RequestId: 1", b"x-a: b", b"x-a: c",
                    b"Content-Length: 2", b"Connection: keep-alive",
                ],
                b"no",
            )  # fmt: skip


async def test_an_answer_without_a_body_gets_no_type(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        served.service.answer = HttpResponse(410)
        assert await ask(client, GET) == (
            [b"HTTP/1.1 410 Gone", b"Content-Length: 0", b"Connection: keep-alive"],
            b"",
        )


async def test_204_has_no_length_and_the_connection_goes_on(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        served.service.answer = HttpResponse(204)
        await client.send(GET)
        assert lines_of(await client.head()) == [b"HTTP/1.1 204 No Content", b"Connection: keep-alive"]
        served.service.answer = HttpResponse(200, (), b"next")
        assert (await ask(client, GET))[1] == b"next"


async def test_head_gets_the_length_alone(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        await client.send(GET.replace(b"GET", b"HEAD") + GET)
        assert b"Content-Length: 5" in await client.head()
        assert (await client.response())[1] == b"hello"


async def test_a_request_is_what_was_sent(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        lines = b"hOST: h:1\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n"
        raw = b"POST /prod/%40connections/a%3D?x=%20&x HTTP/1.1\r\n" + lines + b"\r\n"
        await ask(client, raw)
        await ask(client, raw.replace(b"/prod", b"http://h:1/prod"))
        for asked in served.service.asked:
            assert (asked.method, asked.raw_path, asked.query) == ("POST", "/prod/%40connections/a%3D", "x=%20&x")
            assert asked.headers == (("hOST", "h:1"), ("X-A", "1"), ("x-a", "2"), ("Content-Length", "0"))
            assert (asked.host, asked.source_ip, asked.body) == ("h:1", "127.0.0.1", b"")


async def test_a_compressed_body_stays_as_it_was_signed(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        body = gzip.compress(b"x" * 100)
        await ask(client, post(body, b"Content-Encoding: gzip"))
        assert served.service.asked[0].body == body


async def test_a_chunked_body_is_joined(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        for piece in (CHUNKED, b"3\r\nabc\r\n", b"2\r\nde\r\n"):
            await client.send(piece)
        assert (await ask(client, b"0\r\n\r\n"))[1] == b"hello"
        assert served.service.asked[0].body == b"abcde"


async def test_requests_sent_at_once_are_answered_in_order(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        await client.send(post(b"1") + post(b"2") + GET)
        for _ in range(3):
            await client.response()
        assert [asked.body for asked in served.service.asked] == [b"1", b"2", b""]


@pytest.mark.parametrize("later", [False, True])
async def test_a_client_that_waits_is_told_to_continue(serving: Serving, later: bool) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        if later:
            await ask(client, GET)
        await client.send(post(b"", b"Expect: 100-continue").replace(b"Content-Length: 0", b"Content-Length: 4"))
        assert await client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await ask(client, b"body"))[1] == b"hello"
        assert served.service.asked[-1].body == b"body"


async def test_an_old_client_cannot_wait_and_is_not_told(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        request = post(b"body", b"Expect: 100-continue").replace(b"HTTP/1.1", b"HTTP/1.0")
        assert (await ask(client, request))[1] == b"hello"
        assert served.service.asked[0].body == b"body"


async def test_another_expectation_fails(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        lines, _ = await ask(client, post(b"", b"Expect: miracles"))
        assert lines[0] == b"HTTP/1.1 417 Expectation Failed"
        assert await client.rest() == b""
        assert served.service.asked == []


TOO_LARGE = [b"HTTP/1.1 413 Request Entity Too Large", b"Content-Length: 0", b"Connection: keep-alive"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_too_large_a_body_is_the_services_to_answer_and_the_connection_goes_on(
    serving: Serving, chunked: bool
) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        size = served.service.max_body_bytes + 1
        request = post(b"x" * size)
        if chunked:
            request = CHUNKED + b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n"
        assert await ask(client, request) == (TOO_LARGE, b"")
        assert served.service.asked[0].body == b""
        assert (await ask(client, post(b"x" * (size - 1))))[1] == b"hello"
        assert len(served.service.asked[1].body) == size - 1


async def test_a_client_that_waits_is_not_asked_for_too_large_a_body(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        head = post(b"", b"Expect: 100-continue").replace(b"Content-Length: 0", b"Content-Length: 9999")
        lines, _ = await ask(client, head)
        assert lines[0] == TOO_LARGE[0]
        assert lines[-1] == b"Connection: close"


@pytest.mark.parametrize(
    ("version", "header", "kept"),
    [
        (b"1.1", b"Connection: close", False),
        (b"1.0", b"X: y", False),
        (b"1.0", b"Connection: keep-alive", True),
    ],
)
async def test_the_connection_lives_as_long_as_the_client_wants(
    serving: Serving, version: bytes, header: bytes, kept: bool
) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        lines, _ = await ask(client, b"GET /a HTTP/%b\r\nHost: h\r\n%b\r\n\r\n" % (version, header))
        assert lines[-1] == (b"Connection: keep-alive" if kept else b"Connection: close")
        if kept:
            await ask(client, GET)
        else:
            assert await client.rest() == b""


async def test_an_error_in_a_service_is_a_500_and_one_report(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        served.service.error = ValueError("secret")
        lines, body = await ask(client, GET)
        assert lines == [
            b"HTTP/1.1 500 Internal Server Error",
            b"content-type: application/json",
            b"Content-Length: 35",
            b"Connection: keep-alive",
        ]
        assert body == b'{"message":"Internal server error"}'
        (report,) = served.reports.failures
        assert report.startswith("GET /a failed in Service: ValueError: secret (")
        served.service.error = None
        assert (await ask(client, GET))[1] == b"hello"


@pytest.mark.parametrize("garbage", [b"no request\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"])
async def test_garbage_behind_a_request_is_a_bad_request_that_names_no_software(
    serving: Serving, garbage: bytes
) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        await ask(client, GET)
        lines, body = await ask(client, garbage)
        assert lines[0] == b"HTTP/1.1 400 Bad Request"
        assert lines[-1] == b"Connection: close"
        assert not any(line.lower().startswith(b"server") for line in lines)
        assert body == b'{"message":"Bad Request"}'
        assert await client.rest() == b""
        assert served.reports.failures == []


async def test_a_body_that_is_broken_from_the_start_is_a_bad_request(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        lines, _ = await ask(client, CHUNKED + b"3\r\nabcXX zz\r\n")
        assert lines[0] == b"HTTP/1.1 400 Bad Request"
        assert await client.rest() == b""
        assert (served.service.asked, served.reports.failures) == ([], [])


async def test_a_body_that_breaks_on_its_way_is_given_up() -> None:
    service = Service()
    async with hosted(service, body_timeout_ms=50) as port, raw_client(port) as client:
        await client.send(CHUNKED + b"3\r\nab")
        lines, _ = await ask(client, b"cXX zz\r\n")
        assert lines[0] in (b"HTTP/1.1 400 Bad Request", b"HTTP/1.1 408 Request Timeout")  # however TCP cut it
        assert lines[-1] == b"Connection: close"
        assert service.asked == []


async def test_a_client_that_leaves_within_its_body_is_no_failure(serving: Serving) -> None:
    async with serving() as served:
        async with raw_client(served.port, served.trust) as client:
            await client.send(post(b"x" * 100)[:-50])
        async with raw_client(served.port, served.trust) as client:
            await ask(client, GET)
        assert len(served.service.asked) == 1
        assert served.reports.failures == []


async def test_a_body_that_does_not_come_is_given_up() -> None:
    async with hosted(Service(), body_timeout_ms=50) as port, raw_client(port) as client:
        lines, _ = await ask(client, post(b"x" * 100)[:-50])
        assert lines[0] == b"HTTP/1.1 408 Request Timeout"
        assert lines[-1] == b"Connection: close"


@pytest.mark.parametrize("request_", [GET, post(b"hi")], ids=["GET", "POST"])
async def test_what_was_asked_for_goes_on_without_whoever_asked(serving: Serving, request_: bytes) -> None:
    """A broadcast's caller that gives up has not called it back."""
    async with serving() as served:
        ended = asyncio.Event()
        served.service.release, served.service.ended = asyncio.Event(), ended.set
        async with raw_client(served.port, served.trust) as client:
            await client.send(request_)
            await until(lambda: served.service.asked)
        async with raw_client(served.port, served.trust) as other:  # by when its end was read
            served_now, served.service.release = served.service.release, None
            await ask(other, GET)
        served_now.set()
        await until(ended.is_set)
        assert served.reports.failures == []


async def test_closing_lets_a_running_request_end(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        served.service.release = asyncio.Event()
        await client.send(GET)
        await until(lambda: served.service.asked)
        closing = asyncio.create_task(served.door.close(10))
        await asyncio.sleep(0)
        served.service.release.set()
        assert (await client.response())[1] == b"hello"
        await closing


async def test_closing_does_not_wait_longer_than_told(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        served.service.release = asyncio.Event()
        await client.send(GET)
        await until(lambda: served.service.asked)
        await served.door.close(0.01)
        assert await client.rest() == b""


async def test_a_handshake_on_a_connection_that_served_requests_is_one(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        await ask(client, GET)
        await ask(client, post(b"x" * 100))
        served.conversations.echo()
        await client.open()
        conversation = await served.conversations.first()
        assert (conversation.handshake.path, conversation.handshake.port) == ("/prod", served.port)
        await client.send(client_frame(1, b"hi") + client_frame(8))
        assert [bytes(frame.data) for frame in await client.frames()] == [b"hi", b""]
        assert conversation.heard == [("message", "hi"), ("peer_closed", None, "")]


async def test_a_malformed_handshake_on_such_a_connection_is_refused(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        await ask(client, GET)
        lines, _ = await ask(client, HANDSHAKE.replace(b"Version: 13", b"Version: 7"))
        assert lines[0] == b"HTTP/1.1 426 Upgrade Required"
        assert await client.rest() == b""


async def test_it_serves_a_real_client_over_tls() -> None:
    async with serving(tls=True) as served, aiohttp.ClientSession() as session:
        await exchange(served, session)


async def exchange(served: Served, session: aiohttp.ClientSession) -> None:
    url = f"https://127.0.0.1:{served.port}/x"
    for body in (b"", b"x" * 1_000):
        async with session.post(url, data=body, ssl=served.trust or True) as answer:
            assert (answer.status, await answer.read()) == (200, b"hello")
    assert [asked.body for asked in served.service.asked] == [b"", b"x" * 1_000]
