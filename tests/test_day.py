"""A day on the manual clock: everybody who falls silent or stays too long is sent away in time, and leaves nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.calls import Outside
from gateway.engine.deadlines import Wheel
from gateway.model.ids import ConnectionId
from gateway.model.limits import CONNECTION_DURATION_MS, IDLE_TIMEOUT_MS, Limits
from gateway.model.peer import Outcome, PostTo
from gateway.node import DEADLINE_GRANULARITY_MS, Node
from gateway.registry.memory import MemoryRegistry
from node_doubles import OWNER, CountingIds, FakeSocket, ManualClock, RecordingReporter, ScriptedFunctions, alone
from node_doubles import backends as scripted_backends
from sample_definitions import directory, handshake, route

STEP_MS = 997  # as far apart as ticks are, and not in step with the buckets
STEPS = 24 * 3_600_000 // STEP_MS
EVERY_STEPS = 9 * 60_000 // STEP_MS  # between two posts to somebody who is kept busy: within the idle timeout
BUSY, SILENT = 250, 14  # at a time; thousands in a day
WITHIN_S = 60.0  # of real time, for what is done in a moment
LIMITS = Limits()
ASKED = handshake()


class CountingWheel(Wheel[ConnectionId]):
    """Counts what it is asked for."""

    __slots__ = ("fired", "sets")

    def __init__(self) -> None:
        super().__init__(DEADLINE_GRANULARITY_MS)
        self.sets = self.fired = 0

    def set(self, key: ConnectionId, at_ms: int) -> None:
        self.sets += 1
        super().set(key, at_ms)

    def due(self, now_ms: int) -> list[ConnectionId]:
        keys = super().due(now_ms)
        self.fired += len(keys)
        return keys

    @property
    def places(self) -> int:
        """Entries in buckets, also of keys that have left them."""
        return sum(len(bucket.keys) for bucket in self._buckets.values())


@dataclass
class Guest(FakeSocket):
    """A client; ``ended`` is called when it is sent away."""

    is_busy: bool = False
    answers: bool = True
    begun_ms: int = 0
    conversation: Any = None
    ended: Callable[[Guest], None] = lambda guest: None

    def close(self, code: int | None, reason: str) -> None:
        super().close(code, reason)
        self.ended(self)

    @property
    def due_ms(self) -> int:
        """When it is to be sent away."""
        return self.begun_ms + (CONNECTION_DURATION_MS if self.is_busy else IDLE_TIMEOUT_MS)


@dataclass
class Day:
    """A node and its guests; each that is sent away comes back at once, until the doors close."""

    clock: ManualClock = field(default_factory=ManualClock)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    wheel: CountingWheel = field(default_factory=CountingWheel)
    is_open: bool = True
    step: int = 0
    came: int = 0
    sent_away: int = 0
    aborted: int = 0
    late_ms: list[int] = field(default_factory=list)
    closing: list[Guest] = field(default_factory=list)
    posts: dict[int, list[Guest]] = field(default_factory=dict)  # by the step they are due at

    def __post_init__(self) -> None:
        outside = Outside(
            scripted_backends(ScriptedFunctions()), self.registry, self.clock, CountingIds(), RecordingReporter()
        )
        self.node = Node(alone(self.clock), directory(route("$default")), outside, LIMITS, lambda: None)
        self.node._deadlines = self.wheel

    async def pass_by(self, steps: int, arriving: dict[int, list[bool]]) -> None:
        """``arriving``: of those who come at each step, whether they are kept busy."""
        for step in range(self.step, self.step + steps):
            self.clock.advance(STEP_MS)
            for is_busy in arriving.get(step, ()):
                self.enter(step, is_busy)
            for guest in self.posts.pop(step, ()):
                self.post(step, guest)
            self.node.tick(self.clock.monotonic_ms)
            leaving, self.closing = self.closing, []
            for guest in leaving:
                self.leave(step, guest)
            if len(self.node._tasks):
                assert await self.node._tasks.settle(WITHIN_S) == 0
        self.step += steps

    def enter(self, step: int, is_busy: bool) -> None:
        self.came += 1
        guest = Guest(is_busy=is_busy, answers=self.came % 2 == 0, begun_ms=self.clock.monotonic_ms)
        guest.ended = lambda guest: self.closing.append(guest)
        guest.conversation = self.node.handshake(guest, ASKED)
        if is_busy:
            self.posts.setdefault(step + EVERY_STEPS, []).append(guest)

    def post(self, step: int, guest: Guest) -> None:
        if guest.closed is None:
            api_id = self.node.directory.deployments[0].endpoint.api.api_id
            request = PostTo(api_id, guest.conversation.connection.connection_id, b"tick")
            assert self.node.answer(OWNER, request) is Outcome.DONE
            guest.sent.clear()
            self.posts.setdefault(step + EVERY_STEPS, []).append(guest)

    def leave(self, step: int, guest: Guest) -> None:
        """It has just been told to go; some answer, some are cut off later."""
        assert guest.closed == (1001, "Going away")
        self.late_ms.append(self.clock.monotonic_ms - guest.due_ms)
        self.sent_away += 1
        if guest.answers:
            self.node.peer_closed(guest.conversation, 1001, "")
        else:
            self.aborted += 1
        if self.is_open:
            self.enter(step, guest.is_busy)


async def test_a_day_of_deadlines_is_on_time_costs_what_it_must_and_leaves_nothing() -> None:
    day = Day()
    arriving: dict[int, list[bool]] = {}
    for number in range(BUSY + SILENT):  # spread, so that deadlines are too
        arriving.setdefault(number * 7 % EVERY_STEPS, []).append(number < BUSY)
    await day.pass_by(STEPS, arriving)
    assert day.came > 5_000
    assert day.node.open_connections <= BUSY + SILENT + BUSY // 4, "those who came back, and a few that still close"
    assert len(day.wheel) == day.node.open_connections
    assert day.wheel.places <= 2 * len(day.wheel) + 32 * len(day.wheel._buckets)
    assert len(day.registry.records) == BUSY + SILENT

    day.is_open = False
    await day.pass_by(STEPS // 10, {})
    assert day.sent_away == day.came
    assert min(day.late_ms) >= 0
    assert max(day.late_ms) < DEADLINE_GRANULARITY_MS + STEP_MS
    assert day.wheel.sets == day.came + day.wheel.fired - day.aborted, "one for each arrival, close and postponement"
    stay, pause = CONNECTION_DURATION_MS, EVERY_STEPS * STEP_MS
    assert day.wheel.fired <= day.came * (stay / pause + 3), "a post does not touch the wheel"

    assert (day.node.open_connections, day.registry.records, day.node.next_deadline_ms()) == (0, (), None)
    assert (len(day.wheel), day.wheel._buckets, day.wheel._order, day.posts) == (0, {}, [], {})
    assert (len(day.node._upgrading), len(day.node._tasks)) == (0, 0)
