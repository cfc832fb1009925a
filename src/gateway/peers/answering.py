"""A connection that another node has opened: its requests are carried out as they come and answered in one write.

What a node says before it has shown the fleet's key is read no further than the greeting.
"""

from __future__ import annotations

from asyncio import BaseTransport
from collections.abc import Coroutine
from typing import Any, Protocol

from gateway.model.ids import NodeNumber
from gateway.model.peer import Outcome, PeerAnswer, PeerRequest
from gateway.model.surprise import one_line
from gateway.peers.bounds import Bounds
from gateway.peers.codec import answer_frame, requests_in
from gateway.peers.connection import PeerConnection
from gateway.peers.greeting import Greeting, SessionKeys
from gateway.peers.lateness import Lateness
from gateway.peers.sealing import FRAMES_AT


class Host(Protocol):
    """Who listens. No method blocks or raises, but ``answer``."""

    def came(self, guest: AnsweringSide) -> None: ...

    def proved(self, guest: AnsweringSide) -> None:
        """It has shown the key."""

    def left(self, guest: AnsweringSide) -> None:
        """It is gone, or dropped; ``guest.why`` says why if we did not want it."""

    def answer(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer | Coroutine[Any, Any, PeerAnswer]: ...

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run what takes its time, until the host closes."""

    def failed(self, why: str) -> None:
        """``answer`` has raised."""


class AnsweringSide(PeerConnection):
    """One guest of ``host``."""

    def __init__(self, host: Host, greeting: Greeting, bounds: Bounds) -> None:
        super().__init__(greeting, bounds.greeting_timeout_s, bounds.max_unread_bytes)
        self._host = host
        self._lateness = Lateness()
        self._answers: list[bytes] = []

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self._host.came(self)

    def keys(self, session: SessionKeys) -> tuple[bytes, bytes]:
        return session.answers, session.requests

    def met(self) -> None:
        self._host.proved(self)

    def heard(self, stamp_ms: int, batch: bytes) -> None:
        late_ms = self._lateness.of(stamp_ms, self.now_ms())
        for request_id, owner, remaining_ms, request in requests_in(batch, FRAMES_AT):
            answer = self._answer(owner, request) if late_ms < remaining_ms else Outcome.UNREACHABLE
            if isinstance(answer, Coroutine):
                self._host.begin(self._answer_later(request_id, answer))
            else:
                self._answers.append(answer_frame(request_id, answer))

    def heard_all(self) -> None:
        if self._answers:
            self.write(self._answers)
            self._answers = []

    def pause_writing(self) -> None:
        self.drop("it does not take its answers")

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._host.left(self)

    async def _answer_later(self, request_id: int, asked: Coroutine[Any, Any, PeerAnswer]) -> None:
        """Told when it is there, if whoever asked still is."""
        try:
            answer = await asked
        except Exception as error:  # as in ``_answer``
            self._host.failed(one_line(error))
            answer = Outcome.UNREACHABLE
        self.write([answer_frame(request_id, answer)])

    def _answer(self, owner: NodeNumber, request: PeerRequest | None) -> PeerAnswer | Coroutine[Any, Any, PeerAnswer]:
        if request is None:  # of a newer version than this node's
            return Outcome.UNSUPPORTED
        try:
            return self._host.answer(owner, request)
        except Exception as error:  # the edge of one request: others on this connection have nothing to do with it
            self._host.failed(one_line(error))
            return Outcome.UNREACHABLE
