from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from gateway.counters import Counters
from gateway.model.limits import AWS
from gateway.server.acceptor import Acceptor
from gateway.server.descriptors import RESERVED
from gateway.server.transports import Transports
from gateway.wire.handshake import Peer
from open_descriptors import no_descriptors_left, room_for
from raw_client import raw_client
from server_fakes import Reports, Serving, until
from wire_frames import client_frame


async def test_running_out_of_file_descriptors_is_told_once_and_does_not_end_the_listener(serving: Serving) -> None:
    counters = Counters()
    async with serving(counters=counters) as served:
        with socket.create_connection(("127.0.0.1", served.port)):  # nobody has accepted it yet
            with no_descriptors_left():
                await until(lambda: served.reports.failures)
                (acceptor,) = served.door._acceptors
                acceptor._accept()  # as if the second had passed
            (report,) = served.reports.failures
            assert report == (
                f"no new connections on port {served.port} for now: Too many open files; "
                "raise the limit of open files (ulimit -n) (pause 1 on this port)"
            )
            assert counters.accept_pauses == 1
            assert served.shells == 0
            await until(lambda: served.shells == 1)


class Counting(socket.socket):
    """A listening socket that counts how often it was asked, and answers with ``error`` where there is one."""

    asked = 0
    error: int | None = None

    def accept(self) -> tuple[socket.socket, object]:
        self.asked += 1
        if self.error is not None:
            raise OSError(self.error, "none left")
        return super().accept()


class Guests:
    """Implements ``acceptor.Entrance``: everybody stays."""

    def __init__(self) -> None:
        self.all: list[socket.socket] = []

    def enter(self, accepted: socket.socket, peer: Peer) -> None:
        self.all.append(accepted)

    def close(self) -> None:
        """Nobody is on the way in."""

    def leave(self) -> None:
        for guest in self.all:
            guest.close()
        self.all.clear()


@contextmanager
def accepting(reserved: int = RESERVED) -> Iterator[tuple[Acceptor, Counting, Guests, Reports]]:
    listening = Counting()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    listening.setblocking(False)
    guests, reports = Guests(), Reports()
    acceptor = Acceptor(listening, guests, reports, reserved)
    try:
        yield acceptor, listening, guests, reports
    finally:
        acceptor.close()
        guests.leave()


async def turns(count: int = 50) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_whatever_is_short_it_asks_once_tells_once_and_waits(number: int) -> None:
    with accepting() as (acceptor, listening, guests, reports):
        listening.error = number
        with socket.create_connection(listening.getsockname()):
            await until(lambda: listening.asked)
            await turns()
            assert (listening.asked, acceptor.pauses, len(reports.failures)) == (1, 1, 1), "the client still waits"
            acceptor._resume()  # as if the second had passed
            await until(lambda: listening.asked == 2)
            await turns()
            assert (listening.asked, acceptor.pauses, len(reports.failures)) == (2, 1, 1), "still the same pause"
            listening.error = None
            acceptor._resume()
            await until(lambda: guests.all)
            listening.error = number
            with socket.create_connection(listening.getsockname()):
                await until(lambda: acceptor.pauses == 2)
            assert len(reports.failures) == 1, "so soon after the last one it is only counted"


async def test_the_last_descriptors_are_not_for_clients() -> None:
    with accepting(reserved=4) as (acceptor, listening, guests, reports), ExitStack() as clients, room_for(64):

        def connect() -> socket.socket:
            return clients.enter_context(socket.create_connection(listening.getsockname()))

        for number in range(1, 64):
            connect()
            await until(lambda number=number: acceptor.pauses or len(guests.all) == number)  # type: ignore[misc]
            if acceptor.pauses:
                break
        asked = listening.asked
        connect()  # this end of a connection takes a descriptor of those that are kept
        await turns()
        acceptor._resume()
        await turns()
        assert listening.asked == asked, "a look whether there is room, no accept"
        for _ in range(3):
            clients.enter_context(open(os.devnull, "rb"))  # noqa: ASYNC230 - what the node itself may need
        full = len(guests.all)
        for guest in guests.all[-6:]:
            guest.close()
        acceptor._resume()
        await until(lambda: len(guests.all) == full + 1)
        assert (acceptor.pauses, len(reports.failures)) == (1, 1)


async def test_open_sockets_go_on_while_nobody_can_be_accepted(serving_any: Serving) -> None:
    counters = Counters()
    async with serving_any(counters=counters) as served:
        served.conversations.echo()
        async with raw_client(served.port, served.trust) as client:
            await client.open()
            with socket.create_connection(("127.0.0.1", served.port)), no_descriptors_left():
                await until(lambda: counters.accept_pauses)
                await client.send(client_frame(1, b"hello"))
                assert await client.read(7) == b"\x81\x05hello"


async def test_closing_while_there_are_no_file_descriptors_leaves_no_timer(serving: Serving) -> None:
    async with serving() as served:
        with socket.create_connection(("127.0.0.1", served.port)), no_descriptors_left():
            (acceptor,) = served.door._acceptors
            await until(lambda: acceptor._retry)
            served.door.stop_accepting()
        assert acceptor._retry is not None
        assert acceptor._retry.cancelled()


class Unlucky(socket.socket):
    """A listening socket whose first clients go before they are accepted."""

    unlucky = 3

    def accept(self) -> tuple[socket.socket, object]:
        if self.unlucky:
            self.unlucky -= 1
            raise OSError(errno.ECONNABORTED, "gone")
        return super().accept()


async def test_a_client_that_went_before_it_was_accepted_does_not_stand_in_the_way() -> None:
    made: list[asyncio.Protocol] = []

    def factory(peer: Peer) -> asyncio.Protocol:
        made.append(asyncio.Protocol())
        return made[-1]

    listening = Unlucky()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    listening.setblocking(False)
    reports = Reports()
    acceptor = Acceptor(listening, Transports(factory, None, AWS), reports)
    async with raw_client(listening.getsockname()[1]):
        await until(lambda: made)
    assert reports.failures == []
    acceptor.close()
    acceptor.close()
