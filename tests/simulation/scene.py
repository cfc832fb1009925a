"""A fleet in a world, what can be done to it, and what must hold when everything has calmed down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from gateway.engine.paging import Page, read_token
from gateway.model.audience import Audience
from gateway.model.group import Group
from gateway.model.ids import ApiId, ConnectionId
from gateway.model.member import MemberState
from gateway.model.peer import DeleteIt, GetInfo, GroupRequest, Outcome, PeerAnswer, PostTo
from gateway.peers.memory import MemoryNetwork
from simulation.book import Book, Story
from simulation.census import Census, Censuses
from simulation.clients import Client
from simulation.dynamodb import DYNAMODB, SimDynamoDb
from simulation.handlers import Mood
from simulation.mail import Mail, Mailing
from simulation.process import Process, Scene
from simulation.rolls import GROUPS, STAGE, Rolls
from simulation.world import World

API: Final = ApiId("a1b2c3d4e5")
CALM_LIMIT_MS: Final = 300_000  # leases, lingering, growing pauses between retries
STAYS_CALM_MS: Final = 4_000
STEP_MS: Final = 1_000


class Simulation:
    """``world`` is whoever calls's to close."""

    def __init__(self, world: World, nodes: int) -> None:
        self.world = world
        self.book = Book(world)
        self.dynamodb = SimDynamoDb(world, self.book.is_declared_dead)
        self.mood = Mood()
        self.rolls = Rolls(self.book)
        self.mail = Mail(self.book, self.rolls)
        self.censuses = Censuses(self.book, self.rolls)
        network = MemoryNetwork(self._carry)
        self.scene = Scene(world, self.dynamodb, network, self.book, self.mood, self.mail, self.rolls)
        self.processes: list[Process] = []
        self.clients: list[Client] = []
        self.is_calm = False
        self._posts = 0
        for _ in range(nodes):
            self.start_one()

    # -- what can be done ------------------------------------------------------------------------------------------

    def start_one(self) -> Process:
        """A new process, on a machine of its own."""
        process = Process(self.scene, f"p{len(self.processes) + 1}")
        self.processes.append(process)
        return process

    @property
    def running(self) -> list[Process]:
        return [process for process in self.processes if process.runs]

    def connect(self, process: Process) -> Client:
        client = Client(process)
        self.clients.append(client)
        return client

    def post(self, process: Process, connection_id: ConnectionId) -> list[PeerAnswer]:
        """PostToConnection at that node; the answer is in the list once it is there."""
        self._posts += 1
        return self.ask(process, PostTo(API, connection_id, f"post {self._posts}".encode()))

    def ask(self, process: Process, request: PostTo | GetInfo | DeleteIt) -> list[PeerAnswer]:
        """Any management call."""
        answers: list[PeerAnswer] = []

        async def ask() -> None:
            answers.append(await process.desk.ask(request))

        if process.joined:
            process.here.loop.call_soon(lambda: process.here.start(ask(), "a call"))
        return answers

    def change(self, process: Process, request: GroupRequest) -> list[int]:
        """A connection joins a group or leaves it, or is asked for its groups; the status is in the list once it is
        there."""
        statuses: list[int] = []

        async def change() -> None:
            statuses.append(await process.desk.change(request))

        if process.joined:
            process.here.loop.call_soon(lambda: process.here.start(change(), "a change of groups"))
        return statuses

    def broadcast(
        self,
        process: Process,
        but: frozenset[ConnectionId] = frozenset(),
        *,
        waits: bool = True,
        group: str | None = None,
    ) -> Mailing | None:
        """To everybody, in the group if there is one, but these, asked for at that node; None where it is not there."""
        audience = Audience(API, STAGE, but, group=group)
        return self._mail(process, None, lambda story: story.connection_id not in but, audience, waits=waits)

    def post_to_many(self, process: Process, targets: Sequence[str]) -> Mailing | None:
        """A batch post of as many IDs, none twice, genuine or not."""
        wanted = frozenset(targets)
        return self._mail(process, tuple(targets), lambda story: story.connection_id in wanted, Audience(API, STAGE))

    def _mail(
        self,
        process: Process,
        targets: tuple[str, ...] | None,
        admits: Callable[[Story], bool],
        audience: Audience,
        *,
        waits: bool = True,
    ) -> Mailing | None:
        if not process.joined:
            return None
        mailing = self.mail.begins(process.name, targets, admits, process.known(), waits=waits, group=audience.group)
        process.here.loop.call_soon(lambda: process.here.start(process.desk.send(mailing, audience), "a mailing"))
        return mailing

    def list(
        self,
        process: Process,
        group: str | None = None,
        limit: int = 100,
        but: frozenset[ConnectionId] = frozenset(),
    ) -> Census | None:
        """All who are connected, or in the group, but these: the first page is asked for at that node, the others at
        whichever is there; None where it is not there, without an end where one that was asked died. ``limit`` 0 counts
        them."""
        if not process.joined:
            return None
        census = self.censuses.begins(group, but)
        self._turn_over(census, process, Page(Audience(API, STAGE, but, group=group), limit))
        return census

    def _turn_over(self, census: Census, process: Process, page: Page) -> None:
        """Have its next page told."""
        sight = self.censuses.asks(census, process.known())

        async def ask() -> None:
            document = await process.desk.page(page, sight)
            if isinstance(document, Outcome):
                self.censuses.refused(census, document)
                return
            self.censuses.hears_a_page(census, document)
            if "next" in document:
                following = replace(page, begins=read_token(document["next"]))
                self.world.after(self.world.latency_ms(), lambda: go_on(following))

        def go_on(following: Page) -> None:
            if there := [each for each in self.running if each.joined]:
                self._turn_over(census, self.world.rng.choice(there), following)

        process.here.loop.call_soon(lambda: process.here.start(ask(), "a page"))

    def calm_down(self) -> None:
        """Heal everything, see that somebody is there, and wait until nothing is owed any more, for a while."""
        self.world.note("everything is healed")
        self.world.heal_all()
        self.dynamodb.calm()
        self.mood.lift()
        self.is_calm = True
        for client in self.clients:
            client.reads_on()
        for process in self.running:
            process.here.spare()
            process.here.slow_down(0)
        until_ms, settled_ms = self.world.now_ms + CALM_LIMIT_MS, 0
        while settled_ms < STAYS_CALM_MS:  # a lease may run out just now: its renewal was lost before
            if all(process.leaving for process in self.running):
                self.start_one()
            self.world.run(self.world.now_ms + STEP_MS)
            unsettled = list(self._unsettled())
            assert self.world.now_ms < until_ms, "\n".join(unsettled)
            settled_ms = 0 if unsettled else settled_ms + STEP_MS

    def _carry(self, source: str, target: str, what: Callable[[], None]) -> None:
        self.world.deliver(source, target, what, self.world.latency_ms() / 2, in_order=True)

    # -- what must hold in the end ---------------------------------------------------------------------------------

    def check(self) -> None:
        """Every accepted connection has had exactly one end, or is open and can be reached from everywhere."""
        for story in self.book.stories.values():
            told = self._is_told(story)
            assert not (story.is_open and told), f"both open and told: {story}"
            assert story.is_open or told or not story.accepted, f"neither open nor told: {story}"
        self._check_reach()
        self._check_mail()
        self._check_lists()
        self._check_groups()

    def _check_reach(self) -> None:
        asked = [
            (process, story, self.post(process, story.connection_id))
            for process in self.running
            for story in self.book.stories.values()
        ]
        self.world.run_until(lambda: all(answers for _, _, answers in asked), 10 * STEP_MS)
        for process, story, answers in asked:
            expected = Outcome.DONE if story.is_open else Outcome.GONE
            assert answers == [expected], f"{process.name} says {answers} of {story}"

    def _check_mail(self) -> None:
        """By now everybody can be reached at once, and whatever was asked for before is answered where the node that
        was asked is there."""
        serving = [process for process in self.running if process.serves]
        last = [self.broadcast(process, group=group) for process in serving for group in (None, *GROUPS)]
        everybody = list(self.book.stories)
        batches = [self.post_to_many(process, everybody) for process in serving if everybody]
        there = {process.name for process in self.running}
        asked = [mailing for mailing in self.mail.mailings if mailing.caller in there]
        self.world.run_until(lambda: all(mailing.told is not None for mailing in asked), 30 * STEP_MS)
        for mailing in (*last, *batches):
            assert mailing is not None
            open_now = {each.connection_id for each in self.book.stories.values() if self._is_in(each, mailing.group)}
            assert mailing.got.keys() == open_now, f"not everybody got {mailing}"
            if mailing.told is not None and mailing.is_broadcast:
                assert mailing.told["counts"]["sent"] == len(open_now), f"not everybody is counted: {mailing}"
        self.mail.check()
        self.world.raise_failures()

    def _check_lists(self) -> None:
        """By now everybody answers, and each list is whole."""
        rng = self.world.rng
        serving = [process for process in self.running if process.serves]
        last = [self.list(process, group, rng.choice((1, 3, 100))) for process in serving for group in (None, *GROUPS)]
        self.world.run_until(lambda: all(census is not None and census.is_over for census in last), 30 * STEP_MS)
        for census in last:
            assert census is not None
            there = {each.connection_id for each in self.book.stories.values() if self._is_in(each, census.group)}
            assert set(census.told) == there and census.count == len(there), f"not everybody is in {census}"
            assert not census.silent, f"everybody is there: {census}"

    def _check_groups(self) -> None:
        """A node keeps the memberships of those it holds, and of nobody else: none, once everybody has left."""
        for process in self.running:
            mine = [each for each in self.book.stories.values() if each.is_open and each.actor is process.actor]
            assert len(process.node.groups) == sum(bool(self.rolls.names_of(each)) for each in mine), process.name
        for client in self.clients:
            client.leaves()
        self.world.run_until(lambda: not any(each.is_open for each in self.book.stories.values()), STEP_MS)
        self.world.run(self.world.now_ms + STEP_MS)
        for process in self.running:
            assert len(process.node.groups) == 0, f"{process.name} keeps {len(process.node.groups)} who have left"
            for group in GROUPS:
                assert process.node.groups.members_of(Group(API, STAGE, group)) == ()
        self.world.raise_failures()

    def _is_in(self, story: Story, group: str | None) -> bool:
        return story.is_open and self.rolls.is_in(story, group)

    def _unsettled(self) -> Iterator[str]:
        """What is not yet as it must become."""
        for process in self.running:
            yield from process.unsettled()
        numbers = {process.actor.acts_as for process in self.running}
        for member in self.dynamodb.table.members.values():
            if member.number not in numbers or member.state is not MemberState.ALIVE:
                yield f"a record of a node that is not there: {member}"
        records = {record.connection_id for record in self.dynamodb.table.connections}
        for story in self.book.stories.values():
            if story.is_open != (story.connection_id in records):
                yield f"{'open without a record' if story.is_open else 'a record of what is not open'}: {story}"
            if not story.is_open and self._is_owed(story) and not self._is_told(story):
                yield f"not told: {story}"
            if not story.is_open and story.accepted and story.ended is None:
                yield f"a socket left open: {story}"

    def _is_owed(self, story: Story) -> bool:
        """An end to a beginning: of every client that was let in, and of one that was not though its handler had
        agreed, unless the node that knew of it is no more."""
        return story.accepted or (story.believed and story.actor.acts_as == story.owner)

    def _is_told(self, story: Story) -> bool:
        return bool(story.delivered) or story.connection_id in self.dynamodb.table.parked


def links(simulation: Simulation) -> list[tuple[str, str]]:
    """Every pair of places that a cable runs between."""
    names = [process.name for process in simulation.running]
    return [(one, other) for index, one in enumerate(names) for other in [DYNAMODB, *names[index + 1 :]]]
