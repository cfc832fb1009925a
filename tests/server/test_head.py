from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.counters import Counters, Limit
from gateway.model.http import HttpResponse
from gateway.model.limits import MAX_HEAD_BYTES, MAX_HEAD_COUNT, Limits
from gateway.server.head import Head, read_head
from gateway.server.lot import CAN_PARK
from gateway.server.parked_requests import ParkedRequests
from gateway.server.refusals import BAD_REQUEST, HEAD_TOO_LARGE
from gateway.wire.http import RequestHead
from raw_client import ACCEPT, HANDSHAKE, begin_tls, raw_client
from server_fakes import QUICK, Served, Serving, until
from server_fakes import serving as any_serving
from wire_frames import client_frame

GET = b"GET /x?y HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_a_head_keeps_order_and_case() -> None:
    raw = b"GET /a%20b?c HTTP/1.1\r\nhOST: x\r\nA: \xe9\r\na:  2\r\n\r\n"
    assert read_head(raw) == RequestHead("GET", "/a%20b?c", "1.1", (("hOST", "x"), ("A", "\xe9"), ("a", "2")))


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nA : 1\r\n\r\n",
        b"GET / HTTP/7.7\r\n\r\n",
        b"NOSUCH / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: \x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
    ],
)
def test_what_is_no_head_is_a_bad_request(raw: bytes) -> None:
    assert read_head(raw) == BAD_REQUEST


def test_the_number_of_header_lines_is_limited() -> None:
    lines = b"a: b\r\n" * MAX_HEAD_COUNT
    assert isinstance(read_head(b"GET / HTTP/1.1\r\n" + lines + b"\r\n"), RequestHead)
    assert read_head(b"GET / HTTP/1.1\r\n" + lines + b"a: b\r\n\r\n") == HEAD_TOO_LARGE


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda data: b"GET / HTTP/1.1\r\n" + data)))
def test_no_bytes_make_the_reader_raise(data: bytes) -> None:
    assert isinstance(read_head(data + b"\r\n\r\n"), RequestHead | HttpResponse)


def test_a_waiting_head_has_no_dictionary() -> None:
    assert not hasattr(Head.__new__(Head), "__dict__")


