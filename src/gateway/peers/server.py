"""Where a node listens for others: a Unix socket for those on its machine, TCP for the rest, or either alone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from gateway.model.errors import UserError
from gateway.model.ids import NodeNumber
from gateway.model.peer import PeerAnswer, PeerRequest
from gateway.peers.answering import AnsweringSide
from gateway.peers.bounds import DEFAULT, Bounds
from gateway.peers.greeting import NONCE_BYTES, Greeting
from gateway.peers.socket_folder import BACKLOG, listen_in
from gateway.ports import PeerService, Reporter
from gateway.tasks import Tasks

TELL_EVERY_S: Final = 60.0  # somebody may knock as often as he likes; the log hears of it once a minute


class PeerServer:
    """Answers the nodes that have the fleet's ``key`` (1 to 64 bytes) from ``service``.

    ``reporter`` is warned of strangers and of peers that had to be dropped, and told when the service raised. To be
    made inside a running loop.
    """

    def __init__(self, service: PeerService, key: bytes, reporter: Reporter, bounds: Bounds = DEFAULT) -> None:
        self._service = service
        self._key = key
        self._reporter = reporter
        self._bounds = bounds
        self._loop = asyncio.get_running_loop()
        self._servers: list[asyncio.Server] = []
        self._paths: list[Path] = []
        self._strangers: dict[AnsweringSide, None] = {}  # the oldest first
        self._peers: set[AnsweringSide] = set()
        self._closed = False
        self._tasks = Tasks(reporter.failed)
        self._quiet_until: dict[Callable[[str], None], float] = {}

    async def open_unix(self, folder: Path) -> str:
        """Listen in ``folder`` as well; returns the path. Raises UserError when that cannot be had."""
        listening, path = listen_in(folder)
        self._paths.append(path)
        self._servers.append(await self._loop.create_unix_server(self._guest, sock=listening, backlog=BACKLOG))
        return os.fspath(path)

    async def open_tcp(self, host: str, port: int) -> int:
        """Listen on TCP as well; 0 takes a free port. Returns the port. Raises UserError when it cannot be had."""
        try:
            server = await self._loop.create_server(self._guest, host, port, backlog=BACKLOG)
        except (OSError, OverflowError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise UserError(f"port {port} of {host} cannot be had: {why}", "choose another host or port") from error
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Accept no more and end every connection; what was asked and not answered stays so."""
        self._closed = True
        for server in self._servers:
            server.close()
        for path in self._paths:
            path.unlink(missing_ok=True)
        for guest in (*self._strangers, *self._peers):
            guest.drop()
        self._servers, self._paths = [], []
        await self._tasks.close()

    def came(self, guest: AnsweringSide) -> None:
        if self._closed:
            guest.drop()  # accepted in the turn in which this was closed
            return
        self._strangers[guest] = None
        if len(self._strangers) > self._bounds.max_strangers:
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]
            oldest.drop("too many came at once")

    def proved(self, guest: AnsweringSide) -> None:
        self._strangers.pop(guest, None)
        self._peers.add(guest)
        if len(self._peers) > self._bounds.max_peers:
            guest.drop(f"there are {self._bounds.max_peers} peers already")

    def left(self, guest: AnsweringSide) -> None:
        self._strangers.pop(guest, None)
        self._peers.discard(guest)
        if guest.why is not None:
            self._tell(self._reporter.warned, f"a peer was dropped: {guest.why}")

    def answer(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer | Coroutine[Any, Any, PeerAnswer]:
        return self._service.answer(owner, request)

    def wait(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.start(work, "an answer to a peer")

    def failed(self, why: str) -> None:
        self._tell(self._reporter.failed, f"a peer's request failed: {why}")

    def _guest(self) -> AnsweringSide:
        return AnsweringSide(self, Greeting(self._key, os.urandom(NONCE_BYTES), asks=False), self._bounds)

    def _tell(self, told: Callable[[str], None], text: str) -> None:
        now = self._loop.time()
        if now >= self._quiet_until.get(told, 0.0):
            self._quiet_until[told] = now + TELL_EVERY_S
            told(text)
