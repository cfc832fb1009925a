"""The server that ``sockets.py`` measures: a front door in a process of its own, asked for figures over its stdin.

    python bench/socket_server.py trivial|node parked|transport|parked-tls|transport-tls

Prints its port, then answers each line of its stdin with one line of JSON: ``figures`` gives resident bytes, seconds of
CPU and the number of sockets; ``ids`` the connection IDs of those that are open.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ("src", "tests")]

from gateway.admission import Admission  # noqa: E402
from gateway.calls import Outside  # noqa: E402
from gateway.crowds import Crowds  # noqa: E402
from gateway.management import IdCheck, ManagementApi  # noqa: E402
from gateway.model.api import Route  # noqa: E402
from gateway.model.connection import Connection  # noqa: E402
from gateway.model.handshake import Handshake  # noqa: E402
from gateway.model.http import HttpRequest, HttpResponse  # noqa: E402
from gateway.model.ids import ConnectionId, NodeNumber, RouteKey  # noqa: E402
from gateway.model.integration import Integration, IntegrationResponse, IntegrationType, MockTarget  # noqa: E402
from gateway.model.invocation import Returned  # noqa: E402
from gateway.model.limits import AWS, UNLIMITED  # noqa: E402
from gateway.model.now import Now  # noqa: E402
from gateway.node import DEADLINE_GRANULARITY_MS, Node  # noqa: E402
from gateway.ports import Socket  # noqa: E402
from gateway.reach import LocalReach  # noqa: E402
from gateway.server.conduct import Conduct  # noqa: E402
from gateway.server.listener import FrontDoor  # noqa: E402
from gateway.server.ticker import Ticker  # noqa: E402
from gateway.system.clock import SystemClock  # noqa: E402
from gateway.system.ids import RandomIds  # noqa: E402
from gateway.tenure import Tenure  # noqa: E402
from gateway.tls.authority import open_authority  # noqa: E402
from node_doubles import ScriptedFunctions, backends  # noqa: E402
from sample_definitions import directory, route  # noqa: E402
from server_fakes import Reports  # noqa: E402

OWNER, KEY = NodeNumber(7), b"bench"
POSTED = (
    ("Content-Type", "application/json"),
    ("x-amzn-RequestId", "00000000-0000-0000-0000-000000000000"),
    ("x-amz-apigw-id", "AAAAAAAAAAAAAAA="),
    ("X-Amzn-Trace-Id", "Root=1-00000000-000000000000000000000000"),
)


class Talk:
    __slots__ = ("number", "socket")

    def __init__(self, socket: Socket, number: str) -> None:
        self.socket = socket
        self.number = number


class Echoes:
    """The least that a node and a management API can be: accept, echo, post by number."""

    max_body_bytes = AWS.max_message_bytes

    def __init__(self) -> None:
        self.talks: dict[str, Talk] = {}
        self._count = 0

    def handshake(self, socket: Socket, handshake: Handshake) -> Talk:
        self._count += 1
        talk = self.talks[str(self._count)] = Talk(socket, str(self._count))
        socket.accept(None)
        return talk

    def message(self, talk: Talk, text: str) -> None:
        talk.socket.send_text(text.encode())

    def binary(self, talk: Talk, data: bytes) -> None: ...

    def violated(self, talk: Talk, code: int, reason: str) -> None:
        talk.socket.close(code, reason)

    def peer_closed(self, talk: Talk, code: int | None, reason: str) -> None:
        del self.talks[talk.number]

    def peer_lost(self, talk: Talk) -> None:
        del self.talks[talk.number]

    async def handle(self, request: HttpRequest) -> HttpResponse:
        talk = self.talks.get(request.raw_path.rpartition("/")[2])
        if talk is None:
            return HttpResponse(410)
        talk.socket.send_text(request.body)
        return HttpResponse(200, POSTED)

    def too_large(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(413)


class NoRegistry:
    """Durable at once."""

    async def register(self, connection: Connection) -> None: ...

    async def unregister(self, owner: NodeNumber, connection_id: ConnectionId) -> None: ...

    async def find(self, owner: NodeNumber, connection_id: ConnectionId) -> Connection | None: ...

    def connections_of(self, owner: NodeNumber) -> Any:
        raise NotImplementedError


@dataclass(frozen=True)
class Served:
    door: FrontDoor[Any]
    ids: Callable[[], list[str]]


def trivial(conduct: Conduct) -> Served:
    echoes = Echoes()
    return Served(FrontDoor(echoes, echoes, SystemClock(), Reports(), AWS, conduct), lambda: list(echoes.talks))


def node(conduct: Conduct) -> Served:
    """The real node and management API: ``$connect`` by MOCK, messages to a function that answers at once."""

    async def invoke(call: object) -> Returned:
        return Returned(b'{"statusCode": 200, "body": "pong"}')

    functions = ScriptedFunctions()
    functions.invoke = invoke  # type: ignore[method-assign,assignment]
    clock, ids = SystemClock(), RandomIds(KEY)
    outside = Outside(backends(functions), NoRegistry(), clock, ids, Reports(), admission=Admission(UNLIMITED))
    done = IntegrationResponse("Done", "$default")
    mock = Integration(
        "Mock", IntegrationType.MOCK, "", MockTarget(), request_templates={"$default": '{"statusCode": 200}'},
        responses={"$default": done},
    )  # fmt: skip
    connect = Route("Connect", RouteKey("$connect"), mock)
    tickers: list[Ticker] = []
    routes = directory(connect, route("$default", two_way=True))
    made = Node(Tenure.alone(clock, OWNER), routes, outside, AWS, lambda: tickers[0].wake())

    def tick(now: Now) -> bool:
        made.tick(now.monotonic_ms)
        return made.next_deadline_ms() is not None

    tickers.append(Ticker(clock, DEADLINE_GRANULARITY_MS, tick))
    api = ManagementApi(made, LocalReach(Crowds(made)), IdCheck(KEY), ids)
    return Served(FrontDoor(made, api, clock, Reports(), AWS, conduct), lambda: [str(each) for each in made._live])


def resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


async def serve(kind: str, shell: str) -> None:
    served = {"trivial": trivial, "node": node}[kind](Conduct(parks=shell.startswith("parked")))
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def asked() -> None:
        for line in os.read(0, 4096).decode().split() or ["quit"]:
            if line == "figures":
                gc.collect()  # first, or it would be part of what is measured next
                spent = resource.getrusage(resource.RUSAGE_SELF)
                answer: Any = {"rss": resident_bytes(), "user": spent.ru_utime, "system": spent.ru_stime}
                answer["sockets"] = len(served.door)
                print(json.dumps(answer), flush=True)
            elif line == "ids":
                print(json.dumps(served.ids()), flush=True)
            else:
                over.set()

    with tempfile.TemporaryDirectory() as folder:
        tls = open_authority(Path(folder)).server_context() if shell.endswith("tls") else None
    port = await served.door.open("0.0.0.0", 0, tls)  # noqa: S104 - clients come from many addresses of 127/8
    print(port, flush=True)
    loop.add_reader(0, asked)
    await over.wait()
    loop.remove_reader(0)
    await served.door.close()


asyncio.run(serve(*sys.argv[1:]))
