from __future__ import annotations

import asyncio
import gc
import zlib
from contextlib import suppress
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import connect
from websockets.frames import Frame, Opcode
from websockets.http11 import Response

from gateway.counters import Limit
from gateway.model.limits import MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, Limits
from gateway.server.websocket import WebSocketShell
from gateway.wire.prepared_message import PreparedMessage
from raw_client import HANDSHAKE, RawClient, raw_client
from server_fakes import QUICK, Conversation, Served, Serving, is_reading, serving, until
from wire_frames import client_frame

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
BYE = b"\x03\xe8probe-complete"


async def opened(served: Served, client: RawClient) -> Conversation:
    await client.open()
    return await served.conversations.first()


# -- the upgrade -------------------------------------------------------------------------------------------------------


async def test_an_independent_client_talks_through_it(serving_any: Serving) -> None:
    async with serving_any() as served:
        served.conversations.echo()
        async with connect(served.url, ssl=served.trust, compression=None) as client:
            for text in ("", "hello", "héllo 🎈" * 1_000, "x" * MAX_FRAME_BYTES):
                await client.send(text)
                assert await client.recv() == text
            await (await client.ping(b"p" * 125))
            await client.close(4001, "bye")
            assert (client.close_code, client.close_reason) == (4001, "bye")
        conversation = await served.conversations.first()
        assert conversation.heard[-1] == ("peer_closed", 4001, "bye")
        assert conversation.handshake.secure is (served.trust is not None)
        await until(lambda: served.shells == 0)


@pytest.mark.parity("P-029")
async def test_compression_is_agreed_on_with_a_client_that_offers_it(serving_any: Serving) -> None:
    async with serving_any() as served, connect(served.url, ssl=served.trust, compression="deflate") as client:
        served.conversations.echo()
        assert isinstance(client.response, Response)
        assert client.response.headers["sec-websocket-extensions"] == (
            "permessage-deflate;server_no_context_takeover;client_no_context_takeover"
        )
        for text in ("", "hello", "hello", "long enough to be worth it " * 100, "x" * MAX_MESSAGE_BYTES):
            await client.send(text)
            assert await client.recv() == text
        (conversation,) = served.conversations.all
        assert conversation.handshake.extensions[0].startswith("permessage-deflate")


async def test_compression_can_be_declined(serving: Serving) -> None:
    async with (
        serving(compresses=False) as served,
        connect(served.url, ssl=served.trust, compression="deflate") as client,
    ):
        served.conversations.echo()
        assert client.protocol.extensions == []
        await client.send("x" * 1_000)
        assert await client.recv() == "x" * 1_000


