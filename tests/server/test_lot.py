"""The lot by itself: socket pairs, of which one end is parked."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from gateway.server.carrier import READ_BYTES, PlainCarrier, Stalled
from gateway.server.conduct import always
from gateway.server.lot import _BATCH, _WAKE_EVENTS, CAN_PARK, READ, WRITE, Lot
from server_fakes import until

pytestmark = pytest.mark.skipif(not CAN_PARK, reason="this system has no epoll")

MUCH = b"x" * 4_000_000


class Shell:
    """Keeps what it is told; ``on_data`` answers."""

    def __init__(self) -> None:
        self.fd, self.wants = -1, 0
        self.out: bytearray | None = None
        self.told: list[Any] = []
        self.on_data: Callable[[bytes], None] = lambda data: None

    def received(self, data: bytes) -> None:
        self.told.append(data)
        self.on_data(data)

    def stream_ended(self) -> None:
        self.told.append("ended")

    def flushed(self) -> None:
        self.told.append("flushed")

    def gone(self) -> None:
        self.told.append("gone")


@pytest.fixture
async def lot() -> AsyncIterator[Lot]:
    made = Lot(always)
    yield made
    made.shut_down()


def parked(lot: Lot) -> tuple[Shell, socket.socket]:
    """A parked shell, and its client."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        client = socket.create_connection(listening.getsockname())
        accepted, _ = listening.accept()
    accepted.setblocking(False)
    client.setblocking(False)
    shell = Shell()
    lot.park(shell, accepted.detach())
    return shell, client


def read_all(client: socket.socket) -> bytes:
    got = bytearray()
    while True:
        try:
            data = client.recv(1 << 20)
        except BlockingIOError:
            return bytes(got)
        if not data:
            return bytes(got) + b"<end>"
        got += data


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_read_that_has_to_write_first_waits_for_room_and_for_nothing_else() -> None:
    class Stalling(PlainCarrier):
        reads, is_stalled = 0, True

        def receive(self, fd: int) -> bytes:
            self.reads += 1
            if self.is_stalled:
                raise Stalled
            return super().receive(fd)

    carrier = Stalling()
    lot = Lot(always, carrier)
    shell, client = parked(lot)
    with client:
        lot.write(shell, MUCH)
        await turns()
        client.send(b"hello")
        await until(lambda: carrier.reads)
        await turns()
        assert carrier.reads == 1, "there is something to read, but no room"
        lot.read_on(shell, False)
        assert not lot.is_read(shell)
        carrier.is_stalled = False
        whole = bytearray(read_all(client))
        while len(whole) < len(MUCH):
            await turns(1)
            whole += read_all(client)
        await turns()
        assert (bytes(whole), carrier.reads) == (MUCH, 1), "it was told not to read in the meantime"
        lot.read_on(shell, True)
        assert lot.is_read(shell)
        await until(lambda: b"hello" in shell.told)
    lot.shut_down()
    assert not lot.is_read(shell)


async def test_what_comes_is_told_and_what_is_written_arrives(lot: Lot) -> None:
    shell, client = parked(lot)
    client.send(b"hello")
    await until(lambda: shell.told == [b"hello"])
    lot.write(shell, b"good day")
    assert client.recv(100) == b"good day"
    assert (len(lot), shell.out, shell.wants) == (1, None, READ)
    client.close()


async def test_what_the_kernel_does_not_take_leaves_later_and_in_order(lot: Lot) -> None:
    shell, client = parked(lot)
    lot.write(shell, MUCH)
    lot.write(shell, b"end")
    assert bytes(shell.out or b"").endswith(b"xend")
    assert shell.wants == READ | WRITE
    got = bytearray()
    while len(got) < len(MUCH) + 3:
        got += read_all(client)
        await asyncio.sleep(0)
    assert bytes(got) == MUCH + b"end"
    await until(lambda: (shell.wants, shell.out) == (READ, None))
    assert set(shell.told) == {"flushed"}
    client.close()


