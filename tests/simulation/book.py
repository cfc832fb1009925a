"""What happened to every connection of a run, told by sockets and handlers as it happens, and what must never happen.

It stands outside of all nodes: it knows at every moment which process lives, and which socket is open. A breach of an
invariant fails the run at the turn that committed it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.model.ids import ConnectionId, NodeNumber, RequestId, disconnect_request_id, owner_of
from gateway.model.limits import MAX_OUT_BUFFER_BYTES
from gateway.model.peer import OneRequest, Outcome, PeerAnswer, PostTo
from gateway.ports import Socket
from gateway.tenure import Tenure
from gateway.wire.prepared_message import PreparedMessage
from node_doubles import KEY
from simulation.world import SimNode, World

HAS_TIME_MS: Final = 500  # a process that has been awake as long has noticed what it had to


@dataclass(eq=False)
class Actor:
    """One process as the book knows it; ``has_left`` once it has let go of everything and is about to say so."""

    here: SimNode
    tenure: Tenure
    has_left: bool = False

    @property
    def acts_as(self) -> NodeNumber | None:
        """The number that this process may act under at this moment, None when it may not."""
        lease = self.tenure.lease
        if not self.here.alive or self.has_left or lease._lapsed:  # asking ``holds`` would let it lapse
            return None
        return self.tenure.number if self.here.clock.now().monotonic_ms < lease.until_ms else None


@dataclass(eq=False)
class Farewell:
    """One call of ``$disconnect``: who called it, as whom; ``arrived`` when a handler saw it, ``failed`` when the
    caller was told that it had not gone well."""

    at_ms: float
    actor: Actor
    number: NodeNumber
    request_id: RequestId
    code: int
    arrived: bool
    failed: bool


@dataclass(eq=False)
class Story:
    """One connection. ``believed``: its ``$connect`` was answered 2xx; ``accepted``: the client has its 101. ``bidden``
    are the groups that the answer named; ``over`` is the world's turn in which its node knew of its end."""

    connection_id: ConnectionId
    owner: NodeNumber
    actor: Actor
    connects: int = 0
    believed: bool = False
    refused: bool = False
    accepted: bool = False
    ended: str | None = None  # why its socket is not open any more
    bidden: tuple[str, ...] = ()
    over: int | None = None
    was_full: bool = False  # its client did not read for a while
    sent: list[bytes] = field(default_factory=list)  # what left for the client, whether it still reads or not
    farewells: list[Farewell] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """A client holds this socket, and the process at its other end may serve it."""
        return self.accepted and self.ended is None and self.actor.acts_as == self.owner

    @property
    def delivered(self) -> list[Farewell]:
        return [each for each in self.farewells if each.arrived]


