"""The extensions' paths: what is theirs, who may, and how each is answered; on a node whose ports are doubled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

import signing
from answers import answered
from crowd import KEY, OWNER, SIGNED, Crowd
from gateway.access.keyring import Keyring
from gateway.crowds import MAX_WAITING
from gateway.extensions.service import longest_body
from gateway.management import Guard
from gateway.model.http import HttpRequest
from gateway.model.ids import connection_id
from gateway.model.limits import LIFTED_MESSAGE_BYTES, MAX_MESSAGE_BYTES
from node_doubles import ManualClock, until_idle

ABSENT = connection_id(OWNER, b"absent", KEY)
POST = "/dev/@fleet/post"
BROADCAST = "/dev/@fleet/broadcast"
LONG = b'{"connectionIds":[],"data":"' + b"x" * (MAX_MESSAGE_BYTES + 1) + b'"}'
ROOM = "/dev/@fleet/groups/room%201"
LIST = "/dev/@fleet/connections"
NO_NAME = "'..' cannot be a group's name: printable characters without / and , can, but . and .."
LIMITS = "/dev/@fleet/limits"


@pytest.fixture
async def crowd() -> AsyncIterator[Crowd]:
    made = Crowd()
    yield made
    await made.close()


@pytest.mark.parametrize("path", [POST, "/dev/%40fleet/post", "/prod/@fleet/post", "/dev//@fleet/post"])
async def test_a_batch_post(crowd: Crowd, path: str) -> None:
    one, other = await crowd.opened(2)
    targets = [one.connection_id, ABSENT, "invented", other.connection_id]
    status, told = await crowd.ask("POST", path, {"connectionIds": targets, "data": "grüße"})
    assert status == 200
    assert told["outcomes"] == dict(zip(targets, ("sent", "gone", "forbidden", "sent"), strict=True))
    assert one.socket.sent == other.socket.sent == ["grüße".encode()]


async def test_a_broadcast(crowd: Crowd) -> None:
    one, other, slow = await crowd.opened(3)
    slow.socket.buffered = 199_999
    assert await crowd.ask("POST", f"{BROADCAST}?except={other.connection_id}", b"hi") == (
        200,
        {
            "counts": {"sent": 1, "gone": 0, "limited": 1},
            "gone": [],
            "limited": [slow.connection_id],
            "nodes": {"7": {"sent": 1, "gone": 0, "limited": 1}},
        },
    )
    assert (one.socket.sent, other.socket.sent, slow.socket.sent) == ([b"hi"], [], [])


BINARY = (*SIGNED, ("X-Fleet-Frame", "binary"))


async def test_binary_messages_to_many() -> None:
    crowd = Crowd(binary=True)
    (client,) = await crowd.opened()
    post = {"connectionIds": [client.connection_id], "dataBase64": "/wA="}
    assert (await crowd.ask("POST", POST, post, headers=BINARY))[0] == 200
    assert (await crowd.ask("POST", BROADCAST, b"\xff\x01", headers=BINARY))[0] == 200
    assert (client.socket.sent_binary, client.socket.sent) == ([b"\xff\x00", b"\xff\x01"], [])
    await crowd.close()


@pytest.mark.parametrize("path", [POST, BROADCAST])
async def test_without_the_setting_there_is_nothing_binary(crowd: Crowd, path: str) -> None:
    document = {"connectionIds": [], "data": "x"}
    told = await crowd.ask("POST", path, document, headers=BINARY)
    assert told == (400, {"message": "X-Fleet-Frame: binary needs the setting binary = on"})


async def test_longer_messages_where_the_limit_is_lifted() -> None:
    crowd = Crowd(max_message_bytes=LIFTED_MESSAGE_BYTES, max_out_buffer_bytes=LIFTED_MESSAGE_BYTES)
    (client,) = await crowd.opened()
    long = b"x" * LIFTED_MESSAGE_BYTES
    post = {"connectionIds": [client.connection_id], "data": long.decode()}
    assert (await crowd.ask("POST", POST, post))[1]["counts"] == {"sent": 1}
    assert (await crowd.ask("POST", BROADCAST, long))[1]["counts"]["sent"] == 1
    assert (await crowd.ask("POST", BROADCAST, long + b"x"))[0] == 413
    assert client.socket.sent == [long, long]
    await crowd.close()


async def test_the_limits(crowd: Crowd) -> None:
    status, told = await crowd.ask("GET", LIMITS)
    assert (status, told["profile"]) == (200, "aws")
    assert {each["name"] for each in told["limits"]} > {"idle_timeout_seconds", "binary", "ping_seconds"}


async def test_a_broadcast_that_nobody_waits_for(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    assert await crowd.ask("POST", f"{BROADCAST}?wait=false", b"hi") == (202, {"nodes": {"7": "taken"}})
    await until_idle(lambda: client.socket.sent == [b"hi"])


@pytest.mark.parametrize("path", [BROADCAST, f"{BROADCAST}?wait=false"])
async def test_a_broadcast_that_there_is_no_room_for(crowd: Crowd, path: str) -> None:
    (client,) = await crowd.opened()
    async with crowd.crowds._turn:  # somebody's takes long
        for _ in range(MAX_WAITING):
            assert (await crowd.ask("POST", f"{BROADCAST}?wait=false", b"hi"))[0] == 202
        assert await crowd.ask("POST", path, b"one too many") == (429, {"message": "no node takes one more now"})
        _, told = await crowd.ask("POST", POST, {"connectionIds": [client.connection_id], "data": "hi"})
        assert told["outcomes"] == {client.connection_id: "limited"}
    await until_idle(lambda: client.socket.sent == [b"hi"] * MAX_WAITING)


@pytest.mark.parametrize("path", [BROADCAST, f"{BROADCAST}?wait=false"])
async def test_a_broadcast_at_a_node_that_is_fenced(crowd: Crowd, path: str) -> None:
    await crowd.opened()
    crowd.tenure.lease.lapse()
    assert await crowd.ask("POST", path, b"hi") == (503, {"message": "Service Unavailable"})


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", POST, b"?", 400, "the body is not JSON"),
        ("GET", POST, b"", 405, "it takes POST"),
        ("POST", f"{BROADCAST}?wait=7", b"", 400, "wait is neither true nor false"),
        ("POST", BROADCAST, bytes(MAX_MESSAGE_BYTES + 1), 413, "the message is over 131072 bytes"),
        ("POST", POST, LONG, 413, "the message is over 131072 bytes"),
        (
            "POST",
            f"{ROOM}?group=other",
            b"",
            400,
            "group is not known here: wait, except, connectedBefore, principal are",
        ),
        ("POST", f"{ROOM}/connections", b"", 405, "it takes GET"),
        ("DELETE", ROOM, b"", 405, "it takes GET, POST"),
        ("GET", f"{ROOM}?limit=1", b"", 400, "limit is not known here: except, connectedBefore, principal are"),
        ("GET", "/dev/@fleet/groups/..", b"", 400, NO_NAME),
        ("GET", "/dev/@fleet/groups/", b"", 400, "a group's name is missing"),
        ("GET", "/dev/@fleet/groups", b"", 404, "there is no such extension"),
        ("GET", f"{ROOM}/members", b"", 404, "there is no such extension"),
        ("GET", f"{ROOM}/connections/x/y", b"", 404, "there is no such extension"),
        ("GET", f"{LIST}?limit=x", b"", 400, "limit is not a whole number from 0 to 1000"),
        ("GET", f"{LIST}/invented/groups", b"", 400, "Invalid connectionId: invented"),
        ("GET", f"{LIST}/{ABSENT}", b"", 404, "there is no such extension"),
        ("POST", "/dev/@fleet/nothing", b"", 404, "there is no such extension"),
        ("POST", "/dev/@fleet/", b"", 404, "there is no such extension"),
        ("POST", "/dev/@fleet/post/", b"", 404, "there is no such extension"),
        ("POST", "/nowhere/@fleet/post", b"", 403, "Forbidden"),
    ],
)
async def test_what_is_wrong_is_said(
    crowd: Crowd, method: str, path: str, body: bytes, status: int, message: str
) -> None:
    assert await crowd.ask(method, path, body) == (status, {"message": message})


async def test_a_group_from_its_first_member_to_its_last(crowd: Crowd) -> None:
    one, other, stranger = await crowd.opened(3)
    for client in (one, other):
        assert await crowd.ask("PUT", f"{ROOM}/connections/{client.connection_id}") == (204, None)
    assert await crowd.ask("GET", ROOM) == (200, {"count": 2, "nodes": {"7": 2}})
    assert await crowd.ask("GET", f"{ROOM}?except={one.connection_id}") == (200, {"count": 1, "nodes": {"7": 1}})
    status, told = await crowd.ask("POST", f"{ROOM}?except={other.connection_id}", b"hi")
    assert (status, told["counts"]) == (200, {"sent": 1, "gone": 0, "limited": 0})
    status, told = await crowd.ask("POST", f"{BROADCAST}?group=room%201", b"all")
    assert (status, told["counts"]["sent"]) == (200, 2)
    assert [client.socket.sent for client in (one, other, stranger)] == [[b"hi", b"all"], [b"all"], []]
    assert await crowd.ask("GET", f"{LIST}/{one.connection_id}/groups") == (200, {"groups": ["room 1"]})
    assert await crowd.ask("DELETE", f"{ROOM}/connections/{one.connection_id}") == (204, None)
    status, told = await crowd.ask("GET", f"{ROOM}/connections")
    assert [each["connectionId"] for each in told["connections"]] == [other.connection_id]
    crowd.node.peer_lost(crowd.node._live[other.connection_id])
    assert await crowd.ask("GET", ROOM) == (200, {"count": 0, "nodes": {"7": 0}})
    assert await crowd.ask("PUT", f"{ROOM}/connections/{other.connection_id}") == (
        410,
        {"message": "the connection is gone"},
    )


async def test_a_list_in_pages(crowd: Crowd) -> None:
    clients = await crowd.opened(5)
    await crowd.opened(1, stage="prod")
    status, first = await crowd.ask("GET", f"{LIST}?limit=3")
    assert (status, first["count"], len(first["connections"])) == (200, 5, 3)
    status, second = await crowd.ask("GET", f"{LIST}?limit=3&next={first['next']}")
    assert (status, "next" in second) == (200, False)
    told = [each["connectionId"] for page in (first, second) for each in page["connections"]]
    assert sorted(told) == sorted(client.connection_id for client in clients)
    assert await crowd.ask("GET", f"{LIST}?limit=0") == (200, {"count": 5, "nodes": {"7": 5}})


async def test_too_many_groups_and_too_long_a_name() -> None:
    crowd = Crowd(max_groups=1, max_group_name_chars=3)
    (client,) = await crowd.opened()
    path = f"/dev/@fleet/groups/{{}}/connections/{client.connection_id}"
    assert await crowd.ask("PUT", path.format("abc")) == (204, None)
    assert await crowd.ask("PUT", path.format("abc")) == (204, None)
    assert (await crowd.ask("PUT", path.format("d")))[0] == 409
    too_long = {"message": "a group's name has 4 characters, at most 3 are allowed"}
    assert await crowd.ask("PUT", path.format("abcd")) == (400, too_long)
    for asked in ("/dev/@fleet/groups/abcd", f"{LIST}?group=abcd"):
        assert await crowd.ask("GET", asked) == (400, too_long)
    assert await crowd.ask("POST", f"{BROADCAST}?group=abcd") == (400, too_long)
    await crowd.close()


async def test_everything_else_is_the_managements(crowd: Crowd) -> None:
    (client,) = await crowd.opened()
    assert await crowd.ask("POST", f"/dev/@connections/{client.connection_id}", b"hi") == (200, None)
    assert await crowd.ask("GET", "/dev") == (426, {"message": "Upgrade Required"})
    assert crowd.service.max_body_bytes == MAX_MESSAGE_BYTES


def test_only_here_a_body_may_be_longer(crowd: Crowd) -> None:
    assert longest_body(POST, 131_072) == longest_body("/dev/%40fleet/post", 131_072) == 1_048_576
    assert longest_body("/dev/@connections/x", 131_072) is longest_body("/live", 131_072) is None

    def refused(path: str) -> tuple[int, bytes]:
        answer = crowd.service.too_large(HttpRequest("POST", path, "", (), b"", "127.0.0.1", "localhost"))
        return answer.status, answer.body

    assert refused(POST) == (413, b'{"message":"the body is over 1048576 bytes"}')
    assert refused("/dev/@connections/x") == (413, b"")


async def test_what_was_read_for_nothing_is_still_too_large(crowd: Crowd) -> None:
    status, _ = await crowd.ask("POST", "/nowhere/@fleet/post", bytes(MAX_MESSAGE_BYTES + 1))
    assert status == 413


async def test_another_method_is_told_which_there_are(crowd: Crowd) -> None:
    request = HttpRequest("PATCH", "/dev/@fleet/groups/room", "", SIGNED, b"", "127.0.0.1", "localhost:8080")
    answer = await answered(crowd.service.handle(request))
    assert (answer.status, dict(answer.headers)["Allow"]) == (405, "GET, POST")


async def test_a_fenced_node_lists_nobody(crowd: Crowd) -> None:
    await crowd.opened()
    crowd.tenure.lease.lapse()
    for path in ("/dev/@fleet/connections", "/dev/@fleet/groups/room", "/dev/@fleet/groups/room/connections"):
        assert await crowd.ask("GET", path) == (503, {"message": "Service Unavailable"})


async def test_without_a_signature(crowd: Crowd) -> None:
    assert await crowd.ask("POST", POST, {"connectionIds": [], "data": ""}, headers=()) == (
        403,
        {"message": "Missing Authentication Token"},
    )


class _Later:
    """Principals that are known once the crowd's clock is."""

    def __init__(self) -> None:
        self.ring = Keyring({})

    def find(self, *asked: Any) -> Any:
        return self.ring.find(*asked)