async def test_who_is_not_read_costs_no_event_whatever_happens(lot: Lot) -> None:
    shell, client = parked(lot)
    lot.read_on(shell, False)
    lot.read_on(shell, False)
    client.send(b"later")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()  # a reset: epoll would tell of it for ever
    assert lot._epoll.poll(0) == []
    lot.read_on(shell, True)
    await until(lambda: "gone" in shell.told)
    assert len(lot) == 0


async def test_the_end_of_a_stream_is_told_once(lot: Lot) -> None:
    shell, client = parked(lot)
    client.shutdown(socket.SHUT_WR)
    await until(lambda: shell.told)
    await turns()
    assert shell.told == ["ended"]
    lot.write(shell, b"still here")
    assert client.recv(100) == b"still here"
    lot.hang_up(shell)
    assert (shell.told, shell.fd, read_all(client)) == (["ended", "gone"], -1, b"<end>")
    client.close()


async def test_a_failed_write_is_told_in_a_turn_of_its_own(lot: Lot) -> None:
    shell, client = parked(lot)
    lot.read_on(shell, False)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    lot.write(shell, b"to nobody")
    lot.write(shell, b"again")
    lot.read_on(shell, True)
    lot.shut_sending(shell)
    assert shell.told == []
    await turns()
    assert shell.told == ["gone"]
    lot.write(shell, b"too late")
    lot.hang_up(shell)
    lot.close(shell)
    assert shell.told == ["gone"]


@pytest.mark.parametrize("much", [False, True])
async def test_hanging_up_waits_for_what_is_to_leave(lot: Lot, much: bool) -> None:
    shell, client = parked(lot)
    lot.write(shell, MUCH if much else b"x")
    lot.hang_up(shell)
    assert (shell.fd == -1) is not much
    lot.read_on(shell, True)
    got = b""
    while not got.endswith(b"<end>"):
        got += read_all(client)
        await asyncio.sleep(0)
    assert got == (MUCH if much else b"x") + b"<end>"
    assert shell.told[-1] == "gone"
    client.close()


@pytest.mark.parametrize("much", [False, True])
async def test_our_stream_ends_and_the_clients_goes_on(lot: Lot, much: bool) -> None:
    shell, client = parked(lot)
    lot.write(shell, MUCH if much else b"x")
    lot.shut_sending(shell)
    got = b""
    while not got.endswith(b"<end>"):
        got += read_all(client)
        await asyncio.sleep(0)
    client.send(b"last words")
    await until(lambda: b"last words" in shell.told)
    assert shell.fd >= 0
    client.close()


async def test_one_that_is_closed_by_another_of_the_same_batch_is_left_alone(lot: Lot) -> None:
    shells = [parked(lot) for _ in range(3)]
    (one, _), (two, _), (three, _) = shells

    def close_all(data: bytes) -> None:
        for each in (one, two, three):
            lot.close(each)

    for shell, _ in shells:
        shell.on_data = close_all
    for _, client in shells:
        client.send(b"x")
    await until(lambda: len(lot) == 0)
    await turns()
    assert sorted(len(shell.told) for shell, _ in shells) == [1, 1, 2]
    for _, client in shells:
        client.close()


async def test_closing_the_lot_from_inside_ends_everything(lot: Lot) -> None:
    shells = [parked(lot) for _ in range(3)]
    shells[0][0].on_data = lambda data: lot.shut_down()
    for _, client in shells:
        client.send(b"x")
    await until(lambda: len(lot) == 0)
    lot.shut_down()
    assert all(shell.told[-1] == "gone" for shell, _ in shells)
    for _, client in shells:
        client.close()


async def test_what_fails_for_one_ends_that_one_and_is_reported(lot: Lot) -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    (bad, bad_client), (good, good_client) = parked(lot), parked(lot)

    def fail(*_: object) -> None:
        raise RuntimeError("bad")

    bad.on_data = fail
    bad_client.send(b"x")
    await until(lambda: bad.told == [b"x", "gone"])
    good_client.send(b"x")
    await until(lambda: good.told == [b"x"])
    good.gone = fail  # type: ignore[method-assign]
    lot.shut_down()
    assert [str(context["exception"]) for context in reported] == ["bad", "bad"]
    assert len(lot) == 0
    bad_client.close()
    good_client.close()