async def test_a_handshake_that_comes_byte_by_byte_is_one(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        for place in range(len(HANDSHAKE)):
            await client.send(HANDSHAKE[place : place + 1])
            await asyncio.sleep(0)
        assert f"sec-websocket-accept: {ACCEPT}\r\n".encode() in await client.head()
        conversation = await served.conversations.first()
        assert conversation.handshake.headers[0] == ("Host", "localhost")
        assert conversation.handshake.source_ip == "127.0.0.1"
        assert conversation.handshake.port == served.port
        assert conversation.handshake.secure is (served.trust is not None)


async def test_empty_lines_before_a_head_are_ignored(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        await client.send(b"\r\n\r\n" + HANDSHAKE)
        assert (await client.head()).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("cut", [1, 20, len(GET) - 1, len(GET)])
async def test_whatever_is_no_handshake_reaches_the_service_as_it_was_sent(serving: Serving, cut: int) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        raw = GET.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nX-Y: z\r\nContent-Length: 10\r\n\r\n0123456789")
        await client.send(raw[:cut])
        await until(lambda: served.shells)
        await client.send(raw[cut:])
        head, body = await client.response()
        assert (head.split(b"\r\n")[0], body) == (b"HTTP/1.1 200 OK", b"hello")
        (asked,) = served.service.asked
        assert (asked.method, asked.raw_path, asked.query, asked.body) == ("POST", "/x", "y", b"0123456789")
        assert asked.headers == (("Host", "localhost"), ("X-Y", "z"), ("Content-Length", "10"))
        assert served.shells == 0


async def test_another_upgrade_is_an_ordinary_request(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        await client.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"))
        await client.response()
        assert len(served.service.asked) == 1


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (b"hello\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * MAX_HEAD_BYTES, b"431"),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 201 + b"\r\n", b"431"),
        (HANDSHAKE.replace(b"Version: 13", b"Version: 8"), b"426"),
        (HANDSHAKE.replace(b"Connection: Upgrade", b"Connection: close"), b"400"),
    ],
)
async def test_what_cannot_be_served_is_answered_and_the_connection_closed(
    serving: Serving, sent: bytes, status: bytes
) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        await client.send(sent)
        head, body = await client.response()
        assert head.startswith(b"HTTP/1.1 " + status)
        assert b"\r\nConnection: close" in head
        assert body.startswith(b'{"message":"')
        assert await client.rest() == b""
        client.leave()
        await until(lambda: served.shells == 0)
        assert served.conversations.all == []
        assert served.service.asked == []


async def test_the_answer_arrives_though_the_client_goes_on_sending(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        client.send_later(b"GET / HTTP/1.1\r\nA: " + b"x" * 4_000_000)
        assert (await client.head()).startswith(b"HTTP/1.1 431 ")


async def test_a_head_that_never_ends_is_given_up(serving: Serving) -> None:
    async with serving(QUICK) as served, raw_client(served.port, served.trust) as client:
        await client.send(b"GET / HTTP/1.1\r\nA: ")
        assert (await client.head()).startswith(b"HTTP/1.1 408 ")


async def test_a_client_that_never_says_anything_is_left_without_a_word(serving: Serving) -> None:
    async with serving(QUICK) as served, raw_client(served.port, served.trust) as client:
        with suppress(ConnectionResetError):
            assert await client.rest() == b""
        await until(lambda: served.shells == 0)


async def test_a_client_that_stays_after_its_refusal_is_dropped(serving: Serving) -> None:
    async with serving(QUICK) as served, raw_client(served.port, served.trust) as client:
        await client.send(b"\x00")
        await client.response()
        await until(lambda: served.shells == 0)


async def test_a_client_that_leaves_within_its_head_leaves_nothing_behind(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        await client.send(b"GET / HT")
        await until(lambda: served.shells)
        client.leave()
        await until(lambda: served.shells == 0)


@pytest.mark.parity("P-036")
async def test_frames_sent_with_the_handshake_are_read_after_the_accept(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        served.conversations.hold()
        await client.send(HANDSHAKE + client_frame(1, b"early"))
        conversation = await served.conversations.first()
        assert conversation.heard == []
        conversation.socket.accept(None)
        await conversation.hears("message", "early")


async def test_frames_sent_with_a_handshake_that_is_accepted_at_once_are_read(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        await client.send(HANDSHAKE + client_frame(1, b"early") + client_frame(1, b"bird")[:3])
        conversation = await served.conversations.first()
        await conversation.hears("message", "early")
        await client.send(client_frame(1, b"bird")[3:])
        await conversation.hears("message", "bird")


HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"  # the beginning of TLS, whose rest never comes
BOTH_SHELLS = pytest.mark.parametrize("parks", [True, False], ids=["parked", "transport"])
HANDSHAKE_FIRST, HEAD_FIRST = Limits(tls_handshake_timeout_ms=300), Limits(head_timeout_ms=300)


@BOTH_SHELLS
@pytest.mark.parametrize("sent", [b"", HELLO])
@pytest.mark.parametrize("limits", [HANDSHAKE_FIRST, replace(HEAD_FIRST, tls_handshake_timeout_ms=600)])
async def test_a_tls_handshake_that_never_ends_is_given_up(parks: bool, sent: bytes, limits: Limits) -> None:
    counters = Counters()
    async with (
        any_serving(limits, parks=parks, tls=True, counters=counters) as served,
        raw_client(served.port) as client,
    ):
        await client.send(sent)
        with suppress(ConnectionResetError):
            assert await client.rest() == b""
        await until(lambda: served.shells == 0)
        assert counters.exceeded[Limit.TLS_HANDSHAKE] == 1


@BOTH_SHELLS
async def test_a_head_may_take_longer_than_the_tls_handshake(parks: bool) -> None:
    async with (
        any_serving(HANDSHAKE_FIRST, parks=parks, tls=True) as served,
        raw_client(served.port, served.trust) as client,
        raw_client(served.port) as stalled,
    ):
        with suppress(ConnectionResetError):
            assert await stalled.rest() == b""  # the time for a handshake has passed
        await client.send(HANDSHAKE)
        assert (await client.head()).startswith(b"HTTP/1.1 101 ")


@pytest.mark.skipif(not CAN_PARK, reason="this system has no epoll")
async def test_a_head_that_never_ends_is_given_up_behind_a_late_handshake() -> None:
    limits = replace(HEAD_FIRST, tls_handshake_timeout_ms=3_600_000)
    async with any_serving(limits, tls=True) as served:
        assert served.trust is not None
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        try:
            await until(lambda: [one._awaits.name for one in parked_of(served)] == ["LATE_AGREEMENT"])
            client = await begin_tls(writer.transport, served.trust)
            await client.send(HANDSHAKE[:50])
            assert (await client.head()).startswith(b"HTTP/1.1 408 ")
        finally:
            writer.transport.abort()


def parked_of(served: Served) -> list[ParkedRequests[Any]]:
    (yard,) = served.door._yards
    return [each for each in yard.lot._by_fd if isinstance(each, ParkedRequests)]


@BOTH_SHELLS
async def test_a_head_that_never_ends_is_given_up_behind_a_long_handshake_time(parks: bool) -> None:
    async with (
        any_serving(HEAD_FIRST, parks=parks, tls=True) as served,
        raw_client(served.port, served.trust) as client,
    ):
        await client.send(HANDSHAKE[:50])
        assert (await client.head()).startswith(b"HTTP/1.1 408 ")
