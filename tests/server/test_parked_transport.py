from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, cast

import pytest

from gateway.model.http import HttpResponse
from gateway.server.conduct import always
from gateway.server.lot import CAN_PARK, HIGH_WATER_BYTES, LOW_WATER_BYTES, Lot
from gateway.server.parked_transport import ParkedTransport, ParkedTransports
from gateway.wire.handshake import Peer
from raw_client import raw_client
from server_fakes import serving, tls_contexts, until

pytestmark = pytest.mark.skipif(not CAN_PARK, reason="this system has no epoll")

MUCH = b"x" * 4_000_000


class Protocol(asyncio.Protocol):
    """Keeps what it is told, as asyncio's protocols are."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.stays = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.told.append("made")

    def data_received(self, data: bytes) -> None:
        self.told.append(data)

    def eof_received(self) -> bool:
        self.told.append("eof")
        return self.stays

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append("lost")


class Newcomer:
    """Parked, and about to be handed over."""

    def __init__(self) -> None:
        self.fd, self.wants = -1, 0
        self.out: bytearray | None = None

    def received(self, data: bytes) -> None: ...

    def stream_ended(self) -> None: ...

    def flushed(self) -> None: ...

    def gone(self) -> None: ...


class Taken:
    """A transport behind a plain lot: what TLS does to the bytes is not its matter."""

    def __init__(self) -> None:
        self.lot = Lot(always)
        self.protocol = Protocol()
        self.all = ParkedTransports(self.lot, lambda _: self.protocol, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        ours, self.client = socket.socketpair()
        for each in (ours, self.client):
            each.setblocking(False)
        newcomer = Newcomer()
        self.lot.park(newcomer, ours.detach())
        self.all.take(newcomer, Peer("192.0.2.7", 8443, secure=True), b"early")

    @property
    def transport(self) -> asyncio.Transport:
        return self.protocol.transport

    async def tells(self, *events: Any) -> None:
        """Of what was told, ``events`` are the last."""
        await until(lambda: tuple(self.protocol.told[-len(events) :]) == events)


@pytest.fixture
async def taken() -> AsyncIterator[Taken]:
    made = Taken()
    yield made
    made.all.close()
    made.lot.shut_down()
    made.client.close()
    await until(lambda: made.protocol.told[-1] == "lost")
    assert made.protocol.told.count("lost") == 1


async def test_it_begins_with_what_was_read_and_tells_both_ends(taken: Taken) -> None:
    assert taken.protocol.told == ["made", b"early"]
    assert len(taken.all) == 1
    assert taken.transport.get_protocol() is taken.protocol
    assert taken.transport.get_extra_info("peername")[0] == "192.0.2.7"
    assert taken.transport.get_extra_info("sockname")[1] == 8443
    assert taken.transport.get_extra_info("sslcontext") is not None
    taken.client.send(b"more")
    await taken.tells("made", b"early", b"more")


async def test_reading_stops_and_goes_on(taken: Taken) -> None:
    assert taken.transport.is_reading()
    taken.transport.pause_reading()
    assert not taken.transport.is_reading()
    taken.client.send(b"held")
    for _ in range(20):
        await asyncio.sleep(0)
    assert b"held" not in taken.protocol.told
    taken.transport.resume_reading()
    await taken.tells(b"held")


async def test_a_protocol_is_told_when_to_write_no_more_and_when_again(taken: Taken) -> None:
    assert taken.transport.get_write_buffer_limits() == (LOW_WATER_BYTES, HIGH_WATER_BYTES)
    taken.transport.write(memoryview(MUCH))
    assert taken.transport.get_write_buffer_size() > HIGH_WATER_BYTES
    taken.transport.write(b"yet more")
    assert taken.protocol.told[2:] == ["pause"]
    while "resume" not in taken.protocol.told:
        with suppress(BlockingIOError):
            taken.client.recv(1 << 20)
        await asyncio.sleep(0)
    assert taken.transport.get_write_buffer_size() <= LOW_WATER_BYTES
    assert taken.protocol.told[2:] == ["pause", "resume"]


async def test_closing_sends_what_waits_and_nothing_that_comes_later(taken: Taken) -> None:
    taken.transport.write(MUCH)
    taken.transport.close()
    taken.transport.close()
    assert taken.transport.is_closing()
    taken.transport.write(b"too late")
    got = bytearray()
    while "lost" not in taken.protocol.told:
        await asyncio.sleep(0)
        with suppress(BlockingIOError):
            got += taken.client.recv(1 << 20)
    while data := taken.client.recv(1 << 20):
        got += data
    assert got == MUCH
    assert len(taken.all) == 0


async def test_a_loss_is_told_in_a_turn_of_its_own(taken: Taken) -> None:
    taken.transport.abort()
    assert taken.transport.is_closing()
    assert taken.protocol.told == ["made", b"early"]
    await taken.tells("lost")


@pytest.mark.parametrize("stays", [False, True])
async def test_an_end_of_the_client_closes_unless_the_protocol_stays(taken: Taken, stays: bool) -> None:
    taken.protocol.stays = stays
    taken.client.shutdown(socket.SHUT_WR)
    await until(lambda: "eof" in taken.protocol.told)
    assert taken.transport.is_closing() is not stays


async def test_our_end_leaves_the_clients_open(taken: Taken) -> None:
    assert taken.transport.can_write_eof()
    taken.transport.write_eof()
    assert taken.client.recv(1) == b""
    taken.client.send(b"still here")
    await taken.tells(b"still here")


async def test_another_protocol_may_take_over(taken: Taken) -> None:
    first, taken.protocol = taken.protocol, Protocol()
    transport = first.transport
    transport.set_protocol(taken.protocol)
    taken.client.send(b"for the other")
    await taken.tells(b"for the other")
    assert first.told == ["made", b"early"]


async def test_over_tls_a_request_that_is_not_plain_is_served_in_the_lot() -> None:
    async with serving(tls=True) as served, raw_client(served.port, served.trust) as client:
        served.service.answer = HttpResponse(200, (), MUCH)
        await client.send(b"GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n")
        _, body = await client.response()
        assert body == MUCH
        (asked,) = served.service.asked
        assert (asked.raw_path, asked.query, asked.host, asked.source_ip) == ("/a", "b", "h", "127.0.0.1")
        (yard,) = served.door._yards
        assert (len(yard.lot), len(yard.handover), served.shells) == (1, 1, 0)
        (transport,) = yard.handover._open  # type: ignore[attr-defined]
        assert isinstance(transport, ParkedTransport)
        assert tls_contexts()[0] is transport.get_extra_info("sslcontext")
