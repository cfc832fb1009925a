"""The listening side: who is let in, what is carried out, and what it costs us at most."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model.errors import UserError
from gateway.model.ids import NodeNumber
from gateway.model.peer import ConnectionInfo, Outcome, PeerAnswer, PeerRequest
from gateway.peers.bounds import DEFAULT, MAX_ALONE_BYTES, Bounds
from gateway.peers.codec import answers_in, request_frame
from gateway.peers.greeting import NONCE_BYTES, Greeting
from gateway.peers.sealing import FRAMES_AT, Opener, Sealer
from gateway.peers.server import PeerServer
from node_doubles import RecordingReporter
from peer_doubles import DEADLINE_S, DELETE, GET, KEY, OWNER, POST, Owner, Wire, until


class Served:
    """A server on a port of 127.0.0.1."""

    def __init__(self, owner: Owner, bounds: Bounds) -> None:
        self.reports = RecordingReporter()
        self.server = PeerServer(owner, KEY, self.reports, bounds)
        self.port = 0

    @property
    def warnings(self) -> list[str]:
        return [line[1] for line in self.reports.told if line[0] == "warned"]


@asynccontextmanager
async def serving(owner: Owner | None = None, bounds: Bounds = DEFAULT) -> AsyncIterator[Served]:
    served = Served(owner or Owner(), bounds)
    served.port = await served.server.open_tcp("127.0.0.1", 0)
    try:
        yield served
    finally:
        await served.server.close()


class Guest:
    """Another node's side of a connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._said: list[bytes] = []

    def say(self, *frames: bytes, stamp_ms: int = 0) -> bytes:
        """One batch; returns its bytes."""
        data = self.sealer.seal(frames, stamp_ms)
        self.writer.write(data)
        return data

    async def greet(self, key: bytes = KEY) -> None:
        greeting = Greeting(key, os.urandom(NONCE_BYTES), asks=True)
        self.writer.write(greeting.opening)
        while greeting.session is None:
            proof, _ = greeting.feed(await self.some())
            self.writer.write(proof)
        self.sealer, self._opener = Sealer(greeting.session.requests), Opener(greeting.session.answers)

    async def answers(self, count: int) -> list[tuple[int, PeerAnswer]]:
        found: list[tuple[int, PeerAnswer]] = []
        while len(found) < count:
            for _, batch in self._opener.feed(await self.some()):
                found += answers_in(batch, FRAMES_AT)
        return found

    async def some(self) -> bytes:
        async with asyncio.timeout(DEADLINE_S):
            data = await self.reader.read(65_536)
        assert data, "the connection has ended"
        return data

    async def is_dropped(self) -> None:
        async with asyncio.timeout(DEADLINE_S):
            try:
                while await self.reader.read(65_536):
                    pass
            except ConnectionError:
                pass


