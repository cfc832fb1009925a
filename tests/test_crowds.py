"""Many connections of one node at once: each gets its outcome, in order, and nobody else waits for it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable

import pytest

from answers import answered
from crowd import API, KEY, OWNER, Client, Crowd
from gateway.conversation import Conversation
from gateway.counters import Limit
from gateway.crowds import MAX_WAITING, MAX_WAITING_BYTES, Crowds
from gateway.model.audience import Audience
from gateway.model.ids import ApiId, ConnectionId, NodeNumber, StageName, connection_id
from gateway.model.limits import MAX_EARLY_POSTS, MAX_TOLD
from gateway.model.peer import (
    Broadcast,
    ConnectionInfo,
    GetInfo,
    JoinGroup,
    ListConnections,
    Listing,
    Outcome,
    Outcomes,
    PeerAnswer,
    PostToMany,
    Reached,
)
from gateway.slices import Slices
from node_doubles import FakeSocket, until_idle
from sample_definitions import handshake

ABSENT = connection_id(OWNER, b"absent", KEY)


@pytest.fixture
async def crowd() -> AsyncIterator[Crowd]:
    made = Crowd()
    yield made
    await made.close()


async def post(crowd: Crowd, *targets: ConnectionId, data: bytes = b"hi", api_id: ApiId = API) -> PeerAnswer:
    return await answered(crowd.crowds.answer(OWNER, PostToMany(api_id, targets, data)))


async def test_each_has_its_outcome(crowd: Crowd) -> None:
    well, slow, closing = await crowd.opened(3)
    slow.socket.buffered = 199_999
    await answered(crowd.crowds.answer(OWNER, PostToMany(API, (), b"")))
    crowd.node.violated(conversation_of(crowd, closing.connection_id), 1002, "wrong")
    targets = (closing.connection_id, well.connection_id, ABSENT, slow.connection_id)
    wanted = (Outcome.GONE, Outcome.DONE, Outcome.GONE, Outcome.LIMITED)
    assert await post(crowd, *targets) == Outcomes(wanted)
    assert (well.socket.sent, slow.socket.sent, closing.socket.sent) == ([b"hi"], [], [])
    assert crowd.counters.posts == 2


def conversation_of(crowd: Crowd, connection_id: ConnectionId) -> Conversation:
    return crowd.node._live[connection_id]


async def test_it_keeps_a_connection_from_being_idle(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    crowd.clock.advance(60_000)
    before = crowd.clock.wall_ms
    await post(crowd, client.connection_id)
    info = await answered(crowd.crowds.answer(OWNER, GetInfo(API, client.connection_id)))
    assert isinstance(info, ConnectionInfo)
    assert info.last_active_at_ms == before


async def test_another_api_and_another_node(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    assert await post(crowd, client.connection_id, api_id=ApiId("zzzzzzzzzz")) == Outcomes((Outcome.GONE,))
    stranger = crowd.crowds.answer(NodeNumber(99), PostToMany(API, (client.connection_id,), b"x"))
    assert await answered(stranger) == Outcomes((Outcome.UNREACHABLE,))


async def test_what_is_no_text_is_replaced_as_in_a_post(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    await post(crowd, client.connection_id, data=b"\xff")
    assert client.socket.sent == ["\ufffd".encode()]
    wrong = b"\xff" * 199_000  # of a buffer of 200,000 bytes, as a post to one would be
    assert await post(crowd, client.connection_id, data=wrong) == Outcomes((Outcome.DONE,))


async def test_two_messages_leave_in_the_order_of_their_calls(crowd: Crowd) -> None:
    clients = await crowd.opened(300)
    targets = tuple(client.connection_id for client in clients)
    calls = [crowd.crowds.answer(OWNER, PostToMany(API, targets, data)) for data in (b"1", b"2", b"3")]
    await asyncio.gather(*(answered(call) for call in calls))
    assert all(client.socket.sent == [b"1", b"2", b"3"] for client in clients)


async def test_a_queue_that_is_full_is_limited(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    async with crowd.crowds._turn:  # somebody's takes long
        loop = asyncio.get_running_loop()
        calls = [loop.create_task(post(crowd, client.connection_id)) for _ in range(MAX_WAITING + 1)]
        await until_idle(lambda: calls[-1].done())
    answers = await asyncio.gather(*calls)
    assert answers == [Outcomes((Outcome.DONE,))] * MAX_WAITING + [Outcome.LIMITED]
    assert crowd.counters.exceeded[Limit.WAITING_TO_MANY] == 1
    assert await post(crowd, client.connection_id) == Outcomes((Outcome.DONE,))


async def test_a_call_that_is_given_up_is_carried_out_in_its_turn(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    async with crowd.crowds._turn:  # somebody's takes long
        given_up = asyncio.get_running_loop().create_task(post(crowd, client.connection_id, data=b"first"))
        await asyncio.sleep(0)
        given_up.cancel()
    assert await post(crowd, client.connection_id, data=b"next") == Outcomes((Outcome.DONE,))
    assert given_up.cancelled()
    assert client.socket.sent == [b"first", b"next"]


async def test_as_many_bytes_wait_as_there_is_room_for_and_one_that_is_longer(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    longest, half = bytes(MAX_WAITING_BYTES + 1), bytes(MAX_WAITING_BYTES // 2)
    async with crowd.crowds._turn:  # somebody's takes long
        loop = asyncio.get_running_loop()

        def posts(*data: bytes) -> list[asyncio.Task[PeerAnswer]]:
            return [loop.create_task(post(crowd, client.connection_id, data=each)) for each in data]

        calls = posts(half, half, b"one byte")
        await until_idle(lambda: calls[-1].done())
    late = Outcomes((Outcome.LIMITED,))  # a client's buffer is smaller
    assert await asyncio.gather(*calls) == [late, late, Outcome.LIMITED]
    assert await asyncio.gather(*posts(longest)) == [late]


async def test_a_post_to_one_that_is_still_connecting_waits_and_holds_up_nobody() -> None:
    crowd = Crowd(early_post_ms=5_000)
    (client,) = await crowd.opened()
    gate = crowd.functions.gates["connect"] = asyncio.Event()
    socket = FakeSocket()
    crowd.node.handshake(socket, handshake(path="/dev"))
    await until_idle(lambda: len(crowd.registry.records) == 2)
    early = next(each.connection_id for each in crowd.registry.records if each.connection_id != client.connection_id)
    waiting = asyncio.ensure_future(post(crowd, early, client.connection_id, ABSENT, data=b"1"))
    await until_idle(lambda: client.socket.sent == [b"1"])
    assert await post(crowd, client.connection_id, data=b"2") == Outcomes((Outcome.DONE,))
    assert not waiting.done()
    gate.set()
    assert await waiting == Outcomes((Outcome.DONE, Outcome.DONE, Outcome.GONE))
    assert (client.socket.sent, socket.sent) == ([b"1", b"2"], [b"1"])
    await crowd.close()


async def test_an_early_post_goes_on_without_who_waited_for_it() -> None:
    crowd = Crowd(early_post_ms=5_000)
    gate = crowd.functions.gates["connect"] = asyncio.Event()
    socket = FakeSocket()
    crowd.node.handshake(socket, handshake(path="/dev"))
    await until_idle(lambda: len(crowd.registry.records) == 1)
    (record,) = crowd.registry.records
    waiting = asyncio.ensure_future(post(crowd, record.connection_id))
    for _ in range(10):
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    gate.set()
    await until_idle(lambda: socket.sent == [b"hi"])
    await crowd.close()


async def test_an_early_post_that_there_is_no_room_for_is_limited_and_not_gone() -> None:
    crowd = Crowd(early_post_ms=5_000)
    gate = crowd.functions.gates["connect"] = asyncio.Event()
    socket = FakeSocket()
    crowd.node.handshake(socket, handshake(path="/dev"))
    await until_idle(lambda: len(crowd.registry.records) == 1)
    (record,) = crowd.registry.records
    waiting = [asyncio.ensure_future(post(crowd, record.connection_id)) for _ in range(MAX_EARLY_POSTS)]
    await asyncio.sleep(0)
    assert await post(crowd, record.connection_id) == Outcomes((Outcome.LIMITED,))
    gate.set()
    assert await asyncio.gather(*waiting) == [Outcomes((Outcome.DONE,))] * MAX_EARLY_POSTS
    await crowd.close()


DEV = Audience(API, StageName("dev"))


async def broadcast(crowd: Crowd, audience: Audience = DEV, data: bytes = b"all", *, waits: bool = True) -> PeerAnswer:
    return await answered(crowd.crowds.answer(OWNER, Broadcast(audience, data, waits)))


async def test_a_broadcast_reaches_everybody_of_the_stage(crowd: Crowd) -> None:
    dev, prod = await crowd.opened(200), await crowd.opened(2, stage="prod")
    dev[3].socket.buffered = 199_999
    assert await broadcast(crowd) == Reached(199, 0, 1, (), (dev[3].connection_id,))
    assert [client.socket.sent for client in dev] == [[b"all"]] * 3 + [[]] + [[b"all"]] * 196
    assert [client.socket.sent for client in prod] == [[], []]


async def test_who_closes_meanwhile_is_gone(crowd: Crowd) -> None:
    one, other = await crowd.opened(2)
    crowd.node.violated(conversation_of(crowd, one.connection_id), 1002, "wrong")
    assert await broadcast(crowd) == Reached(1, 1, 0, (one.connection_id,), ())
    assert other.socket.sent == [b"all"]


async def test_no_more_are_named_than_fit_into_an_answer(crowd: Crowd) -> None:
    clients = await crowd.opened(MAX_TOLD + 1)
    for client in clients:
        client.socket.buffered = 199_999
    answer = await broadcast(crowd)
    assert isinstance(answer, Reached)
    assert (answer.sent, answer.limited, len(answer.limited_ids)) == (0, MAX_TOLD + 1, MAX_TOLD)


async def test_broadcasts_leave_in_the_order_of_their_calls_whoever_waits(crowd: Crowd) -> None:
    clients = await crowd.opened(300)
    assert await broadcast(crowd, data=b"1", waits=False) is Outcome.DONE
    assert await broadcast(crowd, data=b"2", waits=False) is Outcome.DONE
    waiting = crowd.crowds.answer(OWNER, Broadcast(DEV, b"3"))
    assert await broadcast(crowd, data=b"4", waits=False) is Outcome.DONE
    assert await answered(waiting) == Reached(300)
    assert await broadcast(crowd, data=b"5") == Reached(300)
    assert all(client.socket.sent == [b"1", b"2", b"3", b"4", b"5"] for client in clients)


async def test_what_nobody_waits_for_is_queued_as_far_as_there_is_room(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    async with crowd.crowds._turn:  # somebody's takes long
        answers = [await broadcast(crowd, waits=False) for _ in range(MAX_WAITING + 1)]
    assert answers == [Outcome.DONE] * MAX_WAITING + [Outcome.LIMITED]
    await until_idle(lambda: len(client.socket.sent) == MAX_WAITING)


async def test_others_do_not_wait_for_a_broadcast(crowd: Crowd) -> None:
    """Somebody's post goes out between two slices, however long the broadcast takes."""
    clients = await crowd.opened(400)

    class Slow(FakeSocket):
        def send_text(self, data: bytes) -> None:
            end = time.monotonic() + 0.0005
            while time.monotonic() < end:
                pass
            super().send_text(data)

    for client in clients:
        client.socket.__class__ = Slow
    running = asyncio.get_running_loop().create_task(broadcast(crowd))
    gaps: list[float] = []
    last = time.monotonic()
    while not running.done():
        await asyncio.sleep(0)
        gaps.append(time.monotonic() - last)
        last = time.monotonic()
    assert len(gaps) >= 5, "it was done at one stretch"
    assert running.result() == Reached(400)