@pytest.mark.parity("P-200")
async def test_a_compression_bomb_closes_its_socket(serving: Serving) -> None:
    made = zlib.compressobj(wbits=-15)
    bomb = made.compress(bytes(30_000_000)) + made.flush(zlib.Z_SYNC_FLUSH)
    async with serving() as served, raw_client(served.port, served.trust) as client:
        await client.send(HANDSHAKE.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"))
        assert b"permessage-deflate" in await client.head()
        await client.send(client_frame(TEXT, bomb, rsv=4) + client_frame(CLOSE, BYE))
        (answer,) = await client.frames()
        assert answer.data == b"\x03\xf1Message too big"
        assert served.conversations.all[0].heard[0] == ("violated", 1009, "Message too big")


async def test_a_dormant_connection_keeps_nothing_of_what_it_compressed(serving: Serving) -> None:
    async with serving() as served, connect(served.url, ssl=served.trust, compression="deflate") as client:
        served.conversations.echo()
        await client.send("long enough to be worth it " * 100)
        await client.recv()
        shell = served.conversations.all[0].socket
        assert isinstance(shell, WebSocketShell)
        assert not any(type(kept).__module__ == "zlib" for kept in gc.get_referents(shell))
        assert (shell._window_bits, shell._rest, shell._message) == (15, None, None)


async def test_a_subprotocol_is_sent_when_one_was_chosen(serving: Serving) -> None:
    async with serving() as served:
        served.conversations.on_handshake = lambda socket: socket.accept("v2")
        async with connect(served.url, ssl=served.trust, subprotocols=["v1", "v2"]) as client:  # type: ignore[list-item]
            assert client.subprotocol == "v2"
            assert served.conversations.all[0].handshake.subprotocols == ("v1", "v2")


@pytest.mark.parity("P-067")
async def test_a_refusal_is_a_whole_response_and_the_end(serving_any: Serving) -> None:
    async with serving_any() as served, raw_client(served.port, served.trust) as client:
        served.conversations.refuse_all(403, [("content-type", "application/json"), ("x-amz-apigw-id", "id=")], b"{}")
        await client.send(HANDSHAKE)
        head, body = await client.response()
        assert [line.partition(b":")[0] for line in head.split(b"\r\n")] == [
            b"HTTP/1.1 403 Forbidden", b"Date", b"content-type", b"x-amz-apigw-id", b"Content-Length", b"Connection",
            b"", b"",
        ]  # fmt: skip
        assert b"\r\nConnection: keep-alive\r\n" in head
        assert body == b"{}"
        assert await client.rest() == b""
        client.leave()
        await until(lambda: served.shells == 0)
        assert served.conversations.all[0].heard == []


async def test_an_upgrade_may_be_refused_later_and_frames_sent_early_are_forgotten(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        served.conversations.hold()
        await client.send(HANDSHAKE + client_frame(TEXT, b"x" * 1_000))
        conversation = await served.conversations.first()
        conversation.socket.refuse(401, [], b"no")
        conversation.socket.accept(None)
        conversation.socket.abort()
        assert (await client.response())[1] == b"no"
        assert await client.rest() == b""
        assert conversation.heard == []


@pytest.mark.parametrize("leave", [RawClient.leave, RawClient.reset, RawClient.end])
async def test_a_client_that_leaves_while_its_upgrade_is_decided_is_lost_once(serving: Serving, leave: Any) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        served.conversations.hold()
        await client.send(HANDSHAKE)
        conversation = await served.conversations.first()
        leave(client)
        await conversation.ends()
        conversation.socket.accept(None)
        conversation.socket.refuse(500, [], b"")
        await until(lambda: served.shells == 0)
        assert conversation.heard == [("peer_lost",)]


async def test_a_flood_before_the_accept_is_bounded_and_complete_afterwards(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        served.conversations.hold()
        await client.send(HANDSHAKE)
        conversation = await served.conversations.first()
        frame = client_frame(TEXT, b"x" * 30_000)
        client.send_later(frame * 200)
        stream = conversation.socket
        assert isinstance(stream, WebSocketShell)
        await until(lambda: stream._rest is not None)
        for _ in range(20):
            await asyncio.sleep(0)
        assert stream._rest is not None
        assert len(stream._rest) <= 256 * 1024  # one read of asyncio
        stream.accept(None)
        await until(lambda: len(conversation.heard) == 200)
        assert set(conversation.heard) == {("message", "x" * 30_000)}


async def test_a_node_that_accepts_later_reads_what_came_early_in_order(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        served.conversations.hold()
        await client.send(HANDSHAKE)
        conversation = await served.conversations.first()
        await client.send(client_frame(TEXT, b"1") + client_frame(TEXT, b"2")[:4])
        stream = conversation.socket
        assert isinstance(stream, WebSocketShell)
        await until(lambda: stream._rest is not None)
        client.send_later(client_frame(TEXT, b"2")[4:] + client_frame(TEXT, b"3"))
        stream.accept(None)
        assert conversation.heard == []
        await until(lambda: len(conversation.heard) == 3)
        assert conversation.heard == [("message", "1"), ("message", "2"), ("message", "3")]


# -- messages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parity("P-203", "P-417")
async def test_a_ping_is_answered_with_its_payload_and_a_pong_is_not_heard_of(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        await client.send(client_frame(PONG, b"unasked") + client_frame(PING, b"p" * 125) + client_frame(PING))
        await client.send(client_frame(CLOSE))
        assert await client.frames() == [
            Frame(Opcode.PONG, bytearray(b"p" * 125)),
            Frame(Opcode.PONG, bytearray()),
            Frame(Opcode.CLOSE, bytearray()),
        ]
        assert conversation.heard == [("peer_closed", None, "")]


@pytest.mark.parity("P-206")
async def test_fragments_arrive_as_one_message(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        for place in range(4):
            opcode = TEXT if place == 0 else 0
            await client.send(client_frame(opcode, b"x" * MAX_FRAME_BYTES, fin=place == 3))
        await conversation.hears("message", "x" * MAX_MESSAGE_BYTES)


@pytest.mark.parity("P-184", "P-358")
async def test_a_long_message_leaves_in_frames_within_the_limit(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        conversation.socket.send_text("é".encode() * 40_000)
        await client.send(client_frame(CLOSE))
        *frames, _ = await client.frames()
        assert [frame.opcode for frame in frames] == [Opcode.TEXT, Opcode.CONT, Opcode.CONT]
        assert [len(frame.data) for frame in frames] == [32_768, 32_768, 14_464]


async def test_a_ping_flood_of_a_client_that_does_not_read_is_bounded(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        client.deafen()
        flood = client_frame(PING, b"p" * 125) * 100_000  # 13 MB
        client.send_later(flood)
        stream = conversation.socket
        assert isinstance(stream, WebSocketShell)
        await until(lambda: stream.buffered_bytes() and not is_reading(stream))
        for _ in range(50):
            await asyncio.sleep(0)
        assert 0 < stream.buffered_bytes() < 500_000


async def test_a_client_that_reads_again_is_read_again(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        stream = conversation.socket
        assert isinstance(stream, WebSocketShell)
        while is_reading(stream):
            stream.send_text(b"x" * MAX_FRAME_BYTES)
            await asyncio.sleep(0)
        assert stream.buffered_bytes() > 0
        client.send_later(client_frame(TEXT, b"still here") + client_frame(CLOSE))
        assert (await client.frames())[-1].opcode is Opcode.CLOSE
        assert conversation.heard == [("message", "still here"), ("peer_closed", None, "")]


async def test_a_client_that_the_node_holds_back_is_read_when_it_lets_go(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        served.conversations.on_message = lambda socket, text: socket.pause_reading()
        await client.send(client_frame(TEXT, b"one"))
        await conversation.hears("message", "one")
        await client.send(client_frame(TEXT, b"two"))
        stream = conversation.socket
        assert isinstance(stream, WebSocketShell)
        assert not is_reading(stream)
        stream.filled()
        stream.drained()
        assert not is_reading(stream), "a client that reads again is still held back"
        stream.resume_reading()
        await conversation.hears("message", "two")


async def test_a_busy_client_does_not_starve_another(serving: Serving) -> None:
    at_once = 256 * 1024  # bytes of one client that asyncio reads before another's turn; who is parked gives fewer
    message, heard = client_frame(TEXT, b"b" * 100), list[str]()
    async with serving() as served:
        served.conversations.on_message = lambda socket, text: heard.append(text)
        async with raw_client(served.port, served.trust) as busy, raw_client(served.port, served.trust) as other:
            await busy.open()
            await other.open()
            busy.send_later(message * 20_000)
            other.send_later(client_frame(TEXT, b"other"))
            await until(lambda: "other" in heard)
            assert heard.index("other") <= 2 * at_once // len(message)
            await until(lambda: len(heard) == 20_001)


# -- closing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parity("P-205", "P-408")
@pytest.mark.parametrize(
    ("payload", "code", "reason"),
    [(BYE, 1000, "probe-complete"), (b"", None, ""), (b"\x0f\xa1" + b"r" * 123, 4001, "r" * 123)],
    ids=["reason", "empty", "longest"],
)
async def test_a_close_is_echoed_whole_and_ends_the_connection(
    serving_any: Serving, payload: bytes, code: int | None, reason: str
) -> None:
    async with serving_any() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        await client.send(client_frame(CLOSE, payload) + client_frame(TEXT, b"late"))
        assert await client.frames() == [Frame(Opcode.CLOSE, bytearray(payload))]
        conversation.socket.send_text(b"too late")
        conversation.socket.close(1000, "too late")
        conversation.socket.abort()
        client.leave()
        await until(lambda: served.shells == 0)
        assert conversation.heard == [("peer_closed", code, reason)]


async def test_our_close_waits_for_the_clients(serving_any: Serving) -> None:
    async with serving_any() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        conversation.socket.close(1000, "Connection Closed Normally")
        conversation.socket.close(1001, "again")
        conversation.socket.send_text(b"nothing after a close")
        assert await client.read(30) == b"\x88\x1c\x03\xe8Connection Closed Normally"
        await client.send(client_frame(TEXT, b"on its way") + client_frame(PING) + client_frame(BINARY))
        await client.send(client_frame(CLOSE, BYE))
        assert await client.rest() == b""
        assert conversation.heard == [("peer_closed", 1000, "probe-complete")]


async def test_a_client_that_never_answers_our_close_is_aborted_by_the_node(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        conversation.socket.close(None, "")
        assert await client.read(2) == b"\x88\x00"
        conversation.socket.abort()
        with suppress(ConnectionResetError):
            assert await client.rest() == b""
        await until(lambda: served.shells == 0)
        assert conversation.heard == []


@pytest.mark.parametrize("closing", [False, True])
@pytest.mark.parametrize("leave", [RawClient.leave, RawClient.reset])
async def test_a_client_that_goes_without_a_close_frame_is_lost_once(
    serving_any: Serving, leave: Any, closing: bool
) -> None:
    async with serving_any() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        if closing:
            conversation.socket.close(1000, "")
        leave(client)
        await conversation.ends()
        conversation.socket.send_text(b"to nobody")
        conversation.socket.close(1000, "")
        conversation.socket.abort()
        assert conversation.socket.buffered_bytes() == 0
        await until(lambda: served.shells == 0)
        assert conversation.heard == [("peer_lost",)]


async def test_a_half_closed_client_is_lost_though_it_could_still_read(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        await client.send(client_frame(TEXT, b"last words"))
        client.end()
        await conversation.ends()
        await until(lambda: served.shells == 0)
        assert conversation.heard == [("message", "last words"), ("peer_lost",)]


async def test_a_client_that_does_not_take_our_last_bytes_is_dropped_in_time(serving: Serving) -> None:
    async with serving(QUICK) as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        client.deafen()
        stream = conversation.socket
        assert isinstance(stream, WebSocketShell)
        while not stream.buffered_bytes():
            stream.send_text(b"x" * MAX_FRAME_BYTES)
            await asyncio.sleep(0)
        client.send_later(client_frame(CLOSE))
        await conversation.ends()
        await until(lambda: served.shells == 0)
        assert conversation.heard == [("peer_closed", None, "")]


async def held_and_gone(served: Served, client: RawClient, end: bytes) -> Conversation:
    """A client that said more at once than the node takes, and then went without a word: the node takes one message
    at a time, and its next answer finds nobody."""
    served.conversations.on_message = lambda socket, text: socket.pause_reading()
    conversation = await opened(served, client)
    said = [client_frame(TEXT, b"%d" % number) + client_frame(PING) for number in range(40)]
    await client.send(b"".join(said) + end)
    await conversation.hears("message", "0")
    client.reset()

    def finds_nobody() -> bool:
        conversation.socket.send_text(b"answer")
        return served.shells == 0

    await until(finds_nobody)
    assert conversation.heard == [("message", "0")]
    assert conversation.socket.buffered_bytes() == 0
    return conversation


@pytest.mark.parametrize(
    ("end", "told"),
    [
        pytest.param(client_frame(CLOSE, BYE), ("peer_closed", 1000, "probe-complete"), id="with a close frame"),
        pytest.param(b"", ("peer_lost",), id="without"),
        pytest.param(client_frame(TEXT, b"never whole")[:7], ("peer_lost",), id="in the midst of a frame"),
    ],
)
async def test_what_was_read_is_told_before_the_loss_as_the_node_takes_it(
    serving_any: Serving, end: bytes, told: tuple[Any, ...]
) -> None:
    async with serving_any() as served, raw_client(served.port, served.trust) as client:
        conversation = await held_and_gone(served, client, end)
        for number in range(40):
            await conversation.hears("message", str(number))
            assert conversation.heard[-1] == ("message", str(number)), "one at a time"
            conversation.socket.resume_reading()
        await conversation.ends()
        assert [heard[-1] for heard in conversation.heard[:-1]] == [str(number) for number in range(40)]
        assert conversation.heard[-1] == told


async def test_nobody_who_is_lost_is_held_back_by_a_rate(serving_any: Serving) -> None:
    """Else a stranger's thousand pings would keep what is left of him for as many seconds."""
    async with serving_any(Limits(pings_per_s=0.01)) as served, raw_client(served.port, served.trust) as client:
        conversation = await held_and_gone(served, client, client_frame(CLOSE, BYE))
        served.conversations.on_message = lambda socket, text: None
        conversation.socket.resume_reading()
        await conversation.ends()
        assert conversation.heard[-1] == ("peer_closed", 1000, "probe-complete")


async def test_what_was_read_of_a_lost_client_is_nothing_once_the_node_has_closed(serving_any: Serving) -> None:
    async with serving_any() as served, raw_client(served.port, served.trust) as client:
        conversation = await held_and_gone(served, client, client_frame(CLOSE, BYE))
        conversation.socket.close(1000, "")
        assert conversation.heard == [("message", "0")], "not in the midst of what the node does"
        await conversation.ends()
        assert conversation.heard == [("message", "0"), ("peer_lost",)]


async def test_what_was_read_of_a_lost_client_is_nothing_once_the_node_has_dropped_it(serving_any: Serving) -> None:
    async with serving_any() as served, raw_client(served.port, served.trust) as client:
        conversation = await held_and_gone(served, client, client_frame(CLOSE, BYE))
        conversation.socket.abort()
        conversation.socket.resume_reading()
        for _ in range(20):
            await asyncio.sleep(0)
        assert conversation.heard == [("message", "0")]


async def test_a_lost_client_that_did_not_read_is_told_to_the_end(serving: Serving) -> None:
    """What held it back, unread answers, is over with its socket."""
    async with serving(Limits(slow_client_ms=60_000)) as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        served.conversations.on_message = lambda socket, text: socket.send_text(b"x" * 20_000_000)
        client.deafen()
        await client.send(client_frame(TEXT, b"1") + client_frame(TEXT, b"2") + client_frame(CLOSE, BYE))
        await conversation.hears("message", "1")
        assert conversation.heard == [("message", "1")]
        served.conversations.on_message = lambda socket, text: None
        client.reset()
        await conversation.ends()
        assert conversation.heard == [("message", "1"), ("message", "2"), ("peer_closed", 1000, "probe-complete")]
        assert not served.door._door.unread


# -- one message for many ----------------------------------------------------------------------------------------------


async def test_each_gets_a_message_for_many_as_it_has_agreed_to(serving_any: Serving) -> None:
    text = "long enough to be worth it " * 100
    async with (
        serving_any() as served,
        connect(served.url, ssl=served.trust, compression=None) as plain,
        connect(served.url, ssl=served.trust, compression="deflate") as packed,
        connect(served.url, ssl=served.trust, compression=None) as other,
    ):
        await until(lambda: len(served.conversations.all) == 3)
        sockets = [conversation.socket for conversation in served.conversations.all]
        for data in (text, "again"):
            assert sockets[0].send_to_each(sockets, PreparedMessage(data.encode()), MAX_MESSAGE_BYTES) == []
        for client in (plain, packed, other):
            assert [await client.recv(), await client.recv()] == [text, "again"]


async def test_a_message_for_many_is_not_sent_to_whom_too_much_waits_for(serving: Serving) -> None:
    async with (
        serving() as served,
        raw_client(served.port, served.trust) as slow,
        raw_client(served.port, served.trust) as client,
    ):
        await opened(served, slow)
        await client.open()
        await until(lambda: len(served.conversations.all) == 2)
        slow.deafen()
        behind, well = (conversation.socket for conversation in served.conversations.all)
        while not behind.buffered_bytes():
            behind.send_text(b"x" * MAX_FRAME_BYTES)
            await asyncio.sleep(0)
        waiting = behind.buffered_bytes()
        message = PreparedMessage(b"hi")
        assert well.send_to_each([well, behind], message, waiting + 1) == [behind]
        assert behind.buffered_bytes() == waiting
        assert well.send_to_each([behind, well], message, waiting + 2) == []
        assert behind.buffered_bytes() > waiting
        assert well.send_to_each([well], message, 1) == [well]
        client.send_later(client_frame(CLOSE, BYE))
        assert [frame.data for frame in await client.frames()] == [b"hi", b"hi", BYE]


async def test_a_message_for_many_is_nothing_to_who_has_closed(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        conversation.socket.close(1000, "")
        assert conversation.socket.send_to_each([conversation.socket], PreparedMessage(b"late"), 100) == []
        client.send_later(client_frame(CLOSE, BYE))
        assert [frame.opcode for frame in await client.frames()] == [Opcode.CLOSE]


# -- violations --------------------------------------------------------------------------------------------------------


@pytest.mark.parity("P-197", "P-198", "P-201", "P-202")
@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (client_frame(TEXT, b"a", masked=False), 1002),
        (client_frame(3), 1002),
        (client_frame(TEXT, b"\xff"), 1007),
        (client_frame(TEXT, b"x" * (MAX_FRAME_BYTES + 1)), 1009),
        (client_frame(TEXT, b"x" * 3_000_000), 1009),
        (client_frame(CLOSE, b"\x03"), 1002),
        (client_frame(BINARY, b"b"), 1003),
    ],
)
async def test_a_violation_is_answered_by_a_close_frame_that_arrives(serving: Serving, sent: bytes, code: int) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        client.send_later(sent + client_frame(TEXT, b"not heard") + client_frame(CLOSE, BYE))
        (frame,) = await client.frames()
        assert (frame.opcode, int.from_bytes(frame.data[:2], "big")) == (Opcode.CLOSE, code)
        client.leave()
        await conversation.ends()
        assert ("message", "not heard") not in conversation.heard
        assert conversation.heard[-1] == (("peer_lost",) if code == 1002 else ("peer_closed", 1000, "probe-complete"))


async def test_a_violation_over_tls_is_answered_by_a_close_frame() -> None:
    async with serving(tls=True) as served:
        async with connect(served.url, ssl=served.trust, compression=None) as client:
            await client.send("x" * (MAX_FRAME_BYTES + 1))
            with pytest.raises(websockets.ConnectionClosedError):
                async with asyncio.timeout(10):
                    await client.recv()
            assert (client.close_code, client.close_reason) == (1009, "Message too big")
        assert served.conversations.all[0].heard[1:] == [("peer_closed", 1009, "Message too big")]


async def test_a_violation_after_our_close_is_not_the_nodes_concern(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        conversation.socket.close(1000, "")
        await client.send(client_frame(3))
        assert await client.frames() == [Frame(Opcode.CLOSE, bytearray(b"\x03\xe8"))]
        client.leave()
        await conversation.ends()
        assert conversation.heard == [("peer_lost",)]


# -- surprises ---------------------------------------------------------------------------------------------------------


async def test_what_a_node_does_inside_a_call_holds_for_the_rest_of_the_same_read(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        served.conversations.on_message = lambda socket, text: socket.abort()
        conversation = await opened(served, client)
        await client.send(client_frame(TEXT, b"1") + client_frame(TEXT, b"2") + client_frame(CLOSE))
        await until(lambda: served.shells == 0)
        assert conversation.heard == [("message", "1")]


async def test_a_node_that_fails_loses_one_socket_and_no_other(serving: Serving) -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

    def fail(socket: object, text: str) -> None:
        raise RuntimeError("node")

    async with (
        serving() as served,
        raw_client(served.port, served.trust) as good,
        raw_client(served.port, served.trust) as bad,
    ):
        conversation = await opened(served, good)
        await bad.open()
        served.conversations.on_message = fail
        await bad.send(client_frame(TEXT, b"x"))
        await served.conversations.all[1].ends()
        served.conversations.on_message = lambda socket, text: None
        await good.send(client_frame(TEXT, b"fine"))
        await conversation.hears("message", "fine")
        assert served.conversations.all[1].heard == [("message", "x"), ("peer_lost",)]
        assert [str(context["exception"]) for context in reported] == ["node"]


async def test_a_close_before_the_accept_ends_the_connection(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        served.conversations.on_handshake = lambda socket: socket.close(1000, "")
        await client.send(HANDSHAKE)
        await until(lambda: served.conversations.all and served.shells == 0)
        assert served.conversations.all[0].heard == []


async def test_the_door_drops_what_is_left_and_the_node_hears_of_it(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        await served.door.close()
        await conversation.ends()
        assert conversation.heard == [("peer_lost",)]
        await until(lambda: served.shells == 0)


async def test_an_idle_connection_holds_no_task_and_no_timer(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        await opened(served, client)
        loop = asyncio.get_running_loop()
        await until(lambda: not served.door._door._wheel)
        tasks, timers = len(asyncio.all_tasks()), live_timers(loop)
        clients = [await asyncio.open_connection("127.0.0.1", served.port, ssl=served.trust) for _ in range(20)]
        for reader, writer in clients:
            writer.write(HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
        assert len(asyncio.all_tasks()) == tasks
        assert live_timers(loop) <= timers + 1  # the wheel's one, for heads
        for _, writer in clients:
            writer.transport.abort()


def live_timers(loop: asyncio.AbstractEventLoop) -> int:
    return sum(not handle.cancelled() for handle in loop._scheduled)  # type: ignore[attr-defined]


async def test_binary_is_sent_as_it_is(serving_any: Serving) -> None:
    sent = (b"", b"\xff\x00", bytes(range(256)) * 256)
    async with serving_any() as served, connect(served.url, ssl=served.trust) as client:
        conversation = await served.conversations.first()
        for data in sent:
            conversation.socket.send_binary(data)
            assert await client.recv() == data
        await client.close()
        await conversation.ends()
        conversation.socket.send_binary(b"late")


# -- pings of our own --------------------------------------------------------------------------------------------------


async def test_a_client_that_answers_no_ping_is_lost(serving: Serving) -> None:
    async with serving(Limits(ping_ms=40)) as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        (ping,) = await client.frames()
        assert (ping.opcode, bytes(ping.data)) == (Opcode.PING, b"")
        assert conversation.heard == [("peer_lost",)]
        assert served.door._door.counters.exceeded[Limit.PONG] == 1


@pytest.mark.parametrize("answer", [client_frame(PONG), client_frame(TEXT, b"x")])
async def test_whatever_a_client_says_is_an_answer(serving: Serving, answer: bytes) -> None:
    async with serving(Limits(ping_ms=40)) as served, raw_client(served.port, served.trust) as client:
        conversation = await opened(served, client)
        for _ in range(4):
            assert await client.read(2) == b"\x89\x00"
            await client.send(answer)
        assert ("peer_lost",) not in conversation.heard
        await client.send(client_frame(CLOSE, BYE))
        await conversation.ends()
        assert conversation.heard[-1] == ("peer_closed", 1000, "probe-complete")
        pulse = served.door._door.pulse
        assert pulse is not None
        await until(lambda: len(pulse) == 0)


async def test_a_client_that_is_not_read_is_not_taken_for_dead(serving: Serving) -> None:
    async with (
        serving(Limits(ping_ms=40)) as served,
        raw_client(served.port, served.trust) as held,
        raw_client(served.port, served.trust) as other,
    ):
        conversation = await opened(served, held)
        conversation.socket.pause_reading()
        await other.open()
        for _ in range(4):  # as many rounds pass
            assert await other.read(2) == b"\x89\x00"
            await other.send(client_frame(PONG))
        assert conversation.heard == []
        conversation.socket.resume_reading()
        await conversation.ends()
