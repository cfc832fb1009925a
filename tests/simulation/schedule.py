"""Random trouble: what may happen to a fleet in a minute, drawn from the world's seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from gateway.model.ids import NodeNumber, connection_id
from gateway.model.peer import DeleteIt, GetInfo
from simulation.book import Story
from simulation.clients import Client
from simulation.dynamodb import DYNAMODB, FAIR, Weather
from simulation.group_traffic import GroupTraffic
from simulation.mail import Mailing
from simulation.process import LEASE_MS, Process
from simulation.scene import API, Simulation, links

LASTS_MS: Final = 26_000
MAX_PROCESSES: Final = 4
LOOK_MS: Final = 200  # how often it is looked whether somebody reaps, or has joined
SOON_MS: Final = 5  # how often it is looked whether a message to many is answered

Act = Callable[[], None]
Acts = Sequence[tuple[float, Act]]


class Schedule:
    """Plans a run's events when it is made; each then finds its victims among whoever is there. Troubles come in
    crowds, and most traffic with them: what breaks a fleet is two things at once."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._world = simulation.world
        self._rng = simulation.world.rng
        rng = self._rng
        self._groups = GroupTraffic(simulation, self._someone)
        self._traffic: Acts = (
            (2.0, self._connect),
            (2.0, self._say),
            (3.0, self._client_leaves),
            (2.0, self._post),
            (0.5, self._get_or_delete),
            (1.5, self._broadcast),
            (1.0, self._post_to_many),
            (1.0, self._one_after_the_other),
            (0.7, self._stop_reading),
            *self._groups.acts,
        )
        self._trouble: Acts = (
            (2.0, self._kill),
            (1.0, lambda: self._strike(self._someone(), Process.kill)),
            (1.5, lambda: self._when_somebody_reaps(Process.kill)),
            (0.7, lambda: self._pause(self._someone(), rng.uniform(50, LEASE_MS / 2))),
            (1.5, lambda: self._pause(self._someone(), rng.uniform(LEASE_MS / 2, 2.5 * LEASE_MS))),
            (1.0, lambda: self._strike(self._someone(), self._stop)),
            (1.0, lambda: self._when_somebody_reaps(self._stop)),
            (0.7, self._slow_down),
            (1.5, self._cut),
            (0.7, self._drag_somewhere),
            (1.0, self._shun),
            (2.5, self._bad_weather),
            (2.5, self._bad_mood),
            (1.0, self._leave),
            (1.5, self._start),
            (0.2, self._jump),
            (1.5, self._stop_while_busy),
            (1.0, self._late_writes),
            (1.0, self._race_of_reapers),
            (1.0, self._slow_then_away),
            (0.7, self._pause_while_reading),
            (1.0, self._reap_slowly),
            (0.7, self._leave_in_vain),
            (2.5, self._hit_while_mailing),
        )
        for process in simulation.processes:
            self._world.at(rng.uniform(500, 1_500), partial(self._arrive, process, rng.randint(1, 8)))
        self._plan(rng.randint(5, 15), self._traffic, 500, LASTS_MS)
        for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3))):
            begins_ms = rng.uniform(1_500, LASTS_MS - 6_000)
            self._plan(rng.randint(1, 5), self._trouble, begins_ms, begins_ms + rng.choice((50, 1_500, 6_000)))
            self._plan(rng.randint(3, 12), self._traffic, begins_ms - 200, begins_ms + rng.choice((200, 4_000, 12_000)))

    def _plan(self, count: int, acts: Acts, from_ms: float, to_ms: float) -> None:
        chosen = self._rng.choices([act for _, act in acts], [weight for weight, _ in acts], k=count)
        for act in chosen:
            self._world.at(self._rng.uniform(from_ms, to_ms), partial(self._unless_calm, act))

    def _unless_calm(self, act: Act) -> None:
        if not self._simulation.is_calm:
            act()

    # -- traffic ---------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        if (process := self._someone()) is not None:
            self._arrive(process, self._rng.choice((1, 1, 2, 6)))

    def _arrive(self, process: Process, count: int) -> None:
        """Several at once; of some the others learn, and post to them, as soon as they are there."""
        for _ in range(count):
            client = self._simulation.connect(process)
            if self._rng.random() < 0.3:
                client.on_open = partial(self._greet, client)

    def _greet(self, client: Client) -> None:
        process, story = self._someone(), client.story
        if process is None or story is None:
            return
        if story.bidden and self._rng.random() < 0.5:
            group = self._rng.choice(story.bidden)
            self._simulation.broadcast(self._process_of(story) or process, group=group)
        else:
            self._simulation.post(process, story.connection_id)

    def _say(self) -> None:
        if (client := self._client()) is not None:
            client.says("hello")

    def _client_leaves(self) -> None:
        if (client := self._client()) is not None:
            client.leaves()

    def _post(self) -> None:
        stories = list(self._simulation.book.stories)
        if stories and (process := self._someone()) is not None:
            recent = stories[-self._rng.choice((5, 20, len(stories))) :]
            self._simulation.post(process, self._rng.choice(recent))

    def _get_or_delete(self) -> None:
        client, process = self._client(), self._someone()
        if process is not None and client is not None and client.story is not None:
            request = self._rng.choice((GetInfo, DeleteIt))(API, client.story.connection_id)
            self._simulation.ask(process, request)

    def _broadcast(self) -> None:
        if (process := self._someone()) is not None:
            stories = list(self._simulation.book.stories)
            but = frozenset(self._rng.sample(stories, min(len(stories), self._rng.choice((0, 0, 1, 3)))))
            self._simulation.broadcast(process, but, waits=self._rng.random() < 0.6)

    def _post_to_many(self) -> None:
        """Some of those that there are or were, and some that never were."""
        if (process := self._someone()) is not None:
            stories = list(self._simulation.book.stories)
            known = self._rng.sample(stories, self._rng.randint(0, len(stories)))
            invented = ("invented", connection_id(NodeNumber(1), b"nobody", b"another key"))
            self._simulation.post_to_many(process, [*known, *self._rng.sample(invented, self._rng.randint(0, 2))])

    def _one_after_the_other(self) -> None:
        """Some at one node without waiting, then one at any node as soon as the last is answered."""
        if (process := self._someone()) is None:
            return
        for _ in range(self._rng.randint(1, 4)):
            last = self._simulation.broadcast(process, waits=self._rng.random() < 0.5)
        if last is not None:
            self._once_answered(last)

    def _once_answered(self, mailing: Mailing) -> None:
        if mailing.told is None:
            self._world.after(SOON_MS, partial(self._unless_calm, lambda: self._once_answered(mailing)))
        else:
            self._rng.choice((self._broadcast, self._post_to_many))()

    def _stop_reading(self) -> None:
        if (client := self._client()) is not None:
            client.stops_reading()
            self._later(client.reads_on)

    # -- trouble ---------------------------------------------------------------------------------------------------

    def _kill(self) -> None:
        if (process := self._someone()) is not None and not self._simulation.is_calm:
            process.kill()

    def _stop(self, process: Process) -> None:
        self._pause(process, self._rng.uniform(50, 3 * LEASE_MS))

    def _pause(self, process: Process | None, for_ms: float) -> None:
        if process is not None and process.runs:
            if self._simulation.is_calm:
                return
            self._world.note(f"{process.name} is stopped for {for_ms:.0f} ms")
            process.here.pause(for_ms)

    def _strike(self, process: Process | None, how: Callable[[Process], None], within: int = 60) -> None:
        """Between two callbacks, some way on."""
        if process is not None and not self._simulation.is_calm:
            process.here.after(self._rng.randint(1, within), lambda: how(process))

    def _when_somebody_reaps(self, how: Callable[[Process], None]) -> None:
        reaping = [each for each in self._simulation.running if each.joined and each.reaper.reaping]
        if reaping:
            self._strike(self._rng.choice(reaping), how)
        else:
            self._world.after(LOOK_MS, partial(self._unless_calm, lambda: self._when_somebody_reaps(how)))

    def _slow_down(self) -> None:
        process = self._someone()
        if process is not None:
            process.here.slow_down(self._rng.choice((5, 50, 300)))
            self._later(lambda: process.here.slow_down(0))

    def _cut(self) -> None:
        if pairs := links(self._simulation):
            one, other = self._rng.choice(pairs)
            self._part(one, other, self._duration_ms(), self._rng.choice((True, True, False)))

    def _part(self, one: str, other: str, for_ms: float, both_ways: bool = True) -> None:
        if self._simulation.is_calm:
            return
        if not both_ways and self._rng.random() < 0.5:
            one, other = other, one
        (self._world.cut if both_ways else self._world.cut_one_way)(one, other)
        self._world.note(f"cut between {one} and {other}, both ways: {both_ways}")
        self._world.after(for_ms, lambda: self._world.heal(one, other))

    def _shun(self) -> None:
        """The partition of the node records is hot, for one of them at least."""
        if (process := self._someone()) is not None:
            self._local(process, Weather(shunned=1.0), self._duration_ms())

    def _local(self, process: Process, weather: Weather, for_ms: float) -> None:
        if not self._simulation.is_calm:
            self._world.note(f"DynamoDB for {process.name}: {weather}")
            local = self._simulation.dynamodb.local
            local[process.name] = weather
            self._world.after(for_ms, lambda: local.pop(process.name, None))

    def _bad_weather(self) -> None:
        share = self._rng.choice((0.1, 0.5, 0.9, 1.0))
        weather = self._rng.choice(
            (
                Weather(slow_ms=self._rng.choice((100, 700, 1_800))),
                Weather(lost=share),
                Weather(refused=share),
                Weather(unanswered=share),
                Weather(refused=share * 0.5, throttled=share * 0.9),
                Weather(900, share / 4, share / 4, share / 4, share / 8),
            )
        )
        self._weather(weather, self._duration_ms())

    def _weather(self, weather: Weather, for_ms: float) -> None:
        if self._simulation.is_calm:
            return
        self._simulation.dynamodb.weather = weather
        self._world.note(f"DynamoDB: {weather}")

        def clear_up() -> None:
            if self._simulation.dynamodb.weather is weather:
                self._simulation.dynamodb.weather = FAIR
                self._world.note("DynamoDB is well")

        self._world.after(for_ms, clear_up)

    def _bad_mood(self) -> None:
        what = self._rng.choice(("crashes", "away", "away", "late", "refuses"))
        self._simulation.mood.slow_ms = self._rng.choice((0, 0, 500, 5_000))
        self._handlers(what, self._rng.choice((0.1, 0.5, 0.9)), self._duration_ms())

    def _handlers(self, what: str, share: float, for_ms: float) -> None:
        if self._simulation.is_calm:
            return
        mood = self._simulation.mood
        setattr(mood, what, share)
        self._world.note(f"handlers: {mood}")

        def cheer_up() -> None:
            setattr(mood, what, 0.0)
            mood.slow_ms = 0.0
            self._world.note("handlers are well")

        self._world.after(for_ms, cheer_up)

    def _leave(self) -> None:
        process, operator = self._someone(), self._someone()
        if process is None or operator is None:
            return
        if self._rng.random() < 0.5 or not operator.joined:
            process.terminate()
        else:
            operator.here.start(operator.ask_drain(process.tenure.number), "an operator")

    def _start(self) -> None:
        if len(self._simulation.running) < MAX_PROCESSES:
            self._arrive_early(self._simulation.start_one())

    def _arrive_early(self, process: Process) -> None:
        """Clients find it as soon as it is there, before the other nodes may know of it."""
        if process.serves:
            self._arrive(process, 3)
        elif process.runs:
            self._world.after(LOOK_MS, partial(self._unless_calm, lambda: self._arrive_early(process)))

    def _jump(self) -> None:
        if (process := self._someone()) is not None:
            process.here.wall_error_ms += self._rng.choice((-3_600_000, -500, 500, 3_600_000))

    # -- what only hurts together ----------------------------------------------------------------------------------

    def _stop_while_busy(self) -> None:
        """Between what it was told and what it does about it, for longer than its lease."""
        if (process := self._someone()) is not None:
            for client in self._simulation.clients:
                if client.is_open and client.story is not None and client.story.actor is process.actor:
                    self._rng.choice((client.leaves, partial(client.says, "hello"), lambda: None))()
            self._arrive(process, 3)
            self._simulation.mood.slow_ms = self._rng.choice((0, 5_000))
            for_ms = self._rng.uniform(LEASE_MS, 2 * LEASE_MS)
            self._strike(process, lambda victim: self._pause(victim, for_ms), within=20)

    def _late_writes(self) -> None:
        """A node whose lease cannot be renewed goes on writing records, slowly, as long as it may."""
        if (process := self._someone()) is not None:
            self._local(process, Weather(slow_ms=100, throttled=0.9, shunned=1.0), self._rng.uniform(11_000, 15_000))
            for _ in range(10):
                wait_ms = self._rng.uniform(6_000, 9_000)
                self._world.after(wait_ms, partial(self._unless_calm, lambda: self._arrive(process, 1)))

    def _race_of_reapers(self) -> None:
        """The survivors learn late of each other's claims."""
        self._kill()
        self._world.after(8_000, lambda: self._weather(Weather(slow_ms=600), 8_000))

    def _slow_then_away(self) -> None:
        """The last renewals are answered late, then none is."""
        if (process := self._someone()) is not None:
            self._drag(DYNAMODB, process.name, 1_400)
            self._world.after(self._rng.uniform(3_000, 6_000), lambda: self._part(process.name, DYNAMODB, 20_000))

    def _drag(self, source: str, target: str, ms: float) -> None:
        if not self._simulation.is_calm:
            self._world.note(f"from {source} to {target} everything takes {ms:.0f} ms longer")
            self._world.drag(source, target, ms)
            self._later(lambda: self._world.drag(source, target, 0))

    def _drag_somewhere(self) -> None:
        if pairs := links(self._simulation):
            one, other = self._rng.sample(self._rng.choice(pairs), 2)
            self._drag(one, other, self._rng.uniform(100, 1_500))

    def _pause_while_reading(self) -> None:
        """Almost for so long that it would be fenced itself."""
        if (process := self._someone()) is not None:
            self._drag(DYNAMODB, process.name, 1_000)
            for_ms = self._rng.uniform(0.75, 0.9) * LEASE_MS
            self._world.after(self._rng.uniform(2_000, 4_000), lambda: self._pause(process, for_ms))

    def _reap_slowly(self) -> None:
        """Somebody dies with many clients, while handlers fail and the table is throttled."""
        if (process := self._someone()) is not None:
            self._arrive(process, 12)
            self._world.after(500, partial(self._unless_calm, process.kill))
            self._world.after(9_000, lambda: self._weather(Weather(slow_ms=100, throttled=0.95), 15_000))
            self._world.after(9_000, lambda: self._handlers("away", 0.5, 12_000))
            if self._rng.random() < 0.5:
                self._when_somebody_reaps(self._rng.choice((Process.kill, self._stop)))

    def _leave_in_vain(self) -> None:
        """Neither handlers nor table take what a node says on its way out."""
        self._handlers("away", 0.8, 12_000)
        self._weather(Weather(throttled=0.8), 12_000)
        self._leave()

    def _hit_while_mailing(self) -> None:
        """Somebody dies, is stopped, leaves or is cut off between any two steps of messages to many and of lists."""
        for _ in range(self._rng.randint(1, 3)):
            self._rng.choice(
                (self._broadcast, self._broadcast, self._post_to_many, self._one_after_the_other, *self._groups.crowds)
            )()
        how: Callable[[Process], None] = self._rng.choice(
            (Process.kill, Process.kill, Process.terminate, self._stop, self._cut_off)
        )
        if self._rng.random() < 0.5:
            self._world.after(self._rng.uniform(0, 12), lambda: self._strike(self._someone(), how, within=20))
        else:
            self._simulation.mail.next_copy = lambda story: self._strike(self._process_of(story), how, within=8)

    def _process_of(self, story: Story) -> Process | None:
        return next((each for each in self._simulation.running if each.actor is story.actor), None)

    def _cut_off(self, process: Process) -> None:
        if pairs := [pair for pair in links(self._simulation) if process.name in pair]:
            one, other = self._rng.choice(pairs)
            self._part(one, other, self._duration_ms(), self._rng.choice((True, False)))

    # -- whom, and for how long ------------------------------------------------------------------------------------

    def _someone(self) -> Process | None:
        running = self._simulation.running
        return self._rng.choice(running) if running else None

    def _client(self) -> Client | None:
        """One that is there, if any is; now and then one that waits for its 101."""
        clients = self._simulation.clients
        there = [each for each in clients if each.is_open or self._rng.random() < 0.02]
        return self._rng.choice(there or clients) if clients else None

    def _later(self, act: Act) -> None:
        self._world.after(self._duration_ms(), act)

    def _duration_ms(self) -> float:
        return self._rng.choice((200, 2_000, 6_000, 12_000)) * (0.5 + self._rng.random())
