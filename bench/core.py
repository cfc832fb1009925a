"""CPU of the node and the management API by themselves, no socket and no HTTP around them: a post, a connect.

    python bench/core.py [--json] [--only NAME]

``post``: ManagementApi.handle of a PostToConnection whose signature nobody verifies; ``verified``: the same by a known
principal; ``allowed``: by one whose policy has to be asked; ``signature``: its verification alone; ``wire``: a verified
post from the bytes of the request to those of frame and answer, by the parked shell; ``connect``: from the handshake
to the 101, ``$connect`` by MOCK and a registry that answers at once, the loop's turns included. Every post is another
one, to another connection, signed within one second as the handlers of a busy fleet sign theirs. Prints microseconds of
CPU per operation: the least of 9 runs, which says the most on a busy machine, and the median.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import platform
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from socket import socketpair
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in ("src", "tests", ".")]

from bench.harness.signing import Keys, signed_post  # noqa: E402

from gateway.access.keyring import Keyring  # noqa: E402
from gateway.access.principal import Principal, Principals  # noqa: E402
from gateway.access.sigv4 import Realm, Signed, authenticate  # noqa: E402
from gateway.admission import Admission  # noqa: E402
from gateway.calls import Outside  # noqa: E402
from gateway.crowds import Crowds  # noqa: E402
from gateway.management import Guard, IdCheck, ManagementApi  # noqa: E402
from gateway.model.api import Route  # noqa: E402
from gateway.model.http import HttpRequest, HttpResponse  # noqa: E402
from gateway.model.ids import NodeNumber, RouteKey  # noqa: E402
from gateway.model.integration import Integration, IntegrationResponse, IntegrationType, MockTarget  # noqa: E402
from gateway.model.limits import AWS, UNLIMITED  # noqa: E402
from gateway.node import Node  # noqa: E402
from gateway.ports import Socket  # noqa: E402
from gateway.reach import LocalReach  # noqa: E402
from gateway.server.carrier import PlainCarrier  # noqa: E402
from gateway.server.conduct import Conduct, always  # noqa: E402
from gateway.server.desk import Desk  # noqa: E402
from gateway.server.door import Door  # noqa: E402
from gateway.server.lot import Lot  # noqa: E402
from gateway.server.parked_requests import ParkedRequests, Yard  # noqa: E402
from gateway.system.clock import SystemClock  # noqa: E402
from gateway.system.ids import RandomIds  # noqa: E402
from gateway.tenure import Tenure  # noqa: E402
from gateway.wire.handshake import Peer  # noqa: E402
from gateway.wire.prepared_message import PreparedMessage  # noqa: E402
from node_doubles import ScriptedFunctions, backends, until_idle  # noqa: E402
from sample_definitions import definition, directory, handshake, route  # noqa: E402
from server_fakes import Reports  # noqa: E402

RUNS: Final = 9
POSTS: Final = 4_000
SOCKETS: Final = 1_000
CALLERS, LISTENERS = 64, 200  # of ``wire``: connections that post, and sockets that are posted to
UPGRADE: Final = (
    b"GET /dev HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
BATCH: Final = 50  # handshakes that are on their way at once
OWNER, KEY = NodeNumber(7), b"bench"
KEYS: Final = Keys("AKIDBENCH", "secret", "us-east-1")
ACCOUNT: Final = definition().account_id
FLEET: Final = Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/fleet", KEYS.secret)
PRINCIPALS: Final = Keyring({KEYS.access_key: FLEET})
HANDSHAKE: Final = handshake()
POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "execute-api:ManageConnections",
            "Resource": f"arn:aws:execute-api:us-east-1:{ACCOUNT}:*/dev/POST/@connections/*",
        }
    ],
}
BODY: Final = b'{"action":"said","text":"hello there","room":"tea","from":"ada"}'

Run = Callable[[], Awaitable[float]]
"""Seconds of CPU per operation."""


class Quiet:
    """A socket that takes everything."""

    __slots__ = ("is_open",)

    def __init__(self) -> None:
        self.is_open = False

    def accept(self, subprotocol: str | None) -> None:
        self.is_open = True

    def send_prepared(self, message: PreparedMessage, most: int) -> bool:
        return True

    def send_to_each(self, sockets: Sequence[Socket], message: PreparedMessage, most: int) -> list[Socket]:
        return [each for each in sockets if not each.send_prepared(message, most)]

    def send_text(self, data: bytes) -> None: ...

    def send_binary(self, data: bytes) -> None: ...

    def close(self, code: int | None, reason: str) -> None: ...

    def abort(self) -> None: ...

    def buffered_bytes(self) -> int:
        return 0


class NoRegistry:
    """Durable at once."""

    async def register(self, connection: object) -> None: ...

    async def unregister(self, owner: object, connection_id: object) -> None: ...


class Nowhere(PlainCarrier):
    """Sends nothing and says it did: what the kernel costs is another figure."""

    __slots__ = ("sent",)

    def __init__(self) -> None:
        self.sent = 0

    def send(self, fd: int, data: bytes | bytearray) -> int:
        self.sent += 1
        return len(data)


class Nobody:
    """Nothing is handed over here."""

    def __len__(self) -> int:
        return 0

    def take(self, parked: object, peer: object, data: bytes) -> None:
        raise AssertionError(data)

    def close(self) -> None: ...


class Fleet:
    """A node with 1,000 open connections, and the management API before it."""

    def __init__(self, principals: Principals | None = None) -> None:
        clock, ids = SystemClock(), RandomIds(KEY)
        ports: Any = backends(ScriptedFunctions()), NoRegistry(), clock, ids, Reports()
        mock = Integration(
            "Mock", IntegrationType.MOCK, "", MockTarget(), request_templates={"$default": '{"statusCode": 200}'},
            responses={"$default": IntegrationResponse("Done", "$default")},
        )  # fmt: skip
        routes = directory(Route("Connect", RouteKey("$connect"), mock), route("$default", two_way=True))
        outside = Outside(*ports, admission=Admission(UNLIMITED))
        self.node = Node(Tenure.alone(clock, OWNER), routes, outside, AWS, lambda: None)
        guard = None if principals is None else Guard(principals, clock)
        self.api = ManagementApi(self.node, LocalReach(Crowds(self.node)), IdCheck(KEY), ids, guard=guard)

    async def opens(self, count: int) -> list[Quiet]:
        """Connections, ``BATCH`` at a time."""
        sockets: list[Quiet] = []
        for _ in range(count // BATCH):
            made = [Quiet() for _ in range(BATCH)]
            for each in made:
                self.node.handshake(each, HANDSHAKE)  # type: ignore[arg-type]
            await until_idle(lambda last=made[-1]: last.is_open)
            sockets += made
        return sockets

    def wire(self) -> list[bytes]:
        """Posts as clients send them, all signed at this second."""
        at_s, connections = time.time(), [str(each) for each in self.node._live]
        return [
            signed_post(
                KEYS,
                "127.0.0.1:8080",
                f"/dev/@connections/{connections[number % len(connections)].replace('=', '%3D')}",
                BODY + b"%d" % number,
                at_s,
            )
            for number in range(POSTS)
        ]

    def posts(self) -> list[HttpRequest]:
        """The same as they are read."""
        made = []
        for wire in self.wire():
            head, _, body = wire.partition(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode("ascii")
            lines = (line.partition(": ") for line in head.decode("latin-1").split("\r\n")[1:])
            headers = tuple((name, value) for name, _, value in lines)
            made.append(HttpRequest("POST", path, "", headers, body, "127.0.0.1", "127.0.0.1:8080"))
        return made


async def connect() -> float:
    fleet = Fleet()
    await fleet.opens(BATCH)
    gc.collect()
    began = time.process_time()
    await fleet.opens(SOCKETS)
    spent = time.process_time() - began
    await fleet.node.stop(10)
    return spent / SOCKETS


async def _post(principals: Principals | None) -> float:
    fleet = Fleet(principals)
    await fleet.opens(SOCKETS)
    posts = fleet.posts()
    gc.collect()
    began = time.process_time()
    for request in posts:
        answer = fleet.api.handle(request)
        assert isinstance(answer, HttpResponse) and answer.status == 200, answer
    spent = time.process_time() - began
    await fleet.node.stop(10)
    return spent / POSTS


async def wire() -> float:
    fleet, carrier, peer = Fleet(PRINCIPALS), Nowhere(), Peer("127.0.0.1", 8080, secure=False)
    clock = SystemClock()
    door, lot = Door(fleet.node, clock, AWS), Lot(always, carrier)
    ours, theirs = zip(*(socketpair() for _ in range(CALLERS + LISTENERS)), strict=True)
    yard = Yard(door, Desk(fleet.api, clock, Reports()), Conduct(), carrier, lot, Nobody(), lambda fd: None)
    parked = [ParkedRequests(yard, peer) for _ in ours]
    for each, sock in zip(parked, ours, strict=True):
        each.begin(sock.detach())
    for each in parked[CALLERS:]:
        each.received(UPGRADE)
    await until_idle(lambda: fleet.node.open_connections == LISTENERS)
    posts, sent = fleet.wire(), carrier.sent
    gc.collect()
    began = time.process_time()
    for number, data in enumerate(posts):
        parked[number % CALLERS].received(data)
    spent = time.process_time() - began
    assert carrier.sent == sent + 2 * POSTS, carrier.sent
    door.close()
    lot.shut_down()
    for sock in theirs:
        sock.close()
    await fleet.node.stop(10)
    return spent / POSTS


async def signature() -> float:
    fleet = Fleet()
    await fleet.opens(SOCKETS)
    posts, realm, now_ms = fleet.posts(), Realm(KEYS.region, ACCOUNT), time.time_ns() // 1_000_000
    await fleet.node.stop(10)
    gc.collect()
    began = time.process_time()
    for request in posts:
        assert isinstance(authenticate(request, realm, PRINCIPALS, now_ms), Signed)
    return (time.process_time() - began) / POSTS


MEASURED: Final[dict[str, Run]] = {
    "post": lambda: _post(None),
    "verified": lambda: _post(PRINCIPALS),
    "allowed": lambda: _post(Keyring({KEYS.access_key: replace(FLEET, policies=(POLICY,))})),
    "signature": signature,
    "wire": wire,
    "connect": connect,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU of a post and of a connect, without sockets")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--only", choices=MEASURED, help="only this one")
    asked = parser.parse_args()
    result: dict[str, Any] = {}
    for name, run in MEASURED.items():
        if asked.only in (None, name):
            asyncio.run(run())  # type: ignore[arg-type]  # warm
            figures = [asyncio.run(run()) * 1e6 for _ in range(RUNS)]  # type: ignore[arg-type]
            result[name] = {"least": round(min(figures), 1), "median": round(statistics.median(figures), 1)}
    result |= {"python": platform.python_version(), "machine": f"{platform.machine()} {platform.system()}"}
    if asked.json:
        print(json.dumps(result))
        return
    for name in MEASURED:
        if name in result:
            print(f"{name}: {result[name]['least']} us (median {result[name]['median']})")


main()
