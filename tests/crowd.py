"""A node with many open sockets, every port doubled, and the extensions in front of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from answers import answered
from gateway.admission import Admission
from gateway.calls import Outside
from gateway.counters import Counters
from gateway.crowds import Crowds
from gateway.extensions.service import Extensions
from gateway.management import Guard, IdCheck, ManagementApi
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.ids import ApiId, ConnectionId
from gateway.model.limits import UNLIMITED, Limits
from gateway.node import Node
from gateway.reach import LocalReach, ReachingAll
from gateway.registry.memory import MemoryRegistry
from node_doubles import (
    KEY,
    OK,
    OWNER,
    CountingIds,
    FakeSocket,
    ManualClock,
    RecordingReporter,
    ScriptedFunctions,
    alone,
    backends,
    until_idle,
)
from sample_definitions import directory, handshake, route

API = ApiId("a1b2c3d4e5")
SIGNED = (("Authorization", "AWS4-HMAC-SHA256 Credential=x/…, SignedHeaders=host, Signature=00"),)


@dataclass(frozen=True)
class Client:
    """One open connection."""

    connection_id: ConnectionId
    socket: FakeSocket


class Crowd:
    """``reach`` is where the extensions look for connections: this node alone, unless told otherwise; ``limits`` are
    the node's."""

    def __init__(self, *, guard: Guard | None = None, reach: ReachingAll | None = None, **limits: Any) -> None:
        self.clock, self.registry, self.counters = ManualClock(), MemoryRegistry(), Counters()
        self.functions = ScriptedFunctions(connect=OK, disconnect=OK)
        ids = CountingIds()
        self.reporter = RecordingReporter()
        outside = Outside(
            backends(self.functions),
            self.registry,
            self.clock,
            ids,
            self.reporter,
            admission=Admission(UNLIMITED),
            counters=self.counters,
        )
        served = directory(route("$connect"), route("$disconnect"), stages=("dev", "prod"))
        self.tenure = alone(self.clock)
        self.node = Node(
            self.tenure, served, outside, Limits(**{"max_out_buffer_bytes": 200_000} | limits), lambda: None
        )
        self.crowds = Crowds(self.node)
        self.reach = reach or LocalReach(self.crowds)
        api = ManagementApi(self.node, self.reach, IdCheck(KEY), ids, None, guard)
        self.service = Extensions(api, self.node, self.reach, IdCheck(KEY), ids, guard)

    async def opened(self, count: int = 1, stage: str = "dev", **asked: Any) -> list[Client]:
        """So many more clients."""
        found = []
        for _ in range(count):
            socket = FakeSocket()
            conversation = self.node.handshake(socket, handshake(path=f"/{stage}", **asked))
            assert conversation is not None
            found.append(Client(conversation.connection.connection_id, socket))
        await until_idle(lambda: all(client.socket.is_open for client in found))
        return found

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = b"",
        *,
        headers: tuple[tuple[str, str], ...] = SIGNED,
    ) -> tuple[int, Any]:
        """Status and document."""
        path, _, query = path.partition("?")
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = HttpRequest(method, path, query, headers, data, "127.0.0.1", "localhost:8080")
        response: HttpResponse = await answered(self.service.handle(request))
        return response.status, json.loads(response.body) if response.body else None

    async def close(self) -> None:
        await self.node.stop(0.1)


__all__ = ["API", "KEY", "OWNER", "SIGNED", "Client", "Crowd"]