@pytest.mark.parametrize(
    ("method", "path", "action", "resource"),
    [
        ("POST", POST, "execute-api:ManageConnections", "POST/@connections/*"),
        ("POST", BROADCAST, "wsfleet:Broadcast", "POST/@fleet/broadcast"),
        ("POST", f"{BROADCAST}?wait=false", "wsfleet:Broadcast", "POST/@fleet/broadcast"),
        ("POST", ROOM, "wsfleet:Broadcast", "POST/@fleet/groups/room 1"),
        ("PUT", f"{ROOM}/connections/{ABSENT}", "wsfleet:ManageGroups", "PUT/@fleet/groups/room 1/connections/*"),
        (
            "PUT",
            f"/dev/@fleet/groups/gr%C3%B6%C3%9Fe/connections/{ABSENT}",
            "wsfleet:ManageGroups",
            "PUT/@fleet/groups/größe/connections/*",
        ),
        ("DELETE", f"{ROOM}/connections/{ABSENT}", "wsfleet:ManageGroups", "DELETE/@fleet/groups/room 1/*"),
        ("GET", ROOM, "wsfleet:ListConnections", "GET/@fleet/groups/room 1"),
        ("GET", f"{ROOM}/connections", "wsfleet:ListConnections", "GET/@fleet/groups/room 1/connections"),
        ("GET", LIST, "wsfleet:ListConnections", "GET/@fleet/connections"),
        ("GET", f"{LIST}/{ABSENT}/groups", "wsfleet:ListConnections", "GET/@fleet/connections/{connectionId}/groups"),
        ("GET", LIMITS, "execute-api:ManageConnections", "GET/@fleet/limits"),
    ],
)
async def test_who_may(method: str, path: str, action: str, resource: str) -> None:
    async def status(*allowed: tuple[str, str]) -> int:
        return await asked(method, path, allowed)

    arn = f"arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/{resource}"
    assert await status((action, arn)) in (200, 202, 204, 400, 410)
    assert await status() == 403
    assert await status((action, arn.replace("/dev/", "/prod/"))) == 403
    others = {"execute-api:ManageConnections", "wsfleet:Broadcast", "wsfleet:ManageGroups", "wsfleet:ListConnections"}
    assert await status(*((other, "*") for other in others - {action})) == 403


