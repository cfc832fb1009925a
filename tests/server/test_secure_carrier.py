"""TLS in the lot: what is particular to it. That every shell works over it, the other tests of this folder show."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from gateway.server.acceptor import Acceptor
from gateway.server.conduct import always
from gateway.server.lot import CAN_PARK, READ, Lot
from gateway.server.secure_carrier import RECORD_BYTES, SecureCarrier
from gateway.wire.handshake import Peer
from raw_client import RawClient, raw_client
from server_fakes import Reports, tls_contexts, until

pytestmark = pytest.mark.skipif(not CAN_PARK, reason="this system has no epoll")

MUCH = bytes(range(256)) * 16_000  # 4 MB, in which a record out of place shows


class Shell:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.fd, self.wants = -1, 0
        self.out: bytearray | None = None
        self.heard = b""
        self.told: list[str] = []

    def received(self, data: bytes) -> None:
        self.heard += data

    def stream_ended(self) -> None:
        self.told.append("ended")

    def flushed(self) -> None:
        self.told.append("flushed")

    def gone(self) -> None:
        self.told.append("gone")


@dataclass
class Entrance:
    lot: Lot
    carrier: SecureCarrier
    shells: list[Shell]

    def enter(self, accepted: socket.socket, peer: Peer) -> None:
        fd = self.carrier.admit(accepted)
        if fd is not None:
            self.shells.append(Shell())
            self.lot.park(self.shells[-1], fd)

    def close(self) -> None: ...


@dataclass
class Secured:
    lot: Lot
    shells: list[Shell]
    port: int


@asynccontextmanager
async def secured() -> AsyncIterator[Secured]:
    server, _ = tls_contexts()
    carrier = SecureCarrier(lambda: server)
    lot = Lot(always, carrier)
    entrance = Entrance(lot, carrier, [])
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    acceptor = Acceptor(listening, entrance, Reports())
    try:
        yield Secured(lot, entrance.shells, listening.getsockname()[1])
    finally:
        acceptor.close()
        lot.shut_down()
        assert carrier._by_fd == {}


def client_context(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    return context


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
async def both(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Secured, Shell, RawClient]]:
    """A secured lot, its one shell and that one's client."""
    async with secured() as served, raw_client(served.port, client_context(request.param)) as client:
        await until(lambda: served.shells)
        yield served, served.shells[0], client


async def test_records_that_come_together_are_all_told_of(both: tuple[Secured, Shell, RawClient]) -> None:
    _, shell, client = both
    sent = [b"%d," % number for number in range(300)] + [b"x" * RECORD_BYTES, b"end"]
    for piece in sent:
        client.send_later(piece)
    await until(lambda: shell.heard == b"".join(sent))


async def test_what_the_client_does_not_take_leaves_later_in_order(both: tuple[Secured, Shell, RawClient]) -> None:
    served, shell, client = both
    client.deafen()
    served.lot.write(shell, MUCH)
    assert shell.out is not None
    served.lot.write(shell, b"behind")  # while OpenSSL has a record that left in part
    for _ in range(20):
        await asyncio.sleep(0)
    left = len(shell.out)
    assert 0 < left < len(MUCH)
    client.listen()
    assert await client.read(len(MUCH) + 6) == MUCH + b"behind"
    assert shell.out is None


async def test_a_short_record_that_left_in_part_may_be_followed_by_more(
    both: tuple[Secured, Shell, RawClient],
) -> None:
    served, shell, client = both
    client.deafen()
    while shell.out is None:
        served.lot.write(shell, b"0123456789")
    stuck = len(shell.out)
    served.lot.write(shell, MUCH)
    client.listen()
    served.lot.hang_up(shell)
    whole = await client.rest()
    assert stuck == 10
    assert whole == b"0123456789" * ((len(whole) - len(MUCH)) // 10) + MUCH


async def test_an_end_is_said_when_everything_has_left(both: tuple[Secured, Shell, RawClient]) -> None:
    served, shell, client = both
    served.lot.write(shell, b"bye")
    served.lot.hang_up(shell)
    assert await client.rest() == b"bye", "with a close-notify: this client takes no other end"
    assert shell.told == ["gone"]


async def test_an_end_in_the_midst_is_no_end_that_was_meant(both: tuple[Secured, Shell, RawClient]) -> None:
    served, shell, client = both
    client.deafen()
    served.lot.write(shell, MUCH)
    served.lot.close(shell)
    client.listen()
    with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
        await client.rest()


async def test_our_stream_may_end_before_the_clients(both: tuple[Secured, Shell, RawClient]) -> None:
    served, shell, client = both
    served.lot.write(shell, b"last words")
    served.lot.shut_sending(shell)
    assert await client.rest() == b"last words"
    client.leave()
    await until(lambda: shell.told == ["ended"])


async def test_a_client_that_sends_no_more_is_told_once_and_can_be_written_to(
    both: tuple[Secured, Shell, RawClient],
) -> None:
    served, shell, client = both
    client.send_later(b"last")
    client.end()
    await until(lambda: shell.told == ["ended"])
    assert (shell.heard, shell.wants & READ) == (b"last", 0)
    served.lot.hang_up(shell)
    assert await client.rest() == b""


async def test_a_reset_ends_the_stream(both: tuple[Secured, Shell, RawClient]) -> None:
    _, shell, client = both
    client.reset()
    await until(lambda: shell.told in (["gone"], ["ended"]))  # the ssl module takes it for an end


async def test_a_handshake_may_come_byte_by_byte() -> None:
    async with secured() as served:
        _, trust = tls_contexts()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = trust.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
        async with raw_client(served.port) as client:
            is_done = False
            while not is_done:
                try:
                    tls.do_handshake()
                    is_done = True
                    tls.write(b"hello")
                except ssl.SSLWantReadError:
                    pass
                for byte in outgoing.read():
                    await client.send(bytes((byte,)))
                    await asyncio.sleep(0)
                if not is_done:
                    incoming.write(await client.some())
            await until(lambda: served.shells[0].heard == b"hello")


async def test_who_speaks_no_tls_gets_an_alert_and_not_a_reset() -> None:
    async with secured() as served, raw_client(served.port) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        alert = await client.rest()
        assert alert[:1] in (b"\x15", b"")  # a record of type alert, where OpenSSL sends one
        await until(lambda: served.shells[0].told == ["gone"])
        assert served.shells[0].heard == b""


async def test_a_client_that_went_before_it_was_admitted_leaves_nothing() -> None:
    carrier = SecureCarrier(lambda: tls_contexts()[0])
    closed = socket.socket()
    closed.close()
    assert carrier.admit(closed) is None
    assert carrier._by_fd == {}


async def test_handshakes_leave_others_their_turn() -> None:
    """A wake-up ends behind a few reads without a byte, as a handshake's are."""
    handshakes = 0

    class Counting(SecureCarrier):
        def receive(self, fd: int) -> bytes:
            nonlocal handshakes
            handshakes += 1
            raise BlockingIOError

    carrier = Counting(lambda: tls_contexts()[0])
    lot = Lot(always, carrier)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        clients = [socket.create_connection(listening.getsockname()) for _ in range(100)]
        for client in clients:
            client.send(b"x")
            accepted, _ = listening.accept()
            accepted.setblocking(False)
            fd = carrier.admit(accepted)
            assert fd is not None
            lot.park(Shell(), fd)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for client in clients:
            client.close()
    assert 0 < handshakes <= 2 * 32, "one batch of the kernel's each turn"
    lot.shut_down()
