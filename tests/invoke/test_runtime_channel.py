"""The channel by its own frames, over real pipes. The bootstraps judge it in test_python and test_node."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from gateway.invoke.dialogue import MAX_RESPONSE_BYTES, TOO_LARGE, RuntimeEvent
from gateway.invoke.runtime_channel import ANSWERS_VARIABLE, EVENTS_VARIABLE, MAX_FRAME_BYTES, RuntimeChannel
from node_doubles import until_idle
from runtime_double import DEADLINE_S
from runtime_owner import EVENT, Owner

NEXT = b"\0\0\0\1N"
GIVEN = b"id-1\n1790295784940\narn:aws:lambda:r:1:function:f\nRoot=1-2-3\n\n" + b'{"a":1}'


def frame(kind: bytes, body: bytes) -> bytes:
    return (1 + len(body)).to_bytes(4, "big") + kind + body


class Far:
    """The process's ends, without the process."""

    def __init__(self, channel: RuntimeChannel) -> None:
        ends = channel.far_ends
        self._events, self._answers = os.dup(ends[EVENTS_VARIABLE]), os.dup(ends[ANSWERS_VARIABLE])
        os.set_blocking(self._answers, False)
        channel.started()
        self._is_open = True

    async def send(self, data: bytes) -> None:
        """Returns when the kernel took it all; the channel must read meanwhile."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._answers, rest) :]
            except BlockingIOError:
                await asyncio.sleep(0)

    async def frame(self) -> tuple[bytes, bytes]:
        head = await self._read(5)
        return head[4:], await self._read(int.from_bytes(head[:4], "big") - 1)

    async def at_end(self) -> bool:
        return await asyncio.to_thread(os.read, self._events, 1) == b""

    async def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = await asyncio.to_thread(os.read, self._events, size - len(data))
            assert more
            data += more
        return data

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            os.close(self._events)
            os.close(self._answers)


class Room:
    """A channel, its owner and its far end."""

    def __init__(self) -> None:
        self.owner = Owner()
        self.channel = RuntimeChannel(self.owner.dialogue)
        self.far = Far(self.channel)


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    made = Room()
    async with asyncio.timeout(DEADLINE_S):
        yield made
    made.owner.dialogue.close()
    made.channel.close()
    made.far.close()


async def test_an_event_and_the_next_in_one_write_with_the_answer(room: Room) -> None:
    second = RuntimeEvent("id-2", b"2", 1, "arn", "t", '{\n"custom": "é"}')
    room.owner.events += [EVENT, second]
    await room.far.send(NEXT)
    assert await room.far.frame() == (b"E", GIVEN)
    await room.far.send(frame(b"R", b"id-1\nbody\nof two lines") + NEXT)
    assert await room.far.frame() == (b"E", b'id-2\n1\narn\nt\n{"custom": "\\u00e9"}\n2')
    assert room.owner.heard == [("polled",), ("responded", b"body\nof two lines"), ("polled",)]


async def test_an_event_may_come_after_the_question(room: Room) -> None:
    await room.far.send(NEXT)
    await room.owner.until("polled")
    room.owner.dialogue.offer(EVENT)
    assert (await room.far.frame())[1] == GIVEN


async def test_lines_of_an_event_stay_lines(room: Room) -> None:
    room.owner.events.append(RuntimeEvent("id-1", b"", 1, "arn", "Root\n1\r2", "no\njson"))
    await room.far.send(NEXT)
    assert await room.far.frame() == (b"E", b"id-1\n1\narn\nRoot 1 2\nno json\n")


@pytest.mark.parametrize("step", [1, 3, 7])
async def test_frames_may_arrive_in_pieces(room: Room, step: int) -> None:
    room.owner.events += [EVENT]
    stream = NEXT + frame(b"F", b"id-1\nBoom\n{}") + NEXT
    for at in range(0, len(stream), step):
        await room.far.send(stream[at : at + step])
        await asyncio.sleep(0)
    await room.owner.until("failed", "Boom", b"{}")
    await room.owner.changed.until(lambda: room.owner.heard.count(("polled",)) == 2)


async def test_large_events_and_answers(room: Room) -> None:
    payload = os.urandom(3_000_000)
    room.owner.events.append(RuntimeEvent("id-1", payload, 1, "arn", "t"))
    await room.far.send(NEXT)
    kind, body = await room.far.frame()
    assert (kind, body.endswith(b"\n" + payload)) == (b"E", True)
    answer = os.urandom(MAX_RESPONSE_BYTES)
    await room.far.send(frame(b"R", b"id-1\n" + answer) + NEXT)
    await room.owner.changed.until(lambda: len(room.owner.heard) == 3)
    assert room.owner.heard == [("polled",), ("responded", answer), ("polled",)]


async def test_an_answer_over_the_limit_is_told_by_its_length(room: Room) -> None:
    room.owner.events.append(EVENT)
    await room.far.send(NEXT + frame(b"L", b"id-1\n7000000"))
    assert (await room.far.frame())[0] == b"E"
    assert await room.far.frame() == (b"X", TOO_LARGE.encode())
    assert room.owner.heard == [("polled",), ("too_large", 7_000_000)]


@pytest.mark.parametrize("kind", [b"R", b"F", b"L"])
async def test_answers_to_another_event_are_refused(room: Room, kind: bytes) -> None:
    room.owner.events.append(EVENT)
    await room.far.send(NEXT + frame(kind, b"id-0\n1\n"))
    assert (await room.far.frame())[0] == b"E"
    assert await room.far.frame() == (b"X", b"Invalid request ID")
    assert room.owner.heard == [("polled",)]


@pytest.mark.parametrize(
    "nonsense",
    [
        frame(b"?", b""),
        b"\0\0\0\0N",
        (MAX_FRAME_BYTES + 1).to_bytes(4, "big") + b"R",
        b"POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\n",
    ],
)
async def test_who_speaks_another_language_is_not_heard(room: Room, nonsense: bytes) -> None:
    await room.far.send(NEXT + nonsense)
    assert await room.far.at_end()
    assert room.owner.heard == [("polled",), ("poll_lost",)]


async def test_the_owner_hears_when_the_process_closes_its_ends(room: Room) -> None:
    await room.far.send(NEXT)
    await room.owner.until("polled")
    room.far.close()
    await room.owner.until("poll_lost")
    assert not room.channel.is_open


async def test_an_event_for_one_who_has_gone_is_no_surprise(room: Room) -> None:
    await room.far.send(NEXT)
    await room.owner.until("polled")
    room.far.close()
    room.owner.dialogue.offer(EVENT)
    await until_idle(lambda: not room.channel.is_open)
    assert room.owner.heard == [("polled",)]


async def test_nobody_is_heard_after_the_end(room: Room) -> None:
    room.owner.dialogue.close()
    await room.far.send(NEXT)
    assert await room.far.at_end()
    assert room.owner.heard == []


async def test_nobody_is_heard_before_the_start() -> None:
    owner = Owner()
    channel = RuntimeChannel(owner.dialogue)
    os.write(channel.far_ends[ANSWERS_VARIABLE], NEXT)
    for _ in range(10):
        await asyncio.sleep(0)
    assert owner.heard == []
    channel.started()
    await owner.until("polled")
    owner.dialogue.close()
    channel.close()


async def test_close_closes_both_ends_even_before_the_start() -> None:
    owner = Owner()
    channel = RuntimeChannel(owner.dialogue)
    ends = list(channel.far_ends.values())
    channel.close()
    channel.close()
    for descriptor in ends:
        with pytest.raises(OSError):
            os.fstat(descriptor)
