"""What callers do with groups and lists in a random schedule."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from gateway.model.ids import ConnectionId, StageName
from gateway.model.peer import GetGroups, JoinGroup, LeaveGroup
from simulation.process import Process
from simulation.rolls import ELSEWHERE, GROUPS, STAGE
from simulation.scene import API, Simulation

ASTRAY: Final = 0.03  # of all calls name the wrong stage
SHORTLY_MS: Final = 40  # within which everything of a throng happens

Act = Callable[[], None]


class GroupTraffic:
    """``someone`` draws a process; the rest is drawn from the world's seed. Whom a call is about is mostly somebody who
    is there."""

    def __init__(self, simulation: Simulation, someone: Callable[[], Process | None]) -> None:
        self._simulation = simulation
        self._someone = someone
        self._rng = simulation.world.rng
        self.acts: tuple[tuple[float, Act], ...] = (
            (2.0, self.join),
            (1.0, self.leave),
            (0.5, self.ask),
            (1.5, self.tell),
            (1.0, self.list),
            (1.0, self.throng),
            (0.5, self.tell_in_order),
        )
        self.crowds: tuple[Act, ...] = (self.throng, self.list)  # what takes its time

    def join(self) -> None:
        self._change(JoinGroup, self._group())

    def leave(self) -> None:
        self._change(LeaveGroup, self._group())

    def ask(self) -> None:
        """In which groups somebody is."""
        process, connection_id = self._someone(), self._connection()
        if process is not None and connection_id is not None:
            self._simulation.change(process, GetGroups(API, connection_id, self._stage()))

    def tell(self, group: str | None = None) -> None:
        """A broadcast to a group, of which some are left out now and then."""
        if (process := self._someone()) is not None:
            waits = self._rng.random() < 0.7
            self._simulation.broadcast(process, self._but(), waits=waits, group=group or self._group())

    def tell_in_order(self) -> None:
        """Some at one node without waiting, to a group and to everybody."""
        if (process := self._someone()) is not None:
            group = self._group()
            for _ in range(self._rng.randint(2, 4)):
                to = group if self._rng.random() < 0.7 else None
                self._simulation.broadcast(process, waits=self._rng.random() < 0.5, group=to)

    def list(self, group: str | None = None) -> None:
        """Of a group or of the stage, on pages of any length, or the count alone."""
        if (process := self._someone()) is not None:
            group = group or self._rng.choice((None, *GROUPS))
            self._simulation.list(process, group, self._rng.choice((0, 1, 2, 5, 100)), self._but())

    def throng(self) -> None:
        """Joins, leaves, messages and lists of one group from all sides at almost the same time."""
        group = self._group()
        acts: tuple[tuple[float, Act], ...] = (
            (4.0, partial(self._change, JoinGroup, group)),
            (3.0, partial(self._change, LeaveGroup, group)),
            (2.0, partial(self.tell, group)),
            (1.0, partial(self.list, group)),
        )
        for act in self._rng.choices([act for _, act in acts], [weight for weight, _ in acts], k=10):
            self._simulation.world.after(self._rng.uniform(0, SHORTLY_MS), act)

    def _change(self, kind: type[JoinGroup | LeaveGroup], group: str) -> None:
        process, connection_id = self._someone(), self._connection()
        if process is not None and connection_id is not None:
            self._simulation.change(process, kind(API, connection_id, self._stage(), group))

    def _connection(self) -> ConnectionId | None:
        stories = list(self._simulation.book.stories.values())
        there = [each for each in stories if each.is_open or self._rng.random() < 0.1]
        return self._rng.choice(there or stories).connection_id if stories else None

    def _but(self) -> frozenset[ConnectionId]:
        stories = list(self._simulation.book.stories)
        return frozenset(self._rng.sample(stories, min(len(stories), self._rng.choice((0, 0, 0, 2)))))

    def _group(self) -> str:
        return self._rng.choice(GROUPS)

    def _stage(self) -> StageName:
        return ELSEWHERE if self._rng.random() < ASTRAY else STAGE
