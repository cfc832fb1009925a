"""A connection that this node has opened to another: requests leave in one write per turn of the loop, answers come in
any order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.peers.awaited import Awaited
from gateway.peers.bounds import DIAL_TIMEOUT_S, MAX_BATCH_BYTES, MAX_UNSENT_BYTES
from gateway.peers.codec import answers_in
from gateway.peers.connection import PeerConnection
from gateway.peers.greeting import Greeting, SessionKeys
from gateway.peers.sealing import FRAMES_AT


class AskingSide(PeerConnection):
    """What is sent is settled in ``awaited``; ``lost`` is called once when the connection is no more.

    ``greeted`` ends with whether the other side has shown the fleet's key. ``congested``: it takes no more for now.
    ``gone``: the connection is no more.
    """

    def __init__(self, greeting: Greeting, awaited: Awaited, lost: Callable[[AskingSide], None]) -> None:
        super().__init__(greeting, DIAL_TIMEOUT_S, MAX_UNSENT_BYTES)
        self._awaited = awaited
        self._lost = lost
        self._frames: list[bytes] = []
        self._frames_bytes = 0
        self.congested = False
        self.gone = False
        self.greeted: asyncio.Future[bool] = self._loop.create_future()

    def send(self, frame: bytes) -> None:
        """Send with whatever else is sent in this turn of the loop, or at once when nothing else is awaited: one that
        is alone would wait for company in vain, and a turn costs 50 us. Not before ``greeted``."""
        if len(self._awaited) == 1:
            self.write([frame])
            return
        if not self._frames:
            self._loop.call_soon(self._flush)
        self._frames.append(frame)
        self._frames_bytes += len(frame)
        if self._frames_bytes >= MAX_BATCH_BYTES:
            self._flush()

    def keys(self, session: SessionKeys) -> tuple[bytes, bytes]:
        return session.requests, session.answers

    def met(self) -> None:
        if not self.greeted.done():
            self.greeted.set_result(True)

    def heard(self, stamp_ms: int, batch: bytes) -> None:
        for request_id, answer in answers_in(batch, FRAMES_AT):
            self._awaited.settle(request_id, answer)

    def heard_all(self) -> None:
        pass

    def pause_writing(self) -> None:
        self.congested = True

    def resume_writing(self) -> None:
        self.congested = False

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.gone = True
        if not self.greeted.done():
            self.greeted.set_result(False)
        self._lost(self)

    def _flush(self) -> None:
        if self._frames:
            frames, self._frames, self._frames_bytes = self._frames, [], 0
            self.write(frames)