@asynccontextmanager
async def visiting(served: Served) -> AsyncIterator[Guest]:
    """A connection that has not greeted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        yield Guest(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def met(served: Served) -> AsyncIterator[Guest]:
    async with visiting(served) as guest:
        await guest.greet()
        yield guest


def asks(request_id: int, request: PeerRequest = POST, remaining_ms: int = 1000) -> bytes:
    return request_frame(request_id, OWNER, remaining_ms, request)


async def test_what_arrives_together_is_answered_together_and_in_order() -> None:
    owner = Owner(lambda request: Outcome.DONE if request == POST else Outcome.LIMITED)
    async with serving(owner) as served, met(served) as guest:
        guest.say(asks(7), asks(5, DELETE), asks(9))
        data = await guest.some()
        assert len(data) == 12 + 3 * 5 + 16  # one batch
        ((_, batch),) = guest._opener.feed(data)
        assert answers_in(batch, FRAMES_AT) == [(7, Outcome.DONE), (5, Outcome.LIMITED), (9, Outcome.DONE)]
    assert owner.asked == [POST, DELETE, POST]


async def test_what_nobody_waits_for_any_more_is_not_carried_out() -> None:
    """The second batch was sent 5 s before the first, and arrives after it."""
    owner = Owner()
    async with serving(owner) as served, met(served) as guest:
        guest.say(asks(1, GET), stamp_ms=10_000)
        guest.say(asks(2, remaining_ms=4_900), asks(3, DELETE, remaining_ms=60_000), stamp_ms=5_000)
        assert await guest.answers(3) == [(1, Outcome.DONE), (2, Outcome.UNREACHABLE), (3, Outcome.DONE)]
    assert owner.asked == [GET, DELETE]


async def test_a_request_without_time_is_not_carried_out() -> None:
    owner = Owner()
    async with serving(owner) as served, met(served) as guest:
        guest.say(asks(1, remaining_ms=0))
        assert await guest.answers(1) == [(1, Outcome.UNREACHABLE)]
    assert owner.asked == []


async def test_a_service_that_raises_costs_one_request() -> None:
    def reply(request: PeerRequest) -> PeerAnswer:
        if request == DELETE:
            raise KeyError("x")
        return Outcome.DONE

    async with serving(Owner(reply)) as served, met(served) as guest:
        guest.say(asks(1), asks(2, DELETE), asks(3, DELETE), asks(4))
        answers = await guest.answers(4)
        assert [answer for _, answer in answers] == [
            Outcome.DONE,
            Outcome.UNREACHABLE,
            Outcome.UNREACHABLE,
            Outcome.DONE,
        ]
        ((kind, text),) = served.reports.told  # said once in a minute
        assert kind == "failed"
        assert text.startswith("a peer's request failed: KeyError: 'x'")


async def test_who_does_not_have_the_key_is_not_heard() -> None:
    owner = Owner()
    async with serving(owner) as served, visiting(served) as guest:
        greeting = Greeting(KEY, os.urandom(NONCE_BYTES), asks=True)
        guest.writer.write(greeting.opening)
        proof, _ = greeting.feed(await guest.some())
        assert greeting.session is not None
        guest.writer.write(bytes(len(proof)) + Sealer(greeting.session.requests).seal([asks(1)], 0))
        await guest.is_dropped()
        await until(lambda: served.warnings)
        assert served.warnings == ["a peer was dropped: it does not have this fleet's key"]
    assert owner.asked == []


async def test_who_is_no_node_is_not_heard() -> None:
    async with serving() as served, visiting(served) as guest:
        guest.writer.write(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: */*\r\n\r\n")
        await guest.is_dropped()
        await until(lambda: served.warnings)
        assert served.warnings == ["a peer was dropped: what came is not the greeting of a node"]


async def test_strangers_are_told_of_once_a_minute() -> None:
    async with serving() as served:
        for _ in range(3):
            async with visiting(served) as guest:
                guest.writer.write(bytes(100))
                await guest.is_dropped()
        assert len(served.warnings) == 1


async def test_who_only_looks_in_is_not_worth_a_word() -> None:
    async with serving() as served:
        async with visiting(served):
            pass
        async with met(served) as guest:
            guest.say(asks(1))
            await guest.answers(1)
        assert served.reports.told == []


@pytest.mark.parametrize("said", [b"", b"wsfleet"])
async def test_who_does_not_greet_in_time_is_dropped(said: bytes) -> None:
    async with serving(bounds=replace(DEFAULT, greeting_timeout_s=0.05)) as served, visiting(served) as guest:
        guest.writer.write(said)
        await guest.is_dropped()
        await until(lambda: served.warnings)
        assert served.warnings == ["a peer was dropped: it did not show the fleet's key in time"]


async def test_who_has_greeted_may_be_silent() -> None:
    async with serving(bounds=replace(DEFAULT, greeting_timeout_s=0.05)) as served, met(served) as guest:
        async with visiting(served) as slow:
            await slow.is_dropped()  # so that the time has passed
        guest.say(asks(1))
        assert await guest.answers(1) == [(1, Outcome.DONE)]


async def test_of_too_many_strangers_the_oldest_goes() -> None:
    async with serving(bounds=replace(DEFAULT, max_strangers=2, greeting_timeout_s=60)) as served:
        async with visiting(served) as oldest, visiting(served) as older, met(served) as newest:
            await oldest.is_dropped()
            await older.greet()
            for guest in (older, newest):
                guest.say(asks(1))
                assert await guest.answers(1) == [(1, Outcome.DONE)]
        assert served.warnings == ["a peer was dropped: too many came at once"]


async def test_of_many_that_come_in_one_turn_the_last_stays() -> None:
    server = PeerServer(Owner(), KEY, RecordingReporter(), replace(DEFAULT, max_strangers=1))
    wires = [Wire() for _ in range(3)]
    for wire in wires:
        server._guest().connection_made(wire)
    assert [wire.aborted for wire in wires] == [True, True, False]
    await server.close()


async def test_who_was_accepted_when_it_closed_does_not_stay() -> None:
    server = PeerServer(Owner(), KEY, RecordingReporter())
    await server.close()
    wire = Wire()
    server._guest().connection_made(wire)
    assert wire.aborted


async def test_one_peer_too_many_is_dropped_unheard() -> None:
    owner = Owner()
    async with serving(owner, replace(DEFAULT, max_peers=1)) as served, met(served) as first:
        first.say(asks(1))
        await first.answers(1)
        async with met(served) as second:
            second.say(asks(1, DELETE))
            await second.is_dropped()
        first.say(asks(2))
        assert await first.answers(1) == [(2, Outcome.DONE)]
        assert served.warnings == ["a peer was dropped: there are 1 peers already"]
    assert owner.asked == [POST, POST]


async def test_who_leaves_makes_room() -> None:
    async with serving(bounds=replace(DEFAULT, max_peers=1, max_strangers=1)) as served:
        for _ in range(3):
            async with met(served) as guest:
                guest.say(asks(1))
                await guest.answers(1)
                guest.writer.write(b"x" * 12)  # garbled: the server ends it
                await guest.is_dropped()


async def test_who_does_not_take_his_answers_is_dropped() -> None:
    info = ConnectionInfo(1, 2, "203.0.113.9", "x" * 1000)
    bounds = replace(DEFAULT, max_unread_bytes=100_000)
    async with serving(Owner(lambda _: info), bounds) as served, met(served) as guest:
        guest.writer.transport.pause_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(DEADLINE_S):
            while not served.warnings:
                guest.say(*[asks(1, GET)] * 1000)
                await asyncio.sleep(0)
        assert served.warnings == ["a peer was dropped: it does not take its answers"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        pytest.param((MAX_ALONE_BYTES + 1).to_bytes(4, "big") + bytes(8), "longer than any may be", id="too long"),
        pytest.param(bytes(28), "not what the other side said", id="not sealed"),
    ],
)
async def test_garbled_bytes_end_the_connection(said: bytes, why: str) -> None:
    async with serving() as served, met(served) as guest:
        guest.say(asks(1))
        guest.writer.write(said)
        guest.say(asks(2))
        await guest.is_dropped()
        await until(lambda: served.warnings)
        assert why in served.warnings[0]


async def test_a_repeated_batch_is_not_carried_out_twice() -> None:
    owner = Owner()
    async with serving(owner) as served, met(served) as guest:
        guest.writer.write(guest.say(asks(1)))
        await guest.is_dropped()
    assert owner.asked == [POST]


async def test_sealed_nonsense_ends_the_connection() -> None:
    async with serving() as served, met(served) as guest:
        guest.say(b"nonsense")
        await guest.is_dropped()
        await until(lambda: served.warnings)
        assert served.warnings == ["a peer was dropped: a request cannot be read"]


async def test_requests_may_come_with_the_proof_and_in_pieces() -> None:
    owner = Owner()
    async with serving(owner) as served, visiting(served) as guest:
        greeting = Greeting(KEY, os.urandom(NONCE_BYTES), asks=True)
        guest.writer.write(greeting.opening)
        proof, _ = greeting.feed(await guest.some())
        assert greeting.session is not None
        data = proof + Sealer(greeting.session.requests).seal([asks(1)], 0)
        for at in range(len(data)):
            guest.writer.write(data[at : at + 1])
            await asyncio.sleep(0)
        await until(lambda: owner.asked)
    assert owner.asked == [POST]


async def test_closing_ends_everything_and_removes_the_socket() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with serving() as served:
            path = await served.server.open_unix(Path(folder))
            async with met(served) as guest, visiting(served) as stranger:
                await served.server.close()
                await guest.is_dropped()
                await stranger.is_dropped()
            assert os.listdir(folder) == []
            with pytest.raises(OSError):
                await asyncio.open_unix_connection(path)
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", served.port)
            await served.server.close()
            assert served.reports.told == []


async def test_a_port_that_is_taken_is_said() -> None:
    async with serving() as served:
        with pytest.raises(UserError, match=f"port {served.port} of 127.0.0.1 cannot be had") as told:
            await served.server.open_tcp("127.0.0.1", served.port)
        assert told.value.hint


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 65_536), ("256.0.0.1", 0), ("host..name", 0)])
async def test_an_address_that_cannot_be_had_is_said(host: str, port: int) -> None:
    async with serving() as served:
        with pytest.raises(UserError, match=f"port {port} of {host} cannot be had"):
            await served.server.open_tcp(host, port)


async def test_on_tcp_silence_is_noticed_and_nothing_is_held_back() -> None:
    async with serving() as served, met(served) as visitor:
        visitor.say(asks(1))
        await visitor.answers(1)
        (guest,) = served.server._peers
        sock = guest._transport.get_extra_info("socket")  # type: ignore[union-attr]
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert guest._transport.get_write_buffer_limits()[1] == DEFAULT.max_unread_bytes  # type: ignore[union-attr]
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5_000


async def test_the_owner_that_is_meant_is_passed_on() -> None:
    async with serving(Owner(number=8)) as served, met(served) as guest:
        guest.say(request_frame(1, NodeNumber(8), 1000, GET), request_frame(2, NodeNumber(2**32 - 1), 1000, GET))
        assert await guest.answers(2) == [(1, Outcome.DONE), (2, Outcome.GONE)]
