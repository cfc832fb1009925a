"""When an asking side writes, and how much at once."""

from __future__ import annotations

import asyncio

from gateway.model.ids import ApiId
from gateway.model.peer import Outcome, PostTo
from gateway.peers.asking import AskingSide
from gateway.peers.awaited import Awaited
from gateway.peers.bounds import MAX_BATCH_BYTES
from gateway.peers.codec import answer_frame, request_frame, requests_in
from gateway.peers.greeting import NONCE_BYTES, Greeting
from gateway.peers.sealing import FRAMES_AT, Opener, Sealer
from peer_doubles import CONNECTION, GET, KEY, LONG_MS, OWNER, Wire


class Asked:
    """An asking side that has greeted; ``writes`` takes the requests of each write since the last time."""

    def __init__(self) -> None:
        self.awaited = Awaited()
        self.wire = Wire()
        self.lost: list[AskingSide] = []
        self.side = AskingSide(Greeting(KEY, bytes(NONCE_BYTES), asks=True), self.awaited, self.lost.append)
        other = Greeting(KEY, bytes(NONCE_BYTES), asks=False)
        self.side.connection_made(self.wire)
        self.side.data_received(other.feed(self.wire.written[0])[0])
        other.feed(self.wire.written[1])
        assert other.session is not None
        self._opener, self._sealer = Opener(other.session.requests), Sealer(other.session.answers)
        self.wire.written.clear()

    def ask(self, size: int = 0) -> asyncio.Future[object]:
        request = PostTo(ApiId("a"), CONNECTION, bytes(size)) if size else GET
        request_id, answer = self.awaited.add(LONG_MS)
        self.side.send(request_frame(request_id, OWNER, LONG_MS, request))
        return answer  # type: ignore[return-value]

    def writes(self) -> list[list[int]]:
        """The request IDs of each."""
        found = []
        for data in self.wire.written:
            batches = list(self._opener.feed(data))
            found.append([each[0] for _, batch in batches for each in requests_in(batch, FRAMES_AT)])
        self.wire.written.clear()
        return found

    def answers(self, *request_ids: int) -> None:
        frames = [answer_frame(request_id, Outcome.DONE) for request_id in request_ids]
        self.side.data_received(self._sealer.seal(frames, 0))


async def test_one_alone_is_written_at_once() -> None:
    asked = Asked()
    asked.ask()
    assert asked.writes() == [[1]]
    asked.answers(1)
    asked.ask()
    assert asked.writes() == [[2]]


async def test_more_are_written_together_at_the_end_of_the_turn() -> None:
    asked = Asked()
    for _ in range(4):
        asked.ask()
    assert asked.writes() == [[1]]
    await asyncio.sleep(0)
    assert asked.writes() == [[2, 3, 4]]
    await asyncio.sleep(0)
    assert asked.writes() == []


async def test_more_than_a_batch_does_not_wait_for_the_end() -> None:
    asked = Asked()
    for _ in range(4):
        asked.ask(size=MAX_BATCH_BYTES // 2)
    assert asked.writes() == [[1], [2, 3]]
    await asyncio.sleep(0)
    assert asked.writes() == [[4]]


async def test_answers_find_their_requests_in_any_order() -> None:
    asked = Asked()
    answers = [asked.ask() for _ in range(3)]
    asked.answers(3, 99)
    assert [answer.done() for answer in answers] == [False, False, True]
    asked.answers(1, 2)
    assert await asyncio.gather(*answers) == [Outcome.DONE] * 3


async def test_a_side_that_was_dropped_neither_writes_nor_hears() -> None:
    asked = Asked()
    answer = asked.ask()
    asked.ask()
    asked.writes()
    asked.side.drop()
    assert asked.wire.aborted
    asked.answers(1)
    await asyncio.sleep(0)
    assert (asked.writes(), answer.done(), asked.lost) == ([], False, [])
    asked.side.connection_lost(None)
    assert asked.lost == [asked.side]
    asked.awaited.fail()
