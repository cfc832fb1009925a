from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.model.limits import AWS
from gateway.server.acceptor import Acceptor
from gateway.server.transports import Transports
from gateway.wire.handshake import Peer
from raw_client import raw_client
from server_fakes import Reports, Serving, until


@contextmanager
def no_descriptors_left() -> Iterator[None]:
    """Nothing more can be opened; what is open stays usable."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = os.dup(0)  # the lowest free number: every one below is in use
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        os.close(highest)


async def test_running_out_of_file_descriptors_is_told_once_and_does_not_end_the_listener(serving: Serving) -> None:
    async with serving() as served:
        with socket.create_connection(("127.0.0.1", served.port)):  # nobody has accepted it yet
            with no_descriptors_left():
                await until(lambda: served.reports.failures)
                (acceptor,) = served.door._acceptors
                acceptor._accept()  # as if the second had passed
            (report,) = served.reports.failures
            assert report == (
                f"no new connections on port {served.port}: Too many open files; "
                "raise the limit of open files (ulimit -n)"
            )
            assert served.shells == 0
            await until(lambda: served.shells == 1)


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
