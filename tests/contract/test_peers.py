"""The contract of ``gateway.ports.Peers`` and ``PeerService``, held against every implementation."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.model.audience import Audience
from gateway.model.ids import ApiId, ConnectionId, NodeNumber, StageName, connection_id
from gateway.model.limits import LIFTED_MESSAGE_BYTES, MAX_EXCEPTED, MAX_MESSAGE_BYTES, MAX_TARGETS
from gateway.model.member import Member
from gateway.model.peer import (
    Broadcast,
    ConnectionInfo,
    DeleteIt,
    GetInfo,
    Outcome,
    Outcomes,
    PeerAnswer,
    PeerRequest,
    PostTo,
    PostToMany,
    Reached,
)
from gateway.peers.bounds import MAX_IN_FLIGHT
from gateway.ports import Peers
from peer_doubles import (
    API,
    AT_ONCE_S,
    CONNECTION,
    DEADLINE_S,
    DELETE,
    GET,
    LONG_MS,
    OWNER,
    POST,
    WORLDS,
    Owner,
    World,
    member,
    until,
    world,
)

MANY = tuple(connection_id(NodeNumber(n), n.to_bytes(6, "big"), b"key") for n in range(MAX_TARGETS))

AUDIENCE = Audience(API, StageName("\u2603"), frozenset(MANY[:MAX_EXCEPTED]), 2**53, "\u2603" * 1_024)


@pytest.fixture(params=WORLDS)
async def here(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own would be too long a path for a socket
        made = world(request.param, Path(folder))
        yield made
        await made.close()


async def ask(here: World, there: Member, request: PeerRequest = POST, wait_ms: int = LONG_MS) -> PeerAnswer:
    peers: Peers = here.peers
    async with asyncio.timeout(DEADLINE_S):
        return await peers.ask(there, request, wait_ms)


def asking(here: World, there: Member, requests: list[PeerRequest]) -> list[asyncio.Task[PeerAnswer]]:
    """All side by side."""
    loop = asyncio.get_running_loop()
    return [loop.create_task(ask(here, there, request)) for request in requests]


@pytest.mark.parametrize(
    "wanted",
    [
        *Outcome,
        pytest.param(ConnectionInfo(1_700_000_000_123, 1_700_000_000_456, "203.0.113.9", "agent/1"), id="info"),
        pytest.param(ConnectionInfo(0, 0, "2001:db8::1", None), id="no user agent"),
        pytest.param(ConnectionInfo(0, 2**53, "", ""), id="empty"),
        pytest.param(ConnectionInfo(1, 2, "x", "schl\u00fcssel \u2603 \U0001f600 \ud800"), id="unicode"),
        pytest.param(ConnectionInfo(1, 2, "x", "x" * 1024), id="long user agent"),
        pytest.param(Outcomes(()), id="none"),
        pytest.param(Reached(0), id="nobody reached"),
        pytest.param(Reached(2**32 - 1, 1_000, 1_001, MANY[:1_000], MANY[1_000:2_000]), id="many not reached"),
        pytest.param(Outcomes(tuple(Outcome) * 2_000), id="many"),
    ],
)
async def test_the_owners_answer_comes_back(here: World, wanted: PeerAnswer) -> None:
    there = await here.start(Owner(lambda _: wanted))
    assert await ask(here, there, GET) == wanted


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(POST, id="post"),
        pytest.param(GET, id="get"),
        pytest.param(DELETE, id="delete"),
        pytest.param(DeleteIt(API, CONNECTION, 4001, "schl\u00fcssel \ud800"), id="delete with another close"),
        pytest.param(DeleteIt(API, CONNECTION, 4999, ""), id="delete without a reason"),
        pytest.param(PostTo(API, CONNECTION, b""), id="empty"),
        pytest.param(PostTo(API, CONNECTION, b"\xff\xfe\x00\xc3\x28"), id="no UTF-8"),
        pytest.param(PostTo(API, CONNECTION, bytes(range(256)) * (MAX_MESSAGE_BYTES // 256)), id="AWS's longest"),
        pytest.param(PostTo(API, CONNECTION, bytes(LIFTED_MESSAGE_BYTES)), id="longest"),
        pytest.param(GetInfo(ApiId("\u2603" * 100), ConnectionId("")), id="odd identifiers"),
        pytest.param(PostToMany(API, (), b""), id="nobody"),
        pytest.param(Broadcast(Audience(API, StageName("prod")), b""), id="broadcast"),
        pytest.param(Broadcast(AUDIENCE, bytes(MAX_MESSAGE_BYTES), False), id="longest broadcast"),
        pytest.param(Broadcast(AUDIENCE, bytes(LIFTED_MESSAGE_BYTES), True, True), id="longest binary broadcast"),
        pytest.param(PostToMany(API, MANY, bytes(range(256)) * (MAX_MESSAGE_BYTES // 256)), id="longest to most"),
        pytest.param(PostToMany(API, MANY, bytes(LIFTED_MESSAGE_BYTES), True), id="longest binary to most"),
    ],
)
async def test_the_owner_is_asked_just_that(here: World, request_: PeerRequest) -> None:
    owner = Owner()
    assert await ask(here, await here.start(owner), request_) is Outcome.DONE
    assert owner.asked == [request_]


async def test_an_answer_that_comes_later_holds_up_no_other(here: World) -> None:
    go_on = asyncio.Event()

    async def later() -> PeerAnswer:
        await go_on.wait()
        return Outcome.DONE

    owner = Owner(reply=lambda request: later() if request == POST else Outcome.LIMITED)
    there = await here.start(owner)
    held = asyncio.ensure_future(ask(here, there, POST))
    assert await ask(here, there, DELETE) is Outcome.LIMITED
    async with asyncio.timeout(DEADLINE_S):
        while POST not in owner.asked:  # noqa: ASYNC110 - nothing could set an event for it
            await asyncio.sleep(0)
    assert not held.done()
    go_on.set()
    assert await held is Outcome.DONE


async def test_more_than_a_message_may_hold_is_not_sent(here: World) -> None:
    owner = Owner()
    there = await here.start(owner)
    too_long = PostTo(API, CONNECTION, bytes(LIFTED_MESSAGE_BYTES + 1))
    assert await ask(here, there, too_long) is Outcome.UNREACHABLE
    assert await ask(here, there, POST) is Outcome.DONE
    assert await ask(here, there, too_long) is Outcome.UNREACHABLE
    assert owner.asked == [POST]


async def test_what_takes_its_time_holds_up_nobody(here: World) -> None:
    owner, let_go = Owner(), asyncio.Event()

    async def many() -> PeerAnswer:
        await let_go.wait()
        return Outcomes((Outcome.GONE,))

    there = await here.start(owner)
    owner.reply = lambda request: many() if isinstance(request, PostToMany) else Outcome.LIMITED
    (waiting,) = asking(here, there, [PostToMany(API, MANY[:1], b"x")])
    await until(lambda: owner.asked)
    assert await ask(here, there) is Outcome.LIMITED
    assert not waiting.done()
    let_go.set()
    assert await waiting == Outcomes((Outcome.GONE,))


async def test_a_node_that_dies_while_it_takes_its_time_is_unreachable_at_once(here: World) -> None:
    async def never() -> PeerAnswer:
        await asyncio.get_running_loop().create_future()
        raise AssertionError("nobody ends it")

    owner = Owner(lambda request: never())
    there = await here.start(owner)
    (waiting,) = asking(here, there, [PostToMany(API, MANY, b"x")])
    await until(lambda: owner.asked)
    await here.stop()
    async with asyncio.timeout(AT_ONCE_S):
        assert await waiting is Outcome.UNREACHABLE


async def test_another_incarnation_does_not_have_it(here: World) -> None:
    owner = Owner(number=OWNER + 1)
    assert await ask(here, await here.start(owner)) is Outcome.GONE
    assert owner.asked == []


async def test_a_node_that_is_not_there_is_unreachable_at_once(here: World) -> None:
    there = await here.start(Owner())
    await here.stop()
    assert await ask(here, there) is Outcome.UNREACHABLE


async def test_a_node_without_an_address_is_unreachable(here: World) -> None:
    assert await ask(here, member()) is Outcome.UNREACHABLE


@pytest.mark.parametrize("connected", [False, True])
async def test_what_nobody_waits_for_is_not_carried_out(here: World, connected: bool) -> None:
    owner = Owner()
    there = await here.start(owner)
    if connected:
        await ask(here, there, GET)
    assert await ask(here, there, POST, wait_ms=0) is Outcome.UNREACHABLE
    await ask(here, there, DELETE)
    assert POST not in owner.asked


async def test_a_node_that_never_answers_is_unreachable_and_its_late_answer_ignored(here: World) -> None:
    owner = Owner()
    there = await here.start(owner)
    await ask(here, there)
    here.hold_answers()
    assert await ask(here, there, GET, wait_ms=60) is Outcome.UNREACHABLE
    here.release_answers()
    owner.reply = lambda _: Outcome.LIMITED
    assert await ask(here, there, DELETE) is Outcome.LIMITED
    assert owner.asked == [POST, GET, DELETE]


async def test_a_node_that_dies_with_a_request_in_hand_is_unreachable_at_once(here: World) -> None:
    owner = Owner()
    there = await here.start(owner)
    await ask(here, there)
    here.hold_answers()
    waiting = asking(here, there, [GET, DELETE])
    await until(lambda: len(owner.asked) == 3)
    await here.stop()
    assert await asyncio.gather(*waiting) == [Outcome.UNREACHABLE] * 2
    assert owner.asked == [POST, GET, DELETE]


async def test_a_node_that_has_started_again_is_asked_again(here: World) -> None:
    there = await here.start(Owner())
    assert await ask(here, there) is Outcome.DONE
    await here.stop()
    back = Owner(lambda _: Outcome.LIMITED)
    there = await here.start(back)

    async def answered() -> PeerAnswer:
        """Past those that are lost with the old connection."""
        while (answer := await ask(here, there)) is Outcome.UNREACHABLE:
            pass
        return answer

    async with asyncio.timeout(DEADLINE_S):
        assert await answered() is Outcome.LIMITED
    assert back.asked == [POST]


async def test_requests_do_not_wait_for_each_other(here: World) -> None:
    owner = Owner()
    there = await here.start(owner)
    posts: list[PeerRequest] = [PostTo(API, CONNECTION, str(number).encode()) for number in range(50)]
    await ask(here, there)
    here.hold_answers()
    waiting = asking(here, there, posts)
    await until(lambda: len(owner.asked) == 51)
    assert not any(task.done() for task in waiting)
    here.release_answers()
    assert await asyncio.gather(*waiting) == [Outcome.DONE] * 50
    assert owner.asked[1:] == posts


@pytest.mark.parametrize("connected", [False, True])
async def test_each_gets_the_answer_to_its_own(here: World, connected: bool) -> None:
    def reply(request: PeerRequest) -> PeerAnswer:
        assert isinstance(request, GetInfo)
        return ConnectionInfo(int(request.connection_id), 0, "", None)

    there = await here.start(Owner(reply))
    if connected:
        await ask(here, there, GetInfo(API, ConnectionId("0")))
    answers = await asyncio.gather(*asking(here, there, [GetInfo(API, ConnectionId(str(n))) for n in range(500)]))
    assert answers == [ConnectionInfo(number, 0, "", None) for number in range(500)]


async def test_many_long_posts_at_once(here: World) -> None:
    owner = Owner()
    there = await here.start(owner)
    posts: list[PeerRequest] = [PostTo(API, CONNECTION, bytes([n]) * MAX_MESSAGE_BYTES) for n in range(20)]
    assert await asyncio.gather(*asking(here, there, posts)) == [Outcome.DONE] * 20
    assert owner.asked == posts


async def test_as_much_as_is_allowed_may_wait_and_no_more(here: World) -> None:
    owner = Owner()
    there = await here.start(owner)
    await ask(here, there)
    here.hold_answers()
    waiting = asking(here, there, [GET] * MAX_IN_FLIGHT)
    await until(lambda: len(owner.asked) == MAX_IN_FLIGHT + 1)
    assert await ask(here, there) is Outcome.UNREACHABLE
    here.release_answers()
    assert await asyncio.gather(*waiting) == [Outcome.DONE] * MAX_IN_FLIGHT
    assert await ask(here, there) is Outcome.DONE
    assert owner.asked.count(POST) == 2


async def test_whoever_asks_may_go_away(here: World) -> None:
    owner = Owner()
    there = await here.start(owner)
    await ask(here, there)
    here.hold_answers()
    leaves, stays = asking(here, there, [GET, DELETE])
    await until(lambda: len(owner.asked) == 3)
    leaves.cancel()
    here.release_answers()
    assert await stays is Outcome.DONE
    assert await ask(here, there) is Outcome.DONE


async def test_forgetting_a_node_ends_what_waits_for_it(here: World) -> None:
    owner = Owner()
    there = await here.start(owner)
    await ask(here, there)
    here.hold_answers()
    waiting = asking(here, there, [GET])
    await until(lambda: len(owner.asked) == 2)
    here.peers.forget(OWNER)
    here.peers.forget(OWNER)
    here.peers.forget(NodeNumber(99))
    assert await waiting[0] is Outcome.UNREACHABLE
    here.release_answers()
    assert await ask(here, there, DELETE) is Outcome.DONE
    assert owner.asked == [POST, GET, DELETE]


@pytest.mark.parametrize("connected", [False, True])
async def test_after_close_everybody_is_unreachable(here: World, connected: bool) -> None:
    owner = Owner()
    there = await here.start(owner)
    if connected:
        await ask(here, there)
    here.hold_answers()
    waiting = asking(here, there, [GET])
    await asyncio.sleep(0)
    await here.peers.close()
    await here.peers.close()
    assert await waiting[0] is Outcome.UNREACHABLE
    assert await ask(here, there, DELETE) is Outcome.UNREACHABLE
    assert DELETE not in owner.asked
