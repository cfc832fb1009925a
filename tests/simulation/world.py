"""A world of nodes: one thread, one virtual clock, one event loop per node, and whose turn it is drawn from a seed.

    with World(seed) as world:
        node = world.node("a")
        node.start(serve(), "serve")
        world.at(5_000, node.kill)
        world.run(until_ms=60_000)

A node is a process: it can be stopped for a while (its timers then fire late, all at once), slowed down, or killed,
and then nothing of it runs any more, no ``finally`` block either. Time passes only when nobody has anything to do.
Times are milliseconds since the world began; the nodes' own clocks start elsewhere and run a little faster or slower.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import warnings
from collections.abc import Callable, Coroutine
from functools import partial
from heapq import heappop, heappush
from math import inf
from random import Random
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from gateway.model.now import Now
from simulation.loop import SimLoop

T = TypeVar("T")
Act = Callable[[], object]

WALL_BEGIN_MS: Final = 1_790_328_005_217  # Unix time when a world begins
MAX_RATE_ERROR: Final = 5e-4  # five times what cheap oscillators are sold with
MAX_TURNS_AT_ONCE: Final = 100_000  # without time passing: somebody spins
NEVER_EARLY_MS: Final = 1e-3  # a timer is late rather than early, however times are rounded between clocks
CALLBACKS_PER_TURN: Final = 1_000_000  # no bound: a turn that is not cut short
CUT_SHORT: Final = 0.25  # of all turns, so that others get to run between two callbacks of one turn


class SimNode:
    """One process. ``rate`` is how many of its seconds pass in one of the world's; ``clock`` is a ``ports.Clock``;
    ``callbacks`` have run so far; ``due_at_ms`` is when it next has something to do, until its loop is touched."""

    def __init__(self, world: World, name: str, origin_s: float, rate: float) -> None:
        self.name = name
        self.alive = True
        self.wall_error_ms = 0
        self._world = world
        self._origin_s = origin_s
        self._rate = rate
        self._lag_ms = 0.0
        self._held_until_ms = 0.0
        self.due_at_ms = 0.0
        self._after: list[tuple[int, Act]] = []
        self._held: set[asyncio.Task[Any]] = set()
        self.callbacks = 0
        self.loop = SimLoop(self._time_s, self._failed)  # type: ignore[abstract] # the rest is not for simulations
        self.clock = SimClock(self, world)

    # -- what its programme does -----------------------------------------------------------------------------------

    def start(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run ``work`` as a task of this node, held as asyncio holds none; an exception that it ends with fails the
        run."""
        task = self.loop.create_task(work, name=name)
        self._held.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._held.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed({"message": f"{task.get_name()} failed", "exception": error})

    # -- what happens to it ----------------------------------------------------------------------------------------

    def pause(self, for_ms: float) -> None:
        """SIGSTOP now, SIGCONT ``for_ms`` later; its clocks go on."""
        self._hold(for_ms)

    @property
    def is_paused(self) -> bool:
        return self.alive and self._held_until_ms > self._world.now_ms

    @property
    def awake_for_ms(self) -> float:
        """Since when it has been running, negative while it is paused, 0 once it is dead."""
        return self._world.now_ms - self._held_until_ms if self.alive else 0.0

    def slow_down(self, lag_ms: float) -> None:
        """From now on every turn is followed by a wait of up to ``lag_ms``; 0 ends it."""
        self._lag_ms = lag_ms

    def kill(self) -> None:
        """SIGKILL. What it has sent already is still on its way."""
        self._held |= asyncio.all_tasks(self.loop)
        self.alive = False
        self.loop.dead = True
        self._world.buries(self)

    def after(self, callbacks: int, act: Act) -> None:
        """Do ``act`` once this many further callbacks have run here: between any two steps of its programme."""
        self._after.append((self.callbacks + callbacks, act))

    def spare(self) -> None:
        """Forget what was to be done ``after`` callbacks."""
        self._after.clear()

    # -- for the world ---------------------------------------------------------------------------------------------

    def due_ms(self) -> float:
        """When it has something to do; may lie in the past, infinity when nothing is planned."""
        if self.loop.touched:
            self.loop.touched = False
            due_ms = (self.loop.next_due_s() - self._origin_s) / self._rate * 1000
            self.due_at_ms = max(self._held_until_ms, due_ms + NEVER_EARLY_MS)
        return self.due_at_ms

    def turn(self, most: int) -> None:
        """Let it run one turn, or the first ``most`` callbacks of one."""
        if self._after:
            most = max(1, min(most, min(at for at, _ in self._after) - self.callbacks))
        sys.set_asyncgen_hooks(self.loop.begins_generator, self.loop.drops_generator)
        asyncio._set_running_loop(self.loop)
        try:
            self.callbacks += self.loop.run(most)
        finally:
            asyncio._set_running_loop(None)
        if self._lag_ms:
            self._hold(self._world.rng.uniform(0, self._lag_ms))
        if self._after and (due := [each for each in self._after if each[0] <= self.callbacks]):
            self._after = [each for each in self._after if each[0] > self.callbacks]
            for _, act in due:
                act()

    def end(self) -> None:
        """Close what is left of its coroutines, whatever they do about it; nobody listens any more."""
        closed: set[asyncio.Task[Any]] = set()
        self.alive = False
        self.loop.forget()
        asyncio._set_running_loop(self.loop)
        try:
            while left := asyncio.all_tasks(self.loop) - closed:  # on its way out one may start another
                for task in left:
                    _close(task)
                closed |= left
        finally:
            asyncio._set_running_loop(None)

    def _hold(self, for_ms: float) -> None:
        self._held_until_ms = max(self._held_until_ms, self._world.now_ms + for_ms)
        self.loop.touched = True

    def local_s(self, now_ms: float) -> float:
        return self._origin_s + now_ms * self._rate / 1000

    def _time_s(self) -> float:
        return self._origin_s + self._world.now_ms * self._rate / 1000

    def _failed(self, context: dict[str, Any]) -> None:
        """A callback or task ended in an exception that nobody caught."""
        error = context.get("exception")
        surprise = error if isinstance(error, Exception) else RuntimeError(context.get("message"))
        surprise.add_note(f"on {self.name} at {self._world.now_ms:.3f} ms: {context.get('message')}")
        self._world.fail(surprise)


