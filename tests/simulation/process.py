"""One process of the fleet: the real node, membership, reaper and reach, put together as the gateway does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from gateway.admission import Admission
from gateway.calls import Outside
from gateway.cluster.roster import Roster
from gateway.conversation import Conversation
from gateway.crowds import Crowds
from gateway.departure import drain
from gateway.fleet import DECLARED_DEAD, Fleet, FleetMember
from gateway.model.errors import RegistryUnavailable
from gateway.model.handshake import Handshake
from gateway.model.ids import NodeNumber
from gateway.model.limits import UNLIMITED, Limits
from gateway.model.member import Member
from gateway.model.now import Now
from gateway.model.peer import GroupRequest, ListConnections, MessageToMany, PeerAnswer, PeerRequest
from gateway.node import DEADLINE_GRANULARITY_MS, Node
from gateway.peers.memory import MemoryNetwork
from gateway.ports import PeerService
from gateway.reach import FleetReach
from gateway.reaper import Estates, Reaper
from gateway.server.ticker import Ticker
from gateway.slices import Slices
from gateway.tenure import Tenure
from node_doubles import CountingIds, RecordingReporter, backends
from sample_definitions import handshake
from simulation.book import HAS_TIME_MS, Actor, Book, BookedSocket
from simulation.desk import Accounts, Desk, application
from simulation.dynamodb import SimDynamoDb, SimMembers, SimParked, SimRegistry
from simulation.handlers import Mood, SimFunctions
from simulation.mail import Mail
from simulation.rolls import MAX_GROUPS, Rolls
from simulation.sight import CURRENT
from simulation.world import SimNode, World

LEASE_MS: Final = 10_000
DRAIN_S: Final = 5.0
POST_WAIT_MS: Final = 3_000


@cache
def an_upgrade() -> Handshake:
    return handshake()


@dataclass(frozen=True)
class Scene:
    """What all processes of a run have in common."""

    world: World
    dynamodb: SimDynamoDb
    network: MemoryNetwork
    book: Book
    mood: Mood
    mail: Mail
    rolls: Rolls


class Told(RecordingReporter):
    """A reporter that takes a surprise for the end of the run."""

    def __init__(self, book: Book, actor: Actor) -> None:
        super().__init__()
        self._book = book
        self._actor = actor

    def warned(self, text: str) -> None:
        self._book.world.note(f"{self._actor.here.name} warned: {text}")

    def failed(self, text: str) -> None:
        self._book.world.note(f"{self._actor.here.name} failed: {text}")
        late = (
            "did not end" in text and self._actor.here.awake_for_ms >= HAS_TIME_MS
        )  # else its time ran while it slept
        surprise = "(gateway/" in text or late
        if DECLARED_DEAD in text:
            surprise = self._actor.tenure.number not in self._book.declared_dead
        if surprise:
            self._book.world.fail(AssertionError(f"{self._actor.here.name}: {text}"))


@dataclass(frozen=True)
class Overheard:
    """A ``PeerService`` whose answers are looked at when they are given, whether they arrive or not."""

    service: PeerService
    scene: Scene
    actor: Actor

    def answer(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer | Coroutine[Any, Any, PeerAnswer]:
        answer = self.service.answer(owner, request)
        if isinstance(answer, Coroutine):
            return self._later(owner, request, answer)
        self._hear(owner, request, answer)
        return answer

    async def _later(
        self, owner: NodeNumber, request: PeerRequest, asked: Coroutine[Any, Any, PeerAnswer]
    ) -> PeerAnswer:
        answer = await asked
        self._hear(owner, request, answer)
        return answer

    def _hear(self, owner: NodeNumber, request: PeerRequest, answer: PeerAnswer) -> None:
        if isinstance(request, MessageToMany):
            self.scene.mail.hears_an_answer(owner, request, answer)
        elif isinstance(request, GroupRequest):
            self.scene.rolls.hears_an_answer(self.actor, request, answer)
        elif not isinstance(request, ListConnections):
            self.scene.book.hears_an_answer(request, answer)


class ShortSlices(Slices):
    """A few steps at a time, and then others have their turn, now and then for milliseconds."""

    __slots__ = ("_world",)

    def __init__(self, world: World) -> None:
        super().__init__()
        self.at_once = 2
        self._world = world

    async def rest(self) -> None:
        rng = self._world.rng
        await asyncio.sleep(rng.choice((0, 0, rng.uniform(0, 0.01))))


class Process:
    """``python -m gateway serve`` on a node of the world: begins to join at once, takes clients when it ``serves``."""

    def __init__(self, scene: Scene, name: str) -> None:
        self.scene = scene
        self.name = name
        self.here: SimNode = scene.world.node(name)
        self.tenure = Tenure(self.here.clock)
        self.actor = Actor(self.here, self.tenure)
        self.joined = False
        self.leaving = False
        scene.book.actors.append(self.actor)
        self.here.loop.call_soon(self._assemble)

    # -- what others do to it --------------------------------------------------------------------------------------

    @property
    def runs(self) -> bool:
        return self.here.alive

    @property
    def serves(self) -> bool:
        return self.runs and self.joined and not self.leaving and self.actor.acts_as is not None

    def kill(self) -> None:
        if self.runs:
            self.scene.world.note(f"{self.name} is killed")
            self.here.kill()
            self.scene.book.dies(self.actor)
            if self.scene.world.rng.random() < 0.5:  # else the machine, which says no more than its processes
                self.scene.network.leave(self.name)

    def terminate(self) -> None:
        """SIGTERM."""
        if self.joined and not self.leaving:
            self.scene.world.note(f"{self.name} is asked to leave")
            self.leaving = True
            self.here.loop.call_soon(lambda: self.here.start(self._leave(), "leaving"))

    # -- what clients and callers do -------------------------------------------------------------------------------

    def known(self) -> frozenset[NodeNumber]:
        """The nodes that serve as far as this one knows."""
        roster = self.member.roster
        return frozenset(number for number in roster.sightings if roster.serves(number))

    def takes(self, socket: BookedSocket) -> Conversation | None:
        """A connection arrives; None when it was refused at once."""
        if not self.joined:
            socket.refuse(503, (), b"")
            return None
        conversation = self.node.handshake(socket, an_upgrade())
        if conversation is not None:
            socket.story = self.scene.book.begins(self.actor, conversation.connection.connection_id)
        return conversation

    async def ask_drain(self, number: NodeNumber) -> None:
        """An operator at this machine wants a node to leave."""
        with suppress(RegistryUnavailable):
            await self.members.ask_drain(number)

    def unsettled(self) -> Iterator[str]:
        """Why this process is not yet as it must become."""
        if self.here.is_paused:
            yield f"{self.name} sleeps"
        elif not self.joined or self.leaving or self.actor.acts_as is None:
            yield f"{self.name} does not serve: joined={self.joined} leaving={self.leaving}"
        elif self.reaper.reaping:
            yield f"{self.name} reaps {self.reaper.reaping}"
        elif self.registry.pending:
            yield f"{self.name} has {self.registry.pending} writes to do"

    # -- its programme ---------------------------------------------------------------------------------------------

    def _assemble(self) -> None:
        world, clock = self.scene.world, self.here.clock
        self.reporter = Told(self.scene.book, self.actor)
        self.members = SimMembers(self.scene.dynamodb, self.here)
        self.registry = SimRegistry(self.scene.dynamodb, self.here)
        self.functions = SimFunctions(self.scene.book, self.actor, self.scene.mood)
        outside = Outside(
            backends(self.functions),
            self.registry,
            clock,
            CountingIds(),
            self.reporter,
            admission=Admission(UNLIMITED),
            undelivered=lambda *owed: self.reaper.take_over(*owed),
        )
        limits = Limits(max_groups=MAX_GROUPS)
        self.node = Node(self.tenure, application(), outside, limits, lambda: self._ticker.wake())
        self._ticker = Ticker(clock, DEADLINE_GRANULARITY_MS, self._tick)
        estates = Estates(self.members, self.registry, SimParked(self.scene.dynamodb, self.here))
        self.reaper = Reaper(estates, self.node.speak_for, self.tenure, (clock, self.reporter, world.rng.random))
        fleet = Fleet(self.members, clock, self.reporter, world.rng.random, self._seen, self.terminate, self._began)
        card = Member(NodeNumber(0), LEASE_MS, self.name, self.name, 1, 0, address=self.name)
        self.member = FleetMember(card, self.tenure, self.node, fleet)
        self.crowds = Crowds(self.node, lambda: ShortSlices(world))
        here = Overheard(self.crowds, self.scene, self.actor)
        peers = self.scene.network.join(self.name, here)
        self.reach = FleetReach(here, peers, self.tenure, self._look, POST_WAIT_MS)
        self.desk = Desk(Accounts(self.scene.book, self.scene.rolls, self.scene.mail), self.reach)
        self.here.start(self._join(), "joining")

    async def _join(self) -> None:
        while not self.joined:
            try:
                await self.member.join()
            except RegistryUnavailable:
                await asyncio.sleep(1)
            else:
                self.joined = True

    async def _leave(self) -> None:
        self.member.drain()
        await drain(self.node, self.crowds, DRAIN_S, self.scene.world.rng.random)
        await self.reaper.close()
        self.actor.has_left = True
        await self.member.leave(self._is_empty)
        await self.member.close()
        await self.registry.close()
        self._ticker.stop()
        self.scene.world.note(f"{self.name} has left")
        self.here.kill()
        self.scene.book.dies(self.actor)
        self.scene.network.leave(self.name)

    async def _is_empty(self, number: NodeNumber) -> bool:
        async for _ in self.registry.connections_of(number):
            return False
        return True

    async def _look(self) -> Roster:
        roster = await self.member.look()
        if (sight := CURRENT.get()) is not None:
            sight.looked = True
        return roster

    def _tick(self, now: Now) -> bool:
        self.node.tick(now.monotonic_ms)
        return self.node.next_deadline_ms() is not None

    def _seen(self, roster: Roster) -> None:
        self.reach.see(roster)
        self.reaper.see(roster)

    def _began(self, member: Member) -> None:
        self.scene.world.note(f"{self.name} is node {member.number}")