class Book:
    """``stories`` in the order in which their connections began; ``posted`` hears of all that leaves for clients,
    ``opened`` and ``over`` of connections."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.stories: dict[ConnectionId, Story] = {}
        self.actors: list[Actor] = []
        self.declared_dead: set[NodeNumber] = set()
        self.posted: Callable[[Story, bytes], None] = lambda story, data: None
        self.opened: Callable[[Story], None] = lambda story: None
        self.over: Callable[[Story], None] = lambda story: None

    def serving(self) -> frozenset[NodeNumber]:
        """The numbers under which somebody may act at this moment."""
        return frozenset(actor.acts_as for actor in self.actors if actor.acts_as is not None)

    # -- what nodes do ---------------------------------------------------------------------------------------------

    def begins(self, actor: Actor, connection_id: ConnectionId) -> Story:
        """A handshake was taken; its ``$connect`` may have been called by then."""
        known = self.stories.get(connection_id)
        if known is not None:
            return known
        story = Story(connection_id, self._acting(actor, connection_id, "handshake"), actor)
        self.stories[connection_id] = story
        return story

    def connects(self, actor: Actor, connection_id: ConnectionId, believed: bool, groups: tuple[str, ...] = ()) -> None:
        """``$connect`` is called, and will be answered so."""
        self._acting(actor, connection_id, "$connect")
        story = self.begins(actor, connection_id)
        story.connects += 1
        story.believed |= believed
        story.bidden = groups
        self._check(story.connects == 1, "two $connect", story)
        self.world.note(f"{actor.here.name}: $connect of {connection_id} {'' if believed else 'not '}believed")

    def accepts(self, story: Story) -> None:
        self._acting(story.actor, story.connection_id, "101")
        self._check(not story.farewells, "101 after its $disconnect", story)
        story.accepted = True
        self.opened(story)
        self.world.note(f"{story.actor.here.name}: 101 for {story.connection_id}")

    def sends(self, story: Story, data: bytes, arrives: bool) -> None:
        """``arrives`` is False when the client has left and the node does not know yet."""
        self._acting(story.actor, story.connection_id, "send")
        self._check(story.accepted, "sent before its 101", story)
        self._check(story.ended is None or not arrives, "sent after its end", story)
        self._check(not story.farewells, "sent after its $disconnect", story)
        self.posted(story, data)
        story.sent.append(data)

    def ends(self, story: Story, why: str) -> None:
        """Its node closes the socket, or hears that it is closed."""
        self.leaves(story, why)
        if story.over is None:
            story.over = self.world.turns
            self.over(story)

    def leaves(self, story: Story, why: str) -> None:
        """Its client closes the socket, of which its node hears later; a no-op when it is closed."""
        if story.ended is None:
            story.ended = why
            if story.accepted:
                self.world.note(f"{story.actor.here.name}: end of {story.connection_id}: {why}")

    def hears(self, actor: Actor, connection_id: ConnectionId) -> None:
        """A handler is called with a message."""
        self._acting(actor, connection_id, "message")
        story = self.stories[connection_id]
        self._check(not story.farewells, "a message after its $disconnect", story)

    def bids_farewell(
        self, actor: Actor, connection_id: ConnectionId, farewell: Callable[[NodeNumber], Farewell]
    ) -> None:
        """``$disconnect`` is called."""
        number, story = actor.acts_as, self.stories[connection_id]
        self._check(number is not None, f"{actor.here.name} calls $disconnect although it is fenced", story)
        made = farewell(number or story.owner)
        self.world.note(
            f"{actor.here.name} as {number}: $disconnect of {connection_id} {made.code} arrived={made.arrived}"
        )
        self._check(made.request_id == disconnect_request_id(connection_id), "another request ID", story)
        self._check(not story.is_open, "$disconnect of an open connection", story)
        if number == story.owner:
            self._check(story.believed, "$disconnect of a connection that $connect refused", story)
        else:
            self._check(story.actor.acts_as != story.owner, "$disconnect by others while its owner may act", story)
        self._check_repeat(story, made)
        story.farewells.append(made)

    def hears_an_answer(self, request: OneRequest, answer: PeerAnswer) -> None:
        """A node has answered, itself or another one, to a management call."""
        story = self.stories[request.connection_id]
        if answer is Outcome.GONE:
            self._check(not story.is_open, "410 for an open connection", story)
        elif answer is Outcome.DONE and isinstance(request, PostTo):
            self._check(request.data in story.sent, f"200 for {request.data!r}, which was not sent", story)
        elif answer is Outcome.DONE:
            self._check(story.ended is not None, "204 and not closed", story)

    def is_declared_dead(self, number: NodeNumber) -> None:
        self.world.note(f"node {number} is claimed")
        self.declared_dead.add(number)
        for actor in self.actors:
            if actor.acts_as == number:
                self.breach(f"node {number} ({actor.here.name}) is declared dead while it may act")
        for story in self.stories.values():
            if story.owner == number and story.accepted and story.ended is None:
                self._check(story.actor.here.awake_for_ms < HAS_TIME_MS, "declared dead, and its socket is open", story)

    # -- what happens to them --------------------------------------------------------------------------------------

    def dies(self, actor: Actor) -> None:
        """Its sockets are closed by the kernel."""
        for story in self.stories.values():
            if story.actor is actor:
                self.ends(story, "its process is dead")

    # -- invariants ------------------------------------------------------------------------------------------------

    def _acting(self, actor: Actor, connection_id: ConnectionId, what: str) -> NodeNumber:
        """The connection's owner, which the process must be and act as."""
        owner = owner_of(connection_id, KEY)
        assert owner is not None
        if actor.acts_as != owner:
            self.breach(f"{what} of {connection_id} by {actor.here.name}, which acts as {actor.acts_as}, not {owner}")
        return owner

    def _check_repeat(self, story: Story, made: Farewell) -> None:
        """The documented cases: the call before was told to have failed, or its caller ended before it had removed the
        record."""
        for before in story.delivered:
            over = before.actor.acts_as != before.number
            self._check(before.failed or over, f"a second $disconnect at {made.at_ms:.0f} ms", story)

    def _check(self, holds: bool, breach: str, story: Story) -> None:
        if not holds:
            self.breach(f"{breach}: {story}")

    def breach(self, breach: str) -> None:
        """An invariant does not hold: the run fails."""
        self.world.note(f"BREACH {breach}")
        self.world.fail(AssertionError(breach))


class BookedSocket:
    """``ports.Socket`` of one client: what the node does to it is written down. ``opens`` and ``closes`` are called
    when the 101 and a close frame leave, ``gone`` says that the client reads no more, ``finished`` that the node hears
    no more of it, ``is_full`` that as much waits for the client as may."""

    def __init__(self, book: Book, opens: Callable[[], None], closes: Callable[[], None]) -> None:
        self._book = book
        self._opens = opens
        self._closes = closes
        self.story: Story | None = None
        self.gone = False
        self.finished = False
        self.is_full = False

    def accept(self, subprotocol: str | None) -> None:
        self._book.accepts(self._told())
        self._opens()
        if self.gone:
            self._book.leaves(self._told(), "the client did not wait")

    def refuse(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        self.finished = True
        if self.story is not None:
            self.story.refused = True

    def send_prepared(self, message: PreparedMessage, most: int) -> bool:
        if self.buffered_bytes() + message.size > most:
            return False
        self.send_text(message.data)
        return True

    def send_to_each(self, sockets: Sequence[Socket], message: PreparedMessage, most: int) -> list[Socket]:
        return [each for each in sockets if not each.send_prepared(message, most)]

    def send_text(self, data: bytes) -> None:
        self._book.sends(self._told(), data, arrives=not self.gone)

    send_binary = send_text

    def close(self, code: int | None, reason: str) -> None:
        self._book.ends(self._told(), f"closed by us: {code}")
        self._closes()

    def abort(self) -> None:
        self.finished = True
        if self.story is not None:
            self._book.ends(self.story, "aborted by us")

    def buffered_bytes(self) -> int:
        if self.is_full and self.story is not None:
            self.story.was_full = True
        return MAX_OUT_BUFFER_BYTES if self.is_full else 0

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def _told(self) -> Story:
        assert self.story is not None
        return self.story