class SimClock:
    """``ports.Clock`` of a node; its monotonic clock goes on while the node is paused."""

    def __init__(self, node: SimNode, world: World) -> None:
        self._node = node
        self._world = world
        self._read: tuple[float, int, Now] | None = None

    def now(self) -> Now:
        at_ms, error_ms, last = self._world.now_ms, self._node.wall_error_ms, self._read
        if last is not None and last[0] == at_ms and last[1] == error_ms:
            return last[2]
        monotonic_us = round(self._node.local_s(at_ms) * 1_000_000)
        now = Now(WALL_BEGIN_MS + error_ms + int(at_ms), monotonic_us // 1000)
        self._read = at_ms, error_ms, now
        return now


class World:
    """``fingerprint`` sums up who had a turn when: equal for equal runs. ``trace`` is what ``note`` was told. ``turns``
    counts those that there have been, nodes' and the world's own: a moment, where time stands still."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.now_ms = 0.0
        self.turns = 0
        self.fingerprint = seed
        self.trace: list[tuple[float, str]] = []
        self.nodes: dict[str, SimNode] = {}
        self._running: list[SimNode] = []
        self._events: list[tuple[float, int, Act]] = []
        self._event_count = 0
        self._cut: set[tuple[str, str]] = set()
        self._drag_ms: dict[tuple[str, str], float] = {}
        self._last_ms: dict[tuple[str, str], float] = {}  # when the last one that keeps the order arrives
        self._failures: list[Exception] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def node(self, name: str) -> SimNode:
        """A new process; its clock starts anywhere within a month and is up to ``MAX_RATE_ERROR`` wrong."""
        assert name not in self.nodes
        rate = 1 + self.rng.uniform(-MAX_RATE_ERROR, MAX_RATE_ERROR)
        made = self.nodes[name] = SimNode(self, name, self.rng.uniform(0, 2_592_000), rate)
        self._running.append(made)
        return made

    def buries(self, node: SimNode) -> None:
        """It never has a turn again."""
        if node in self._running:
            self._running = [each for each in self._running if each is not node]

    def note(self, text: str) -> None:
        """Keep a line with the time, for whoever reads the story of a run."""
        self.trace.append((self.now_ms, text))

    # -- time ------------------------------------------------------------------------------------------------------

    def at(self, ms: float, act: Act) -> None:
        """Do ``act`` then, outside of every node."""
        self._event_count += 1
        heappush(self._events, (ms, self._event_count, act))

    def after(self, ms: float, act: Act) -> None:
        """Do ``act`` that much later."""
        self.at(self.now_ms + ms, act)

    def run(self, until_ms: float) -> None:
        """Let that time come. Raises an ExceptionGroup of what nobody caught, as soon as it happened."""
        self._drive(lambda: False, until_ms)

    def run_until(self, condition: Callable[[], bool], limit_ms: float) -> None:
        """Run until ``condition``, which is looked at after every turn; AssertionError when ``limit_ms`` pass first."""
        self._drive(condition, until_ms := self.now_ms + limit_ms)
        assert condition(), f"it did not come about until {until_ms:.0f} ms"

    def _drive(self, condition: Callable[[], bool], until_ms: float) -> None:
        assert asyncio._get_running_loop() is None, "a world does not run inside another loop"
        hooks, collects = sys.get_asyncgen_hooks(), gc.isenabled()
        gc.disable()  # when it runs is not the seed's doing, and it closes generators
        try:
            turns = 0
            while not condition():
                ready, next_ms = self._ready()
                if ready:
                    turns += 1
                    assert turns < MAX_TURNS_AT_ONCE, "somebody spins: time does not pass"
                    self._turn(ready[0] if len(ready) == 1 else self.rng.choice(ready))
                elif next_ms < until_ms:
                    turns = 0
                    self.now_ms = next_ms
                else:
                    self.now_ms = max(self.now_ms, until_ms)
                    return
        finally:
            sys.set_asyncgen_hooks(*hooks)
            if collects:
                gc.enable()

    def _ready(self) -> tuple[list[SimNode | None], float]:
        """Who has something to do now, None standing for an event of the world; when nobody has, when that changes."""
        now_ms, next_ms = self.now_ms, inf
        ready: list[SimNode | None] = []
        for node in self._running:
            due_ms = node.due_ms() if node.loop.touched else node.due_at_ms
            if due_ms <= now_ms:
                ready.append(node)
            elif due_ms < next_ms:
                next_ms = due_ms
        if self._events:
            due_ms = self._events[0][0]
            if due_ms <= now_ms:
                ready.append(None)
            next_ms = min(next_ms, due_ms)
        return ready, next_ms

    def _turn(self, chosen: SimNode | None) -> None:
        self.turns += 1
        if chosen is None:
            heappop(self._events)[2]()
        else:
            chosen.turn(1 if self.rng.random() < CUT_SHORT else CALLBACKS_PER_TURN)
            self.fingerprint = hash((self.fingerprint, self.now_ms, chosen.callbacks))
        self.raise_failures()

    # -- the network -----------------------------------------------------------------------------------------------

    def cut(self, one: str, other: str) -> None:
        """Nothing sent between these two arrives any more, what is on its way included."""
        self._cut |= {(one, other), (other, one)}

    def cut_one_way(self, source: str, target: str) -> None:
        """Nothing from ``source`` arrives at ``target`` any more."""
        self._cut.add((source, target))

    def heal(self, one: str, other: str) -> None:
        self._cut -= {(one, other), (other, one)}

    def drag(self, source: str, target: str, ms: float) -> None:
        """What goes from ``source`` to ``target`` takes so much longer; 0 ends it."""
        self._drag_ms[source, target] = ms

    def heal_all(self) -> None:
        """No link is cut, none is slow."""
        self._cut.clear()
        self._drag_ms.clear()

    def is_cut(self, source: str, target: str) -> bool:
        return (source, target) in self._cut

    def deliver(self, source: str, target: str, what: Act, delay_ms: float, *, in_order: bool = False) -> None:
        """Run ``what`` at ``target`` later: dropped when the link is cut then or the target dead; when it is paused,
        run once it wakes. The source may be dead by then. A target that is no node is a place that never sleeps.
        ``in_order``: not before what was sent so earlier, as on one TCP connection."""
        way = source, target
        at_ms = self.now_ms + delay_ms + self._drag_ms.get(way, 0.0)
        if in_order:
            at_ms = self._last_ms[way] = max(at_ms, self._last_ms.get(way, 0.0))
        self.at(at_ms, partial(self._arrive, source, target, what))

    def _arrive(self, source: str, target: str, what: Act) -> None:
        if (source, target) in self._cut:
            return
        node = self.nodes.get(target)
        if node is None:
            what()
        else:
            node.loop.call_soon(what)

    def latency_ms(self) -> float:
        """How long one way or one call takes: a few milliseconds as a rule, sometimes hundreds."""
        drawn = self.rng.random()
        return 0.2 + 8 * drawn if drawn < 0.95 else self.rng.uniform(8, 800)

    async def latency(self) -> None:
        """Wait as long, inside a node."""
        await asyncio.sleep(self.latency_ms() / 1000)

    # -- the end ---------------------------------------------------------------------------------------------------

    def fail(self, surprise: Exception) -> None:
        """The run ends with this once the turn is over."""
        self._failures.append(surprise)

    def raise_failures(self) -> None:
        """An ExceptionGroup of what ``fail`` was told since; for who tells it outside of a turn."""
        if self._failures:
            failures, self._failures = self._failures, []
            raise ExceptionGroup("nobody caught this", failures)

    def close(self) -> None:
        """End every node without a sound. Look at what matters before: ``finally`` blocks run here."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for node in self.nodes.values():
                node.end()
            self._events.clear()
            self._running.clear()


def _close(task: asyncio.Task[Any]) -> None:
    coroutine = task.get_coro()
    assert isinstance(coroutine, Coroutine)
    for _ in range(10):  # each time it may await once more on its way out
        try:
            coroutine.close()
        except BaseException:
            continue  # whatever it does about it
        return
