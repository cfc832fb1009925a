"""Groups as a node has them: joined by a call or by what answers ``$connect``, left with the socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from crowd import API, OWNER, Client, Crowd
from gateway.counters import Limit
from gateway.model.group import Group
from gateway.model.ids import ApiId, ConnectionId, NodeNumber, StageName
from gateway.model.limits import MAX_GROUPS
from gateway.model.peer import GetGroups, InGroups, JoinGroup, LeaveGroup, OneAnswer, Outcome
from node_doubles import FakeSocket, returning, until_idle
from sample_definitions import handshake

DEV, PROD = StageName("dev"), StageName("prod")


@pytest.fixture
async def crowd() -> AsyncIterator[Crowd]:
    made = Crowd()
    yield made
    await made.close()


Answer = OneAnswer | Coroutine[Any, Any, Outcome]


def join(crowd: Crowd, connection_id: ConnectionId, name: str = "room", stage: StageName = DEV) -> Answer:
    return crowd.node.answer(OWNER, JoinGroup(API, connection_id, stage, name))


def leave(crowd: Crowd, connection_id: ConnectionId, name: str = "room") -> Answer:
    return crowd.node.answer(OWNER, LeaveGroup(API, connection_id, DEV, name))


def groups(crowd: Crowd, connection_id: ConnectionId) -> Answer:
    return crowd.node.answer(OWNER, GetGroups(API, connection_id, DEV))


def members(crowd: Crowd, name: str = "room", stage: StageName = DEV) -> list[ConnectionId]:
    return [each.connection.connection_id for each in crowd.node.conversations(Group(API, stage, name))]


async def test_joining_and_leaving(crowd: Crowd) -> None:
    one, other = [client.connection_id for client in await crowd.opened(2)]
    assert [join(crowd, each) for each in (other, one, other)] == [Outcome.DONE] * 3
    assert join(crowd, one, "second") is Outcome.DONE
    assert members(crowd) == [other, one]
    assert groups(crowd, one) == InGroups(("room", "second"))
    assert [leave(crowd, one), leave(crowd, one), leave(crowd, one, "never")] == [Outcome.DONE] * 3
    assert groups(crowd, one) == InGroups(("second",))
    assert members(crowd) == [other]


async def test_who_is_of_another_stage_api_or_node(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    connection_id = client.connection_id
    assert join(crowd, connection_id, stage=PROD) is Outcome.GONE
    assert crowd.node.answer(OWNER, JoinGroup(ApiId("zzzzzzzzzz"), connection_id, DEV, "room")) is Outcome.GONE
    assert crowd.node.answer(NodeNumber(99), JoinGroup(API, connection_id, DEV, "room")) is Outcome.UNREACHABLE
    assert members(crowd) == members(crowd, stage=PROD) == []


async def test_a_group_is_of_its_stage(crowd: Crowd) -> None:
    (dev,), (prod,) = await crowd.opened(), await crowd.opened(stage="prod")
    join(crowd, dev.connection_id)
    assert join(crowd, prod.connection_id, stage=PROD) is Outcome.DONE
    assert (members(crowd), members(crowd, stage=PROD)) == ([dev.connection_id], [prod.connection_id])


async def test_as_many_as_are_settled_and_no_more() -> None:
    crowd = Crowd(max_groups=2)
    (client,) = await crowd.opened()
    answers = [join(crowd, client.connection_id, name) for name in ("a", "b", "c", "a")]
    assert answers == [Outcome.DONE, Outcome.DONE, Outcome.IN_MANY, Outcome.DONE]
    assert groups(crowd, client.connection_id) == InGroups(("a", "b"))
    assert crowd.counters.exceeded[Limit.GROUPS] == 1
    await crowd.close()


async def closed_by_us(crowd: Crowd, client: Client) -> None:
    crowd.node.violated(crowd.node._live[client.connection_id], 1002, "wrong")


async def closed_by_the_client(crowd: Crowd, client: Client) -> None:
    crowd.node.peer_closed(crowd.node._live[client.connection_id], 1000, "")


async def lost(crowd: Crowd, client: Client) -> None:
    crowd.node.peer_lost(crowd.node._live[client.connection_id])


async def fenced(crowd: Crowd, client: Client) -> None:
    crowd.node.fence()


async def stopped(crowd: Crowd, client: Client) -> None:
    await crowd.node.stop(0.1)


@pytest.mark.parametrize("ends", [closed_by_us, closed_by_the_client, lost, fenced, stopped])
async def test_a_membership_ends_with_the_socket(crowd: Crowd, ends: Any) -> None:
    (client,) = await crowd.opened()
    join(crowd, client.connection_id)
    join(crowd, client.connection_id, "second")
    await ends(crowd, client)
    assert members(crowd) == []
    assert len(crowd.node.groups) == 0


async def test_a_fenced_node_says_so(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    crowd.tenure.begin(OWNER, 0)
    assert join(crowd, client.connection_id) is Outcome.FENCED


async def test_before_the_upgrade_it_is_gone_as_for_a_post(crowd: Crowd) -> None:
    gate = crowd.functions.gates["connect"] = asyncio.Event()
    socket = FakeSocket()
    conversation = crowd.node.handshake(socket, handshake(path="/dev"))
    assert conversation is not None
    await until_idle(lambda: bool(crowd.functions.events("connect")))
    assert join(crowd, conversation.connection.connection_id) is Outcome.GONE
    gate.set()
    await until_idle(lambda: socket.is_open)
    assert join(crowd, conversation.connection.connection_id) is Outcome.DONE


async def test_where_posts_wait_for_the_upgrade_groups_do_too() -> None:
    crowd = Crowd(early_post_ms=5_000)
    gate = crowd.functions.gates["connect"] = asyncio.Event()
    socket = FakeSocket()
    conversation = crowd.node.handshake(socket, handshake(path="/dev"))
    assert conversation is not None
    connection_id = conversation.connection.connection_id
    await until_idle(lambda: bool(crowd.functions.events("connect")))
    loop = asyncio.get_running_loop()
    asked = [join(crowd, connection_id, "a"), join(crowd, connection_id, "b"), leave(crowd, connection_id, "a")]
    waiting = [loop.create_task(each) for each in asked if isinstance(each, Coroutine)]
    assert groups(crowd, connection_id) is Outcome.GONE
    gate.set()
    assert await asyncio.gather(*waiting) == [Outcome.DONE] * 3
    assert groups(crowd, connection_id) == InGroups(("b",))
    await crowd.close()


async def test_who_is_in_no_group_costs_nothing(crowd: Crowd) -> None:
    await crowd.opened(10)
    assert len(crowd.node.groups) == 0


# -- what answers $connect -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "listed",
    [
        {"headers": {"X-Fleet-Groups": "room-1, room 2"}},
        {"headers": {"x-fleet-groups": "room-1,room 2,"}},
        {"multiValueHeaders": {"X-Fleet-Groups": ["room-1", "room 2, room-1"]}},
        {"headers": {"X-Fleet-Groups": "room-1"}, "multiValueHeaders": {"X-Fleet-Groups": ["room 2"]}},
    ],
)
async def test_groups_are_joined_before_the_client_is_told(crowd: Crowd, listed: dict[str, Any]) -> None:
    crowd.functions.scripts["connect"] = returning({"statusCode": 200, **listed})
    (client,) = await crowd.opened()
    assert groups(crowd, client.connection_id) == InGroups(("room-1", "room 2"))
    assert crowd.reporter.kinds() == ["opened"]


async def test_at_the_101_it_is_a_member_already(crowd: Crowd) -> None:
    seen: list[list[ConnectionId]] = []

    class Watching(FakeSocket):
        def accept(self, subprotocol: str | None) -> None:
            seen.append(members(crowd))
            super().accept(subprotocol)

    crowd.functions.scripts["connect"] = returning({"statusCode": 200, "headers": {"X-Fleet-Groups": "room"}})
    conversation = crowd.node.handshake(Watching(), handshake(path="/dev"))
    assert conversation is not None
    await until_idle(lambda: bool(seen))
    assert seen == [[conversation.connection.connection_id]]


async def test_what_cannot_be_joined_is_told_and_the_rest_is_joined(crowd: Crowd) -> None:
    listed = {"X-Fleet-Groups": f"a/b, room, {'x' * 129}"}
    crowd.functions.scripts["connect"] = returning({"statusCode": 200, "headers": listed})
    (client,) = await crowd.opened()
    assert groups(crowd, client.connection_id) == InGroups(("room",))
    warned = [line[1] for line in crowd.reporter.told if line[0] == "warned"]
    assert warned == [
        f"X-Fleet-Groups of {client.connection_id}: 'a/b' cannot be a group's name: printable characters without / and "
        ", can, but . and ..; and 1 more"
    ]
    assert crowd.counters.exceeded[Limit.GROUP_NAME] == 2


async def test_more_than_may_be_joined_are_told(crowd: Crowd) -> None:
    names = [str(n) for n in range(MAX_GROUPS + 3)]
    headers = {"X-Fleet-Groups": ",".join(names)}
    crowd.functions.scripts["connect"] = returning({"statusCode": 200, "headers": headers})
    (client,) = await crowd.opened()
    assert groups(crowd, client.connection_id) == InGroups(tuple(names[:MAX_GROUPS]))
    warned = [line[1] for line in crowd.reporter.told if line[0] == "warned"]
    assert warned == [
        f"X-Fleet-Groups of {client.connection_id}: 3 more than the 100 that one connection may be in, not joined"
    ]


async def test_who_is_refused_joins_nothing_and_does_not_see_the_header(crowd: Crowd) -> None:
    answer = {"statusCode": 403, "headers": {"X-Fleet-Groups": "room", "X-Own": "seen"}}
    crowd.functions.scripts["connect"] = returning(answer)
    socket = FakeSocket()
    crowd.node.handshake(socket, handshake(path="/dev"))
    await until_idle(lambda: socket.refusal is not None)
    assert socket.refusal is not None
    status, headers, _ = socket.refusal
    assert (status, headers.get("X-Own")) == (403, "seen")
    assert "x-fleet-groups" not in {name.lower() for name in headers}
    assert members(crowd) == []