@pytest.mark.parametrize(
    ("method", "path", "action", "behind"),
    [
        ("POST", f"{BROADCAST}?group=secret", "wsfleet:Broadcast", ""),
        ("GET", "/dev/@fleet/connections?group=secret", "wsfleet:ListConnections", "/connections"),
    ],
)
async def test_a_group_in_the_query_is_judged_as_one_in_the_path(
    method: str, path: str, action: str, behind: str
) -> None:
    arn = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev"
    own = path.partition("?")[0].removeprefix("/dev/")
    assert await asked(method, path, ((action, f"{arn}/{method}/{own}"),)) == 403
    both = ((action, f"{arn}/{method}/{own}"), (action, f"{arn}/{method}/@fleet/groups/secret{behind}"))
    assert await asked(method, path, both) == 200
    assert await asked(method, path.partition("?")[0], both[:1]) == 200


async def asked(method: str, path: str, allowed: tuple[tuple[str, str], ...]) -> int:
    """The status for a caller who may do just that."""
    clock, principals = ManualClock(), _Later()
    crowd = Crowd(guard=Guard(principals, clock))
    statements = [{"Effect": "Allow", "Action": action, "Resource": where} for action, where in allowed]
    principals.ring = Keyring({signing.KEY: signing.principal(policies=({"Statement": statements},))})
    path, _, query = path.partition("?")
    request = signing.signed(path, query, method=method, body=b"{}")
    clock.wall_ms = signing.signing_time_ms(request)
    answer = await answered(crowd.service.handle(replace(request, host="localhost")))
    await crowd.close()
    return answer.status
