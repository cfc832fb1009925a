"""The asking side beyond the contract: which way it takes, whom it believes, what it sends when."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.model.member import Member
from gateway.model.peer import Outcome, Outcomes, PeerAnswer, PeerRequest, PostTo, PostToMany
from gateway.peers.bounds import MAX_IN_FLIGHT, MAX_UNSENT_BYTES
from gateway.peers.client import PeerClient
from gateway.peers.server import PeerServer
from node_doubles import RecordingReporter
from peer_doubles import (
    API,
    AT_ONCE_S,
    CONNECTION,
    DEADLINE_S,
    DELETE,
    GET,
    KEY,
    LONG_MS,
    MACHINE,
    OWNER,
    POST,
    Owner,
    SocketWorld,
    member,
    until,
)

GREETING = 40 + 32  # bytes of a hello and a proof
SAID_OF_A_POST = 12 + 21 + len(API) + len(CONNECTION) + len(POST.data) + 16


@pytest.fixture
async def folder() -> AsyncIterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


@pytest.fixture(params=["unix", "tcp"])
async def here(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[SocketWorld]:
    made = SocketWorld(request.param, folder)
    yield made
    await made.close()


class Both:
    """Servers on either way, so that it shows which was taken."""

    def __init__(self) -> None:
        self.unix, self.tcp = Owner(lambda _: Outcome.DONE), Owner(lambda _: Outcome.LIMITED)
        self.reports = RecordingReporter()
        self.servers = [PeerServer(owner, KEY, self.reports) for owner in (self.unix, self.tcp)]
        self.client = PeerClient(KEY, MACHINE, self.reports)
        self.path, self.address = "", ""

    async def open(self, folder: Path) -> None:
        self.path = await self.servers[0].open_unix(folder)
        self.address = f"127.0.0.1:{await self.servers[1].open_tcp('127.0.0.1', 0)}"

    async def close(self) -> None:
        await self.client.close()
        for server in self.servers:
            await server.close()


@pytest.fixture
async def both(folder: Path) -> AsyncIterator[Both]:
    made = Both()
    await made.open(folder)
    yield made
    await made.close()


async def ask(client: PeerClient, there: Member, request: PeerRequest = POST, wait_ms: int = LONG_MS) -> PeerAnswer:
    async with asyncio.timeout(DEADLINE_S):
        return await client.ask(there, request, wait_ms)


async def test_on_this_machine_the_socket_is_taken(both: Both) -> None:
    there = member(address=both.address, socket_path=both.path)
    assert await ask(both.client, there) is Outcome.DONE


async def test_to_another_machine_the_address_is_taken(both: Both) -> None:
    stranger = PeerClient(KEY, "another machine", both.reports)
    assert await ask(stranger, member(address=both.address, socket_path=both.path)) is Outcome.LIMITED
    await stranger.close()
    assert await ask(stranger, member(socket_path=both.path)) is Outcome.UNREACHABLE


async def test_a_socket_that_cannot_be_seen_from_here_is_not_the_last_word(both: Both) -> None:
    there = member(address=both.address, socket_path="/nowhere/at.sock")
    assert await ask(both.client, there) is Outcome.LIMITED


@pytest.mark.parametrize("path", ["/nowhere/at.sock", "x" * 200, "zero\0byte"])
async def test_a_path_that_leads_nowhere_is_unreachable(both: Both, path: str) -> None:
    assert await ask(both.client, member(socket_path=path)) is Outcome.UNREACHABLE
    assert both.reports.told == []


async def test_a_host_that_does_not_exist_is_unreachable(both: Both) -> None:
    assert await ask(both.client, member(address="host..name:7000")) is Outcome.UNREACHABLE


async def test_connections_are_kept_one_for_each_node(here: SocketWorld) -> None:
    there = await here.start(Owner())
    for _ in range(5):
        await asyncio.gather(*(ask(here.peers, there) for _ in range(5)))
    assert len(here.gate.ends) == 2


async def test_what_is_asked_in_one_turn_leaves_in_one_write(here: SocketWorld) -> None:
    there = await here.start(Owner())
    await ask(here.peers, there)
    writes: list[int] = []

    def counted(data: bytes) -> bytes:
        writes.append(len(data))
        return data

    here.gate.change = counted
    await asyncio.gather(*(ask(here.peers, there) for _ in range(50)))
    assert len(writes) <= 3  # the first alone, all others, and a read of the gate that came between


async def test_another_key_is_refused_and_told_once(here: SocketWorld) -> None:
    owner = Owner()
    there = await here.start(owner)
    impostor = PeerClient(b"another fleet's key", MACHINE, here.reports)
    for _ in range(3):
        assert await ask(impostor, there) is Outcome.UNREACHABLE
    await impostor.close()
    assert owner.asked == []
    way = there.socket_path or there.address
    told = [line for line in here.reports.told if "node 7" in line[1]]
    assert told == [("warned", f"node 7 at {way} cannot be asked: it does not have this fleet's key")]


class Rude(asyncio.Protocol):
    """Accepts and says nothing; ``leaves`` at once if asked to."""

    def __init__(self, ends: list[Rude], *, leaves: bool = False) -> None:
        self.lost = False
        self._leaves = leaves
        ends.append(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._leaves:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True


async def test_who_says_nothing_is_not_waited_for_longer_than_asked(folder: Path) -> None:
    reports = RecordingReporter()
    ends: list[Rude] = []
    path = str(folder / "silent.sock")
    listening = await asyncio.get_running_loop().create_unix_server(lambda: Rude(ends), path)
    client = PeerClient(KEY, MACHINE, reports)
    assert await ask(client, member(socket_path=path), wait_ms=50) is Outcome.UNREACHABLE
    await client.close()
    await until(lambda: [end.lost for end in ends] == [True], AT_ONCE_S)
    assert reports.told == []
    listening.close()


async def test_who_hangs_up_is_unreachable_at_once(both: Both, folder: Path) -> None:
    """And what waits goes the other way, where there is one."""
    path = str(folder / "rude.sock")
    listening = await asyncio.get_running_loop().create_unix_server(lambda: Rude([], leaves=True), path)
    async with asyncio.timeout(AT_ONCE_S):
        assert await both.client.ask(member(socket_path=path), POST, LONG_MS) is Outcome.UNREACHABLE
        assert await both.client.ask(member(socket_path=path, address=both.address), POST, LONG_MS) is Outcome.LIMITED
    listening.close()


async def test_a_wrong_key_is_told_again_after_a_right_one(both: Both, folder: Path) -> None:
    other = PeerServer(Owner(), b"another fleet's key", both.reports)
    wrong, right = member(socket_path=await other.open_unix(folder)), member(socket_path=both.path)
    for there in (wrong, wrong, right):
        await ask(both.client, there)
    assert len(both.reports.told) == 1
    await both.servers[0].close()
    await until(lambda: both.client._links[OWNER]._side is None)
    await ask(both.client, wrong)
    assert len(both.reports.told) == 2
    await other.close()


async def test_what_failed_takes_no_place_afterwards(both: Both) -> None:
    nowhere = member(socket_path="/nowhere/at.sock")
    failed = await asyncio.gather(*(ask(both.client, nowhere) for _ in range(MAX_IN_FLIGHT)))
    assert failed == [Outcome.UNREACHABLE] * MAX_IN_FLIGHT
    assert await ask(both.client, member(socket_path=both.path)) is Outcome.DONE


@pytest.mark.parametrize("wait_ms", [1, LONG_MS])
async def test_while_connecting_no_more_than_is_allowed_may_wait(here: SocketWorld, wait_ms: int) -> None:
    """Nor may what was given up take room without end."""
    owner = Owner()
    there = await here.start(owner)
    here.hold_answers()
    loop = asyncio.get_running_loop()
    waiting = [loop.create_task(ask(here.peers, there, GET, wait_ms)) for _ in range(MAX_IN_FLIGHT)]
    if wait_ms == LONG_MS:
        await asyncio.sleep(0)
    else:
        await asyncio.gather(*waiting)
    async with asyncio.timeout(AT_ONCE_S):
        assert await here.peers.ask(there, POST, LONG_MS) is Outcome.UNREACHABLE
    here.release_answers()
    done = (await asyncio.gather(*waiting)).count(Outcome.DONE)
    assert done == len(owner.asked) == (MAX_IN_FLIGHT if wait_ms == LONG_MS else 0)


@pytest.mark.parametrize("wait_ms", [0, -1])
async def test_what_nobody_waits_for_is_not_even_sent(here: SocketWorld, wait_ms: int) -> None:
    there = await here.start(Owner())
    assert await ask(here.peers, there, POST, wait_ms) is Outcome.UNREACHABLE
    assert here.gate.ends == []
    await ask(here.peers, there)
    said = len(here.gate.said)
    assert await ask(here.peers, there, POST, wait_ms) is Outcome.UNREACHABLE
    await ask(here.peers, there)
    assert len(here.gate.said) == said + SAID_OF_A_POST


async def test_time_spent_on_connecting_is_not_given_twice(here: SocketWorld) -> None:
    """What was given up while the connection was being opened is never sent."""
    owner = Owner()
    there = await here.start(owner)
    here.hold_answers()
    assert await ask(here.peers, there, POST, wait_ms=50) is Outcome.UNREACHABLE
    waiting = asyncio.get_running_loop().create_task(ask(here.peers, there, GET))
    await asyncio.sleep(0)
    here.release_answers()
    assert await waiting is Outcome.DONE
    assert owner.asked == [GET]
    assert len(here.gate.said) == GREETING + SAID_OF_A_POST - len(POST.data)


def broken(byte: int) -> Callable[[bytes], bytes]:
    """Changes one byte, counted from the end."""
    return lambda data: data[: len(data) - byte] + bytes((data[len(data) - byte] ^ 1,)) + data[len(data) - byte + 1 :]


@pytest.mark.parametrize("byte", [1, 16, 17, 21, 60])
async def test_bytes_changed_on_the_way_are_not_carried_out(here: SocketWorld, byte: int) -> None:
    owner = Owner()
    there = await here.start(owner)
    assert await ask(here.peers, there, GET) is Outcome.DONE
    here.gate.change = broken(byte)
    assert await ask(here.peers, there) is Outcome.UNREACHABLE
    here.gate.change = bytes
    assert await ask(here.peers, there, DELETE) is Outcome.DONE
    assert owner.asked == [GET, DELETE]


async def test_a_conversation_said_again_is_not_believed(here: SocketWorld) -> None:
    owner = Owner()
    there = await here.start(owner)
    await ask(here.peers, there)
    said = bytes(here.gate.said)
    opening = asyncio.open_unix_connection(there.socket_path) if there.socket_path else None
    if opening is None:
        assert there.address is not None
        opening = asyncio.open_connection("127.0.0.1", int(there.address.rpartition(":")[2]))
    reader, writer = await opening
    writer.write(said)
    async with asyncio.timeout(DEADLINE_S):
        while await reader.read(1024):
            pass
    writer.close()
    assert owner.asked == [POST]


async def test_a_connection_cut_is_opened_again_and_nothing_is_sent_twice(here: SocketWorld) -> None:
    owner = Owner()
    there = await here.start(owner)
    await ask(here.peers, there, GET)
    here.hold_answers()
    waiting = asyncio.get_running_loop().create_task(ask(here.peers, there))
    await until(lambda: len(owner.asked) == 2)
    here.gate.cut()
    assert await waiting is Outcome.UNREACHABLE
    here.gate.answers_held = False
    assert await ask(here.peers, there, DELETE) is Outcome.DONE
    assert owner.asked == [GET, POST, DELETE]


ANSWER = Outcomes((Outcome.DONE, Outcome.GONE, Outcome.LIMITED) * 3_000)


@pytest.mark.parametrize("passes", [0, 1, 4, 12, 13, 17, 21, 4_000, 9_020])
async def test_an_answer_that_breaks_off_is_none_and_nothing_is_sent_twice(here: SocketWorld, passes: int) -> None:
    """Head, batch or seal: whatever of it has come, what became of a message to many is not known."""
    owner = Owner(lambda request: ANSWER if isinstance(request, PostToMany) else Outcome.DONE)
    there = await here.start(owner)
    await here.peers.ask(there, GET, LONG_MS)
    here.gate.answers_left = passes
    request = PostToMany(API, (), b"x")
    async with asyncio.timeout(AT_ONCE_S):
        assert await here.peers.ask(there, request, LONG_MS) is Outcome.UNREACHABLE
    assert owner.asked == [GET, request]
    here.gate.answers_left = None
    assert await here.peers.ask(there, request, LONG_MS) == ANSWER
    assert owner.asked == [GET, request, request]
    assert here.reports.told == []


async def test_a_node_that_takes_nothing_is_not_given_more(here: SocketWorld) -> None:
    """The kernel's buffers fill, then ours up to its bound; then there is no more waiting."""
    owner = Owner()
    there = await here.start(owner)
    await ask(here.peers, there)
    for end in here.gate.ends:
        assert end.transport is not None
        end.transport.pause_reading()
    post = PostTo(API, CONNECTION, bytes(128_000))
    tries = 2 * MAX_UNSENT_BYTES // len(post.data)
    loop = asyncio.get_running_loop()
    waiting = [loop.create_task(ask(here.peers, there, post)) for _ in range(tries)]
    await until(lambda: any(task.done() for task in waiting))
    refused = sum(task.done() for task in waiting)
    assert (tries - refused) * len(post.data) >= MAX_UNSENT_BYTES - len(post.data)
    assert {task.result() for task in waiting if task.done()} == {Outcome.UNREACHABLE}
    for end in here.gate.ends:
        assert end.transport is not None
        end.transport.resume_reading()
    answers = await asyncio.gather(*waiting)
    assert answers.count(Outcome.DONE) == tries - refused
    assert len(owner.asked) == 1 + tries - refused
    assert await ask(here.peers, there) is Outcome.DONE


async def test_closing_ends_a_connection_being_opened(here: SocketWorld) -> None:
    there = await here.start(Owner())
    here.hold_answers()
    waiting = asyncio.get_running_loop().create_task(ask(here.peers, there))
    await until(lambda: here.gate.said)
    here.peers.forget(OWNER)
    assert await waiting is Outcome.UNREACHABLE
    here.release_answers()
    await until(lambda: not [end for end in here.gate.ends if end.transport and not end.transport.is_closing()])
    assert here.reports.kinds() == []