async def test_another_nodes_broadcast(crowd: Crowd) -> None:
    await crowd.opened(2)
    assert await answered(crowd.crowds.answer(NodeNumber(99), Broadcast(DEV, b"x"))) is Outcome.UNREACHABLE
    assert await answered(crowd.crowds.answer(NodeNumber(99), Broadcast(DEV, b"x", False))) is Outcome.UNREACHABLE


async def test_a_broadcast_to_a_group_looks_at_its_members_alone(crowd: Crowd) -> None:
    one, other, stranger = await crowd.opened(3)
    for client in (other, one):
        assert crowd.node.answer(OWNER, JoinGroup(API, client.connection_id, DEV.stage, "room")) is Outcome.DONE

    class Untouched(FakeSocket):
        def buffered_bytes(self) -> int:
            raise AssertionError("it is no member")

    stranger.socket.__class__ = Untouched
    room = Audience(API, DEV.stage, group="room")
    assert await broadcast(crowd, room) == Reached(2)
    assert await broadcast(crowd, Audience(API, DEV.stage, frozenset({one.connection_id}), group="room")) == Reached(1)
    assert await broadcast(crowd, Audience(API, StageName("prod"), group="room")) == Reached(0)
    assert await broadcast(crowd, Audience(API, DEV.stage, group="empty")) == Reached(0)
    assert (one.socket.sent, other.socket.sent) == ([b"all"], [b"all"] * 2)


