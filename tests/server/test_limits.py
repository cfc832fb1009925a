"""What a stranger may not, against real sockets and every shell: each limit is gone beyond, and counted."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from gateway.counters import Counters, Limit
from gateway.model.limits import MAX_HEAD_BYTES, MAX_HEAD_COUNT, MAX_MESSAGE_BYTES, Limits
from gateway.server.lot import HIGH_WATER_BYTES
from gateway.server.websocket import WebSocketShell
from raw_client import HANDSHAKE, RawClient, raw_client
from server_fakes import QUICK, Conversation, Served, Service, Serving, is_reading, until
from wire_frames import client_frame

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
GET = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"
PLACE = b"/prod/@connections/L0SM9cOFvHcCIAg%3D"
TARGETS = [PLACE, b"/a"]  # what a shell of ours reads, and what aiohttp reads
MANY_LINES = b"GET /a HTTP/1.1\r\nHost: h\r\n" + b"a: %b\r\n" % (b"x" * 500) * 70  # each fine, too much together


def post(target: bytes, body: bytes, length: int) -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (target, length) + body


async def opened(served: Served, client: RawClient) -> Conversation:
    await client.open()
    return await served.conversations.first()


def messages(conversation: Conversation) -> list[str]:
    return [text for kind, text, *_ in conversation.heard if kind == "message"]


# -- requests ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "limit"),
    [
        (b"GET / HTTP/1.1\r\nA: " + b"x" * MAX_HEAD_BYTES, Limit.HEAD_BYTES),
        (MANY_LINES, Limit.HEAD_BYTES),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (MAX_HEAD_COUNT + 1) + b"\r\n", Limit.HEAD_COUNT),
    ],
)
async def test_a_head_that_is_too_large(serving: Serving, head: bytes, limit: Limit) -> None:
    counters = Counters()
    async with serving(counters=counters) as served, raw_client(served.port, served.trust) as client:
        client.send_later(head)
        assert (await client.head()).startswith(b"HTTP/1.1 431 ")
        assert counters.exceeded[limit] == 1


@pytest.mark.parametrize(
    "lines",
    [
        b"Transfer-Encoding: chunked\r\n",
        b"X: 1\r\nX: 2\r\nContent-Length: %d\r\n" % MAX_MESSAGE_BYTES,
    ],
)
async def test_a_body_that_comes_with_its_head_counts_for_no_head(serving: Serving, lines: bytes) -> None:
    """The last byte of a body and the next head in one read too."""
    counters, body = Counters(), b"x" * MAX_MESSAGE_BYTES
    if b"chunked" in lines:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    request = b"POST /a HTTP/1.1\r\nHost: h\r\n%b\r\n%b" % (lines, body)
    service = Service(MAX_MESSAGE_BYTES)
    async with (
        serving(counters=counters, service=service) as served,
        raw_client(served.port, served.trust) as client,
    ):
        for _ in range(2):
            client.send_later(request * 2)
            for _ in range(2):
                head, _ = await client.response()
                assert head.startswith(b"HTTP/1.1 200 "), head
        assert counters.exceeded[Limit.HEAD_BYTES] == 0


@pytest.mark.parametrize("first", [GET, post(PLACE, b"hi", 2)])
@pytest.mark.parametrize("end", [b"", b"\r\n"])
async def test_a_later_head_that_is_too_large(serving: Serving, first: bytes, end: bytes) -> None:
    counters = Counters()
    async with serving(counters=counters) as served, raw_client(served.port, served.trust) as client:
        await client.send(first)
        await client.response()
        client.send_later(MANY_LINES + end)
        assert (await client.head()).startswith(b"HTTP/1.1 431 ")
        assert counters.exceeded[Limit.HEAD_BYTES] == 1
        assert len(served.service.asked) == 1


@pytest.mark.parametrize("first", [b"", GET, post(PLACE, b"hi", 2)])
async def test_a_head_that_never_ends_whichever_it_is(serving: Serving, first: bytes) -> None:
    counters = Counters()
    async with serving(QUICK, counters=counters) as served, raw_client(served.port, served.trust) as client:
        if first:
            await client.send(first)
            await client.response()
        await client.send(GET[:-2])
        assert (await client.head()).startswith(b"HTTP/1.1 408 ")
        assert counters.exceeded[Limit.HEAD_TIMEOUT] == 1
        client.leave()
        await until(lambda: counters.sockets == 0)


async def test_empty_lines_behind_a_request_are_no_head(serving: Serving) -> None:
    counters = Counters()
    async with serving(QUICK, counters=counters) as served, raw_client(served.port, served.trust) as client:
        await client.send(GET + b"\r\n")
        await client.response()
        await client.send(b"\r\n")
        began = asyncio.get_running_loop().time()
        await until(lambda: asyncio.get_running_loop().time() - began > 2 * QUICK.head_timeout_ms / 1000)
        await client.send(GET)
        assert (await client.head()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("target", TARGETS)
async def test_a_body_that_never_ends(serving: Serving, target: bytes) -> None:
    counters = Counters()
    async with (
        serving(counters=counters, body_timeout_ms=300) as served,
        raw_client(served.port, served.trust) as client,
    ):
        await client.send(post(target, b"half", 8))
        assert (await client.head()).startswith(b"HTTP/1.1 408 ")
        assert counters.exceeded[Limit.BODY_TIMEOUT] == 1
        assert served.service.asked == []


@pytest.mark.parametrize("target", TARGETS)
async def test_a_body_that_is_too_large_is_refused_before_it_is_read(serving: Serving, target: bytes) -> None:
    counters = Counters()
    async with serving(counters=counters) as served, raw_client(served.port, served.trust) as client:
        await client.send(post(target, b"", 1_001))
        assert (await client.head()).startswith(b"HTTP/1.1 413 ")
        assert counters.exceeded[Limit.BODY_BYTES] == 1


@pytest.mark.parametrize("target", TARGETS)
async def test_a_chunked_body_is_counted_and_refused_once_it_is_too_large(serving: Serving, target: bytes) -> None:
    counters = Counters()
    async with serving(counters=counters) as served, raw_client(served.port, served.trust) as client:
        await client.send(b"POST %b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" % target)
        client.send_later(b"ff\r\n" + b"x" * 255 + b"\r\n" + (b"3e8\r\n" + b"x" * 1_000 + b"\r\n"))
        assert (await client.head()).startswith(b"HTTP/1.1 413 ")
        assert counters.exceeded[Limit.BODY_BYTES] == 1


@pytest.mark.parametrize("target", TARGETS)
async def test_who_does_not_read_the_answers_is_not_kept(serving: Serving, target: bytes) -> None:
    counters = Counters()
    async with (
        serving(QUICK, counters=counters, body_timeout_ms=300, keep_alive_ms=300) as served,
        raw_client(served.port, served.trust) as client,
    ):
        served.service.max_body_bytes = 100
        served.service.answer = type(served.service.answer)(200, (), b"x" * 1_000_000)
        client.deafen()
        client.send_later(post(target, b"", 0) * 200)
        await until(lambda: counters.exceeded[Limit.UNREAD_ANSWER] and not counters.sockets)


# -- how many --------------------------------------------------------------------------------------------------------


async def test_one_address_may_have_so_many_connections(serving_any: Serving) -> None:
    counters = Counters()
    async with serving_any(counters=counters, most_per_address=2) as served:
        async with raw_client(served.port, served.trust) as first, raw_client(served.port, served.trust) as second:
            for client in (first, second):
                await client.open()
            with suppress(OSError, EOFError):  # TLS: the handshake ends
                async with raw_client(served.port, served.trust) as third:
                    with suppress(ConnectionResetError):
                        assert await third.rest() == b""
            assert counters.exceeded[Limit.PER_ADDRESS] == 1
            await first.send(GET)  # no frame: whatever it is, it ends
            first.leave()
            await until(lambda: counters.sockets == 1)
            async with raw_client(served.port, served.trust) as fourth:
                await fourth.open()
        await until(lambda: counters.sockets == 0)
        assert len(served.conversations.all) == 3


@pytest.mark.parametrize("request_", [GET, HANDSHAKE, b"no request\r\n\r\n", post(PLACE, b"hi", 2)])
async def test_whatever_became_of_a_connection_it_is_counted_once(serving_any: Serving, request_: bytes) -> None:
    counters = Counters()
    async with serving_any(counters=counters, most_per_address=9) as served:
        async with raw_client(served.port, served.trust) as client:
            await client.send(request_)
            await client.head()
            assert (counters.accepts, counters.sockets) == (1, 1)
        await until(lambda: counters.sockets == 0)


async def test_a_full_node_accepts_nobody_until_somebody_goes(serving_any: Serving) -> None:
    counters = Counters()
    async with (
        serving_any(counters=counters, most_sockets=2) as served,
        raw_client(served.port, served.trust) as first,
        raw_client(served.port, served.trust) as second,
    ):
        for client in (first, second):
            await client.open()
        waiting = asyncio.ensure_future(_opens(served))
        await until(lambda: counters.paused == 1)
        assert not waiting.done()
        assert (counters.accepts, counters.accept_pauses) == (2, 1)
        second.leave()
        await waiting
        assert counters.accepts == 3


async def _opens(served: Served) -> None:
    async with raw_client(served.port, served.trust) as client:
        await client.open()


# -- how much --------------------------------------------------------------------------------------------------------


async def test_messages_over_the_rate_wait_and_none_is_lost(serving_any: Serving) -> None:
    counters, limits = Counters(), Limits(messages_per_s=20)
    async with serving_any(limits, counters=counters) as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        sent = [str(number) for number in range(30)]
        await client.send(b"".join(client_frame(TEXT, text.encode()) for text in sent))
        await until(lambda: not is_reading(conversation.socket))
        assert messages(conversation) == sent[:20]
        assert counters.exceeded[Limit.MESSAGE_RATE] == 1
        await until(lambda: messages(conversation) == sent)
        await until(lambda: is_reading(conversation.socket))


async def test_bytes_over_the_rate_wait_and_none_is_lost(serving_any: Serving) -> None:
    counters, limits = Counters(), Limits(bytes_per_s=100_000)
    async with serving_any(limits, counters=counters) as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        sent = [chr(97 + number) * 30_000 for number in range(6)]
        client.send_later(b"".join(client_frame(TEXT, text.encode()) for text in sent))
        await until(lambda: not is_reading(conversation.socket))
        assert counters.exceeded[Limit.BYTE_RATE] == 1
        await until(lambda: messages(conversation) == sent)


async def test_pings_over_the_rate_are_answered_later(serving_any: Serving) -> None:
    counters, limits = Counters(), Limits(pings_per_s=20)
    async with serving_any(limits, counters=counters) as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        await client.send(client_frame(PING, b"12") * 30 + client_frame(TEXT, b"behind"))
        await until(lambda: not is_reading(conversation.socket))
        assert conversation.heard == []
        assert counters.exceeded[Limit.PING_RATE] == 1
        assert await client.read(30 * 4) == b"\x8a\x0212" * 30
        await conversation.hears("message", "behind")


async def test_parts_without_end_wait_like_bytes(serving_any: Serving) -> None:
    counters, limits = Counters(), Limits(bytes_per_s=1_000_000)
    async with serving_any(limits, counters=counters) as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        parts = client_frame(TEXT, b"a", fin=False) + client_frame(0, fin=False) * 60
        await client.send(parts + client_frame(0, b"b"))
        await until(lambda: counters.exceeded[Limit.BYTE_RATE])
        assert messages(conversation) == []
        await client.send(client_frame(TEXT, b"next"))
        await until(lambda: messages(conversation) == ["ab", "next"])


async def test_ever_so_many_frames_at_once_are_read_in_turns_and_all_of_them(serving_any: Serving) -> None:
    async with serving_any() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        parts = client_frame(TEXT, b"<", fin=False) + client_frame(0, b"-", fin=False) * 1_000 + client_frame(0, b">")
        client.send_later(parts + client_frame(PING) * 1_500 + client_frame(TEXT, b"end") + client_frame(CLOSE))
        assert await client.read(1_500 * 2) == b"\x8a\x00" * 1_500
        await conversation.hears("peer_closed", None, "")
        assert messages(conversation) == ["<" + "-" * 1_000 + ">", "end"]


@pytest.mark.parametrize("limits", [Limits(messages_per_s=1), Limits(bytes_per_s=1), Limits(pings_per_s=1)])
async def test_a_client_that_leaves_while_it_waits_is_lost_once(serving: Serving, limits: Limits) -> None:
    async with serving(limits) as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        await client.send((client_frame(TEXT, b"x") + client_frame(PING)) * 3)
        await until(lambda: not is_reading(conversation.socket))
        conversation.socket.abort()
        with suppress(ConnectionResetError):
            await client.rest()
        await until(lambda: served.shells == 0)
        assert served.door._door.meter is not None
        assert len(served.door._door.meter._waiting) == 0


async def test_what_was_read_with_the_message_that_is_one_too_many_waits_too(serving_any: Serving) -> None:
    async with serving_any() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)

        def hold_at_two(socket: object, text: str) -> None:
            if text == "2":
                conversation.socket.pause_reading()

        served.conversations.on_message = hold_at_two
        await client.send(b"".join(client_frame(TEXT, text) for text in (b"1", b"2", b"3", b"4")))
        await conversation.hears("message", "2")
        for _ in range(20):
            await asyncio.sleep(0)
        assert messages(conversation) == ["1", "2"]
        conversation.socket.resume_reading()
        await until(lambda: messages(conversation) == ["1", "2", "3", "4"])
        await client.send(client_frame(CLOSE))
        await conversation.hears("peer_closed", None, "")


# -- who does not read -----------------------------------------------------------------------------------------------


async def test_a_client_that_takes_nothing_is_closed_with_a_reason(serving: Serving) -> None:
    counters, limits = Counters(), Limits(slow_client_ms=300)
    async with serving(limits, counters=counters) as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        fill(client, conversation)
        await conversation.hears("violated", 1008, "Client is not reading")
        assert counters.exceeded[Limit.SLOW_CLIENT] == 1


async def test_a_client_that_takes_what_waits_for_it_stays(serving: Serving) -> None:
    async with serving(Limits(slow_client_ms=300)) as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        fill(client, conversation)
        assert len(served.door._door.unread) == 1
        client.listen()
        while served.door._door.unread:
            await client.some()
        assert conversation.heard == []


async def test_pings_of_a_client_that_never_reads_do_not_pile_up(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        client.deafen()
        client.send_later(client_frame(PING, b"p" * 125) * 60_000)
        await until(lambda: conversation.socket.buffered_bytes() > HIGH_WATER_BYTES)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not is_reading(conversation.socket)
        assert conversation.socket.buffered_bytes() <= HIGH_WATER_BYTES + 127


def fill(client: RawClient, conversation: Conversation) -> None:
    client.deafen()
    stream = conversation.socket
    assert isinstance(stream, WebSocketShell)
    while stream.buffered_bytes() <= HIGH_WATER_BYTES:
        stream.send_text(b"x" * 30_000)