async def test_a_busy_socket_does_not_starve_others(lot: Lot) -> None:
    busy, others = [parked(lot) for _ in range(_BATCH + 8)], [parked(lot) for _ in range(3)]
    for _, client in busy:
        client.send(b"x" * READ_BYTES * 4)
    for _, client in others:
        client.send(b"y")
    while not all(shell.told for shell, _ in others):
        lot._serve()
        assert max(len(shell.told) for shell, _ in busy) <= 3, "a quarter of what there is, and a turn more"
    for _, client in (*busy, *others):
        client.close()


async def test_one_wake_up_is_bounded(lot: Lot) -> None:
    shells = [parked(lot) for _ in range(_WAKE_EVENTS + 8)]
    for _, client in shells:
        client.send(b"x")
    lot._serve()
    assert sum(len(shell.told) for shell, _ in shells) <= _WAKE_EVENTS
    await until(lambda: all(shell.told for shell, _ in shells))
    for _, client in shells:
        client.close()


async def test_a_descriptor_changes_hands(lot: Lot) -> None:
    shell, client = parked(lot)
    heir = Shell()
    lot.read_on(shell, False)
    lot.replace(shell, heir)
    client.send(b"x")
    await until(lambda: heir.told == [b"x"])
    assert (shell.fd, shell.told, len(lot)) == (-1, [], 1)
    fd = lot.release(heir)
    assert (heir.fd, heir.told, len(lot)) == (-1, [b"x"], 0)
    os.write(fd, b"mine")
    os.close(fd)
    assert client.recv(10) == b"mine"
    client.close()


async def test_a_socket_that_cannot_be_watched_is_closed_and_reported(lot: Lot) -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    shell = Shell()
    with open(__file__, "rb") as file:  # noqa: ASYNC230 - a regular file cannot be in an epoll
        lot.park(shell, os.dup(file.fileno()))
    assert shell.told == []
    await until(lambda: shell.told == ["gone"])
    assert len(lot) == 0
    assert [context["message"] for context in reported] == ["a socket cannot be watched"]


async def test_an_idle_lot_wakes_nobody(lot: Lot) -> None:
    _, client = parked(lot)
    poll = select.epoll.fromfd(os.dup(lot._epoll.fileno()))
    assert poll.poll(0) == []
    poll.close()
    client.close()


async def test_each_of_several_is_written_to(lot: Lot) -> None:
    several = [parked(lot) for _ in range(3)]
    assert lot.write_each([shell for shell, _ in several], b"hi") == []
    assert lot.write_each([], b"hi") == []
    for _, client in several:
        assert read_all(client) == b"hi"
        client.close()


async def test_what_the_kernel_does_not_take_of_several_leaves_later_and_in_order(lot: Lot) -> None:
    several = [parked(lot) for _ in range(3)]
    first, middle, last = (shell for shell, _ in several)
    before = 0
    while True:
        try:
            before += os.write(middle.fd, b"y" * 100_000)  # not even a byte more
        except BlockingIOError:
            break
    assert lot.write_each([first, middle, last], MUCH) == [first, middle, last]
    assert bytes(middle.out or b"") == MUCH
    for _, client in several:
        expected = (b"y" * before if client is several[1][1] else b"") + MUCH
        whole = bytearray()
        while len(whole) < len(expected):
            await turns(1)
            whole += read_all(client)
        assert bytes(whole) == expected
        client.close()
    await until(lambda: not any(shell.out for shell, _ in several))


async def test_one_of_several_that_is_broken_ends_alone(lot: Lot) -> None:
    several = [parked(lot) for _ in range(3)]
    (first, _), (broken, lost), (last, _) = several
    lost.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    lost.close()
    assert lot.write_each([first, broken, last], b"hi") == []
    assert broken.told == [], "not in the midst of what its owner does"
    for _, client in (several[0], several[2]):
        assert read_all(client) == b"hi"
        client.close()
    await until(lambda: "gone" in broken.told)
    assert broken.fd == -1