async def test_a_list_is_made_beside_a_broadcast(crowd: Crowd) -> None:
    """Neither waits for the other's turn."""
    await crowd.opened(2)
    async with crowd.crowds._turn:
        answer = await answered(crowd.crowds.answer(OWNER, ListConnections(DEV, 0)))
    assert answer == Listing(2)


# -- what goes wrong between two slices, at each of them in turn -----------------------------------------------------


class Struck(Slices):
    """Two steps to a slice; ``what`` happens behind slice number ``at``."""

    __slots__ = ("_at", "_done", "_what")

    def __init__(self, at: int, what: Callable[[], object]) -> None:
        super().__init__()
        self.at_once = 2
        self._at, self._what, self._done = at, what, 0

    async def rest(self) -> None:
        self._done += 1
        if self._done == self._at:
            self._what()
        await asyncio.sleep(0)


COUNT, SLICES = 8, range(1, 5)


async def struck(crowd: Crowd, at: int, what: Callable[[], object]) -> list[Client]:
    """So many clients of a node whose work for many is struck there."""
    crowd.crowds = Crowds(crowd.node, lambda: Struck(at, what))
    return await crowd.opened(COUNT)


def fence(crowd: Crowd) -> None:
    crowd.tenure.lease.lapse()
    crowd.node.fence()


