"""Posts by both shells: what leaves is the same to the byte, whichever reads them."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import replace

import pytest

from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.limits import MAX_HEAD_BYTES, Limits
from gateway.server.lot import WRITE, Lot
from gateway.server.parked_requests import ParkedRequests
from gateway.server.parked_stream import ParkedStream
from raw_client import HANDSHAKE, RawClient, raw_client
from server_fakes import QUICK, Served, Serving, is_reading, until
from server_fakes import serving as any_serving
from wire_frames import client_frame

TARGET = b"/prod/@connections/L0SM9cOFvHcCIAg%3D"
GET = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"


def post(body: bytes = b"hi", *headers: bytes, target: bytes = TARGET, version: bytes = b"1.1") -> bytes:
    lines = [b"POST %b HTTP/%b" % (target, version), b"Host: h", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


CLOSING = b"Connection: close"
CHUNKED = post(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
TOO_LARGE = b"x" * 1_001

# Each is everything a client sends before it ends its stream; the last request always asks to close.
STREAMS = {
    "plain": post(b"hi", CLOSING),
    "empty": post(b"", CLOSING),
    "no length": post(b"", CLOSING).replace(b"Content-Length: 0\r\n", b""),
    "encoded": post(b"hi", CLOSING, target=b"/prod/%40connections/x?a=b&c"),
    "for many": post(b"hi", CLOSING, target=b"/prod/@fleet/post"),
    "absolute": post(b"hi", CLOSING, target=b"http://h/prod/@connections/x"),
    "beyond ASCII": post(b"hi", CLOSING, target=b"/pr\xc3\xb6d/@connections/x"),
    "pipelined": post(b"1") + post(b"2", b"Connection: keep-alive") + post(b"3", CLOSING),
    "mixed": post(b"1") + GET + post(b"2") + GET.replace(b"GET", b"DELETE") + post(b"3", CLOSING),
    "spaces": post(b"hi", b"X-A:   padded\t ", b"x-b:", CLOSING),
    "latin": post(b"hi", b"X-A: caf\xe9 \xc3\xa9", CLOSING),
    "twice": post(b"hi", b"X-A: 1", b"x-a: 2", CLOSING),
    "old": post(b"hi", version=b"1.0"),
    "old but kept": post(b"1", b"Connection: keep-alive", version=b"1.0") + post(b"2", CLOSING),
    "chunked": CHUNKED + b"2\r\nhi\r\n3\r\n yo\r\n0\r\n\r\n" + post(b"", CLOSING),
    "expecting": post(b"hi", b"Expect: 100-continue") + post(b"", CLOSING),
    "expecting more": post(b"hi", b"Expect: miracles"),
    "too large": post(TOO_LARGE) + post(b"hi", CLOSING),
    "largest": post(b"x" * 1_000, CLOSING),
    "no host": post(b"hi", CLOSING).replace(b"Host: h\r\n", b""),
    "two hosts": post(b"hi", b"Host: i", CLOSING),
    "two lengths": post(b"hi", b"Content-Length: 2", CLOSING),
    "bad length": post(b"hi", CLOSING).replace(b": 2", b": +2"),
    "a blank line before": b"\r\n" + post(b"1") + b"\r\n" + post(b"2", CLOSING),
    "garbage behind": post(b"1") + b"no request\r\n\r\n",
    "noise behind": post(b"1") + b"\x16\x03\x01\x02\r\n\r\n",
    "a bad line behind": post(b"1") + b"POST / HTTP/1.1\r\nno colon\r\n\r\n",
    "too long a line behind": post(b"1") + b"GET / HTTP/1.1\r\nA: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n",
    "a bad handshake behind": post(b"1") + HANDSHAKE.replace(b"Version: 13", b"Version: 7"),
}

BROKEN_BEHIND = {"garbage behind", "noise behind", "a bad line behind", "too long a line behind"}


def undated(data: bytes) -> bytes:
    return re.sub(rb"\r\nDate: [^\r]+ GMT\r\n", b"\r\nDate: *\r\n", data)


async def said(stream: bytes, piece: int, parks: bool, tls: bool = False) -> tuple[bytes, list[HttpRequest], list[str]]:
    """Everything a shell answers to ``stream``, sent in pieces, and what its service heard."""
    async with any_serving(parks=parks, tls=tls) as served, raw_client(served.port, served.trust) as client:
        served.service.answer = HttpResponse(200, (("x-amzn-RequestId", "1"), ("Upgrade", "x")), b"yes")
        for start in range(0, len(stream), piece):
            client.send_later(stream[start : start + piece])
            await asyncio.sleep(0)
        answers, asked = undated(await client.rest()), served.service.asked
        assert {each.secure for each in asked} <= {tls}
        return answers, [replace(each, secure=False) for each in asked], served.reports.failures


@pytest.mark.parametrize("piece", [7, 100_000])
@pytest.mark.parametrize("name", STREAMS)
async def test_both_shells_answer_alike(name: str, piece: int) -> None:
    if name in BROKEN_BEHIND:
        piece = 7  # aiohttp forgets the good request when the broken one comes with it
    parked = await said(STREAMS[name], piece, parks=True)
    transport = await said(STREAMS[name], piece, parks=False)
    assert parked[0].startswith(b"HTTP/1.1 ")
    assert parked == transport
    assert parked == await said(STREAMS[name], piece, parks=True, tls=True)


async def ask(client: RawClient, request: bytes) -> tuple[bytes, bytes]:
    await client.send(request)
    return await client.response()


async def test_a_plain_post_stays_parked_and_the_service_gets_it_whole(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        for body in (b"one", b"x" * 1_000):
            head, answer = await ask(client, post(body, b"X-A: b"))
            assert head.startswith(b"HTTP/1.1 200 OK\r\nDate: ")
            assert answer == b"hello"
        asked = served.service.asked[0]
        assert asked.headers == (("Host", "h"), ("Content-Length", "3"), ("X-A", "b"))
        assert (asked.raw_path.encode(), asked.body, asked.host, asked.source_ip) == (TARGET, b"one", "h", "127.0.0.1")
        assert served.shells == len(served.door._yards)


async def test_a_body_comes_in_as_many_pieces_as_it_likes(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        raw = post(b"0123456789")
        for place in range(len(raw)):
            await client.send(raw[place : place + 1])
            await asyncio.sleep(0)
        assert (await client.response())[1] == b"hello"
        assert served.service.asked[0].body == b"0123456789"


class Numbered:
    """A service that answers with the body it got, each when the test lets it."""

    max_body_bytes = 1_000

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.release = asyncio.Event()

    async def handle(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request.body)
        if request.body.startswith(b"slow"):
            await self.release.wait()
        return HttpResponse(200, (), request.body)

    def too_large(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(413)


async def test_answers_leave_in_order_though_one_is_awaited(serving: Serving) -> None:
    service = Numbered()
    async with serving(service=service) as served, raw_client(served.port, served.trust) as client:
        await client.send(post(b"1") + post(b"slow") + post(b"2") + GET + post(b"slow too", CLOSING))
        await until(lambda: b"slow" in service.asked)
        assert (await client.response())[1] == b"1"
        assert service.asked == [b"1", b"slow"], "nothing behind it is asked before it is answered"
        service.release.set()
        for body in (b"slow", b"2", b"", b"slow too"):
            assert (await client.response())[1] == body
        assert await client.rest() == b""
        assert served.reports.failures == []


async def test_bytes_that_come_while_an_answer_is_awaited_are_read_afterwards(serving: Serving) -> None:
    service = Numbered()
    async with serving(service=service) as served, raw_client(served.port, served.trust) as client:
        await client.send(post(b"slow"))
        await until(lambda: service.asked)
        await client.send(post(b"2"))
        service.release.set()
        assert [(await client.response())[1] for _ in range(2)] == [b"slow", b"2"]
        assert served.reports.failures == []


@pytest.mark.parametrize("leave", [RawClient.leave, RawClient.reset])
async def test_a_client_that_leaves_while_its_answer_is_awaited_is_no_failure(serving: Serving, leave: object) -> None:
    service = Numbered()
    async with serving(service=service) as served:
        async with raw_client(served.port, served.trust) as client:
            await client.send(post(b"slow"))
            await until(lambda: service.asked)
            leave(client)  # type: ignore[operator]
        service.release.set()
        await until(lambda: served.shells == 0)
        async with raw_client(served.port, served.trust) as client:
            assert (await ask(client, post(b"fine")))[1] == b"fine"
        assert served.reports.failures == []


async def test_an_error_in_a_service_is_a_500_and_one_report(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        served.service.error = ValueError("secret")
        head, body = await ask(client, post())
        assert head.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
        assert body == b'{"message":"Internal server error"}'
        (report,) = served.reports.failures
        assert report.startswith(f"POST {TARGET.decode()} failed in Service: ValueError: secret (")
        served.service.error = None
        assert (await ask(client, post()))[1] == b"hello"


async def test_closing_lets_a_running_post_end(serving: Serving) -> None:
    service = Numbered()
    async with serving(service=service) as served, raw_client(served.port, served.trust) as client:
        await client.send(post(b"slow"))
        await until(lambda: service.asked)
        closing = asyncio.create_task(served.door.close(10))
        await asyncio.sleep(0)
        service.release.set()
        assert (await client.response())[1] == b"slow"
        await closing
        assert await client.rest() == b""


async def test_closing_does_not_wait_longer_than_told(serving: Serving) -> None:
    service = Numbered()
    async with serving(service=service) as served, raw_client(served.port, served.trust) as client:
        await client.send(post(b"slow"))
        await until(lambda: service.asked)
        await served.door.close(0.01)
        with suppress(ConnectionResetError):
            assert await client.rest() == b""


async def test_a_client_that_does_not_read_its_answers_is_not_read_and_not_served() -> None:
    async with any_serving() as served, raw_client(served.port, served.trust) as client:
        client.deafen()
        served.service.answer = HttpResponse(200, (), b"x" * 100_000)
        client.send_later(post() * 5_000)
        await until(lambda: len(lot_of(served)))
        (parked,) = [each for each in lot_of(served)._by_fd if each is not None]
        await until(lambda: parked.out is not None)
        asked = len(served.service.asked)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(served.service.asked) == asked < 5_000
        assert parked.wants == WRITE


def lot_of(served: Served) -> Lot:
    return served.door._yards[0].lot


# -- the connection ----------------------------------------------------------------------------------------------------


async def test_an_idle_connection_is_closed_in_time_without_a_word(serving: Serving) -> None:
    async with serving(keep_alive_ms=300) as served, raw_client(served.port, served.trust) as client:
        await ask(client, post())
        assert await client.rest() == b""
        await until(lambda: served.shells == 0)


async def test_a_body_that_does_not_come_is_given_up(serving: Serving) -> None:
    async with serving(body_timeout_ms=300) as served, raw_client(served.port, served.trust) as client:
        await client.send(post(b"x" * 100)[:-50])
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert b"\r\nConnection: close\r\n" in head
        assert served.service.asked == []


async def test_a_later_head_that_never_ends_is_given_up() -> None:
    async with any_serving(QUICK) as served, raw_client(served.port, served.trust) as client:
        await ask(client, post())
        await client.send(b"POST /")
        assert (await client.head()).startswith(b"HTTP/1.1 408 ")


async def test_blank_lines_behind_a_post_do_not_begin_a_head() -> None:
    async with any_serving(QUICK) as served, raw_client(served.port, served.trust) as client:
        await ask(client, post() + b"\r\n")
        await client.send(b"\r\n\r")
        (parked,) = [each for each in lot_of(served)._by_fd if each is not None]
        assert isinstance(parked, ParkedRequests)
        assert parked._raw == b""
        assert (await ask(client, b"\n" + post()))[1] == b"hello"


async def test_an_awaited_answer_has_no_deadline_of_the_wire(serving: Serving) -> None:
    service, limits = Numbered(), Limits(head_timeout_ms=1, close_timeout_ms=1)
    async with (
        serving(limits, service=service, keep_alive_ms=600_000) as served,
        raw_client(served.port, served.trust) as client,
    ):
        await client.send(post(b"slow"))
        await until(lambda: service.asked)
        door = served.door._door
        if served.door._yards:
            assert len(door._wheel) == 0
        service.release.set()
        assert (await client.response())[1] == b"slow"


async def test_a_client_that_leaves_within_its_body_leaves_nothing_behind(serving: Serving) -> None:
    async with serving() as served:
        async with raw_client(served.port, served.trust) as client:
            await client.send(post(b"x" * 100)[:-50])
            await until(lambda: served.shells or not served.door._yards)
        await until(lambda: served.shells == 0)
        assert (served.service.asked, served.reports.failures) == ([], [])


async def test_a_handshake_behind_posts_is_one_and_stays_parked() -> None:
    async with any_serving() as served, raw_client(served.port, served.trust) as client:
        await ask(client, post())
        served.conversations.echo()
        await client.open()
        conversation = await served.conversations.first()
        assert isinstance(conversation.socket, ParkedStream)
        assert is_reading(conversation.socket)
        await client.send(client_frame(1, b"hi") + client_frame(8))
        assert [bytes(frame.data) for frame in await client.frames()] == [b"hi", b""]


async def test_a_connection_that_was_handed_over_is_served_to_its_end() -> None:
    async with any_serving() as served, raw_client(served.port, served.trust) as client:
        for request in (post(), GET, post(), post(b"x" * 500)):
            assert (await ask(client, request))[1] == b"hello"
        assert (len(served.service.asked), served.shells) == (4, 0)
        await client.open()
        assert not isinstance((await served.conversations.first()).socket, ParkedStream)
