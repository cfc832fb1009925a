"""Leaving: in batches within the time, the busy last, everybody with their ``$disconnect``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from gateway.calls import Outside
from gateway.cluster.drain import MIN_RATE_PER_S
from gateway.conversation import Conversation
from gateway.crowds import Crowds
from gateway.departure import drain
from gateway.model.audience import Audience
from gateway.model.ids import ApiId, StageName
from gateway.model.limits import Limits
from gateway.model.peer import Broadcast, Outcome
from gateway.node import Node
from gateway.registry.memory import MemoryRegistry
from gateway.tenure import Tenure
from node_doubles import OK, OWNER, CountingIds, FakeSocket, RecordingReporter, ScriptedFunctions, backends
from sample_definitions import directory, handshake, route
from simulation.world import World


class Leaving:
    """A node with so many open sockets, on a virtual clock."""

    def __init__(self, world: World, count: int, limits: Limits | None = None) -> None:
        self.world = world
        self.node = world.node("leaver")
        self.functions = ScriptedFunctions(connect=OK, disconnect=OK, default=OK)
        self.registry = MemoryRegistry()
        self.reporter = RecordingReporter()
        outside = Outside(backends(self.functions), self.registry, self.node.clock, CountingIds(), self.reporter)
        served = directory(route("$connect"), route("$disconnect"), route("$default"))
        self.gateway = Node(Tenure.alone(self.node.clock, OWNER), served, outside, limits or Limits(), lambda: None)
        self.crowds = Crowds(self.gateway)
        self.sockets = [FakeSocket() for _ in range(count)]
        self.conversations: list[Conversation | None] = []
        self.node.loop.call_soon(self._connect)
        world.run_until(lambda: all(socket.is_open for socket in self.sockets), 5_000)

    def _connect(self) -> None:
        self.conversations = [self.gateway.handshake(socket, handshake()) for socket in self.sockets]

    @property
    def closed(self) -> int:
        return sum(socket.closed is not None for socket in self.sockets)

    def drain(self, over_s: float) -> asyncio.Task[int]:
        return self.node.start(drain(self.gateway, self.crowds, over_s, self.world.rng.random), "drain")

    def message(self, number: int, gate: asyncio.Event) -> None:
        self.functions.gates["default"] = gate
        conversation = self.conversations[number]
        assert conversation is not None
        self.node.loop.call_soon(self.gateway.message, conversation, "work")
        self.world.run_until(lambda: bool(self.functions.events("default")), 1_000)


@pytest.fixture
def world() -> Iterator[World]:
    with World(5) as world:
        yield world


def test_sockets_are_let_go_over_a_while_and_all_are_told(world: World) -> None:
    leaving = Leaving(world, 200)
    began = world.now_ms
    drained = leaving.drain(over_s=10)
    world.run(began + 200 * 1000 / MIN_RATE_PER_S / 2)
    assert 60 <= leaving.closed <= 140, "about half in half the time"
    world.run_until(drained.done, 20_000)
    assert drained.result() == 0
    assert {socket.closed for socket in leaving.sockets} == {(1001, "Going away")}
    assert len(leaving.functions.events("disconnect")) == 200
    assert not leaving.registry.records


def test_nobody_new_is_let_in(world: World) -> None:
    leaving = Leaving(world, 1)
    leaving.drain(over_s=10)
    late = FakeSocket()
    world.run(world.now_ms + 1)
    leaving.node.loop.call_soon(leaving.gateway.handshake, late, handshake())
    world.run_until(lambda: late.refusal is not None, 1_000)
    assert late.refusal is not None and late.refusal[0] == 503 and "retry-after" in late.refusal[1]


def test_whoever_is_being_served_is_waited_for(world: World) -> None:
    leaving = Leaving(world, 5)
    gate = asyncio.Event()
    leaving.message(2, gate)
    drained = leaving.drain(over_s=30)
    world.run(world.now_ms + 5_000)
    assert [socket.closed is None for socket in leaving.sockets] == [False, False, True, False, False]
    leaving.node.loop.call_soon(gate.set)
    world.run_until(drained.done, 2_000)
    assert drained.result() == 0 and leaving.closed == 5


def test_not_for_longer_than_there_is_time(world: World) -> None:
    leaving = Leaving(world, 2)
    leaving.message(0, asyncio.Event())
    began = world.now_ms
    drained = leaving.drain(over_s=4)
    world.run_until(drained.done, 30_000)
    assert world.now_ms - began <= 7_000
    assert drained.result() == 1, "its call had not ended"
    assert leaving.closed == 2
    assert len(leaving.functions.events("disconnect")) == 2


def test_in_order_what_still_waits_then_is_given_up_and_the_end_is_told(world: World) -> None:
    leaving = Leaving(world, 2, Limits(ordered=True))
    for _ in range(3):
        leaving.message(0, asyncio.Event())
    began = world.now_ms
    drained = leaving.drain(over_s=4)
    world.run(world.now_ms + 3_900)
    assert leaving.closed == 1, "the other one is waited for"
    world.run_until(drained.done, 30_000)
    assert world.now_ms - began <= 7_000
    assert drained.result() == 1
    assert leaving.closed == len(leaving.functions.events("disconnect")) == 2
    assert not leaving.registry.records
    assert leaving.reporter.told[-1] == (
        "warned", "2 messages that waited for their turn were given up: this node stops",
    )  # fmt: skip


def test_an_empty_node_leaves_at_once(world: World) -> None:
    leaving = Leaving(world, 0)
    began = world.now_ms
    drained = leaving.drain(over_s=60)
    world.run_until(drained.done, 1_000)
    assert world.now_ms - began < 50


BROADCAST = Broadcast(Audience(ApiId("a1b2c3d4e5"), StageName("dev")), b"to all", waits=False)


def busy_with_many(leaving: Leaving) -> asyncio.Task[bool]:
    """Something for many takes long, until its lock is released, and a broadcast waits behind it."""

    async def begin() -> bool:
        taken = await leaving.crowds._turn.acquire()
        assert leaving.crowds.answer(OWNER, BROADCAST) is Outcome.DONE
        return taken

    return leaving.node.start(begin(), "something long")


def test_what_was_taken_for_many_is_carried_out_before_anybody_is_let_go(world: World) -> None:
    leaving = Leaving(world, 50)
    world.run_until(busy_with_many(leaving).done, 1_000)
    drained = leaving.drain(over_s=10)
    world.run(world.now_ms + 4_000)
    assert leaving.closed == 0
    leaving.node.loop.call_soon(leaving.crowds._turn.release)
    began = world.now_ms
    world.run_until(drained.done, 10_000)
    assert world.now_ms - began < 6_000, "the rest of the time, not all of it"
    assert drained.result() == 0
    assert {tuple(socket.sent) for socket in leaving.sockets} == {(b"to all",)}
    assert leaving.closed == 50


def test_what_was_taken_for_many_has_half_of_the_time(world: World) -> None:
    leaving = Leaving(world, 50)
    world.run_until(busy_with_many(leaving).done, 1_000)
    drained = leaving.drain(over_s=10)
    world.run(world.now_ms + 4_900)
    assert leaving.closed == 0
    world.run(world.now_ms + 3_000)
    assert leaving.closed > 0
    world.run_until(drained.done, 20_000)
    assert leaving.closed == 50