def comes_back(crowd: Crowd) -> None:
    fence(crowd)
    crowd.tenure.begin(NodeNumber(8), math.inf)


@pytest.mark.parametrize("at", SLICES)
@pytest.mark.parametrize(
    ("how", "says"),
    [
        (fence, Outcome.FENCED),
        (lambda crowd: crowd.tenure.lease.lapse(), Outcome.FENCED),  # it was stopped: nobody has told it
        (comes_back, Outcome.GONE),
    ],
)
async def test_who_is_fenced_in_the_midst_sends_no_more_and_says_so(
    crowd: Crowd, at: int, how: Callable[[Crowd], object], says: Outcome
) -> None:
    clients = await struck(crowd, at, lambda: how(crowd))
    targets = tuple(client.connection_id for client in clients)
    had = 2 * at
    assert await post(crowd, *targets) == Outcomes((Outcome.DONE,) * had + (says,) * (COUNT - had))
    assert [client.socket.sent for client in clients] == [[b"hi"]] * had + [[]] * (COUNT - had)


@pytest.mark.parametrize("at", SLICES)
@pytest.mark.parametrize(("how", "says"), [(fence, Outcome.FENCED), (comes_back, Outcome.GONE)])
async def test_who_is_fenced_in_the_midst_of_a_broadcast(
    crowd: Crowd, at: int, how: Callable[[Crowd], object], says: Outcome
) -> None:
    clients = await struck(crowd, at, lambda: how(crowd))
    answer = await broadcast(crowd)
    assert answer == (Reached(COUNT) if at == SLICES[-1] else says), "behind the last there is nothing left to do"
    assert [client.socket.sent for client in clients] == [[b"all"]] * 2 * at + [[]] * (COUNT - 2 * at)
    assert await broadcast(crowd) is says


@pytest.mark.parametrize("at", SLICES)
async def test_who_leaves_in_the_midst_counts_whom_it_has_let_go(crowd: Crowd, at: int) -> None:
    clients = await struck(crowd, at, lambda: [let_go(False) for let_go in crowd.node.begin_leaving()])
    late = tuple(client.connection_id for client in clients[2 * at :])
    assert await broadcast(crowd) == Reached(2 * at, len(late), 0, late)
    assert {client.socket.closed for client in clients} == {(1001, "Going away")}


@pytest.mark.parametrize("at", SLICES)
async def test_who_connects_in_the_midst_does_not_get_it_and_who_closes_is_gone(crowd: Crowd, at: int) -> None:
    news: list[FakeSocket] = []

    def comes_and_goes() -> None:
        news.append(FakeSocket())
        crowd.node.handshake(news[-1], handshake(path="/dev"))
        crowd.node.peer_lost(conversation_of(crowd, clients[-1].connection_id))

    clients = await struck(crowd, at, comes_and_goes)
    last = clients[-1].connection_id
    expected = Reached(COUNT) if at == SLICES[-1] else Reached(COUNT - 1, 1, 0, (last,))
    assert await broadcast(crowd) == expected
    await until_idle(lambda: news[0].is_open)
    assert news[0].sent == []


async def test_what_fails_is_reported_and_the_next_has_its_turn(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    ours = crowd.crowds

    def fail() -> None:
        raise RuntimeError("nobody expected this")

    crowd.crowds = Crowds(crowd.node, lambda: Struck(1, fail))
    assert await broadcast(crowd) is Outcome.UNREACHABLE
    assert await post(crowd, client.connection_id) is Outcome.UNREACHABLE
    assert [line[1].partition(" (")[0] for line in crowd.reporter.told if line[0] == "failed"] == [
        "a broadcast failed: RuntimeError: nobody expected this",
        "a batch post failed: RuntimeError: nobody expected this",
    ]
    crowd.crowds = ours
    assert await broadcast(crowd) == Reached(1)


# -- the queue -------------------------------------------------------------------------------------------------------


async def test_catching_up_waits_for_what_was_taken_before(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    turn = crowd.crowds._turn
    await turn.acquire()
    for data in (b"1", b"2"):
        await broadcast(crowd, data=data, waits=False)
    caught_up = asyncio.get_running_loop().create_task(crowd.crowds.catch_up(60))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not caught_up.done()
    turn.release()
    await caught_up
    assert client.socket.sent == [b"1", b"2"]


async def test_catching_up_is_bounded(crowd: Crowd) -> None:
    async with crowd.crowds._turn:  # somebody's takes long
        await crowd.crowds.catch_up(0.01)
