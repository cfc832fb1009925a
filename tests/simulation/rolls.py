"""Who is in which group, by what the nodes that hold the sockets have answered, whether that arrived or not.

A caller whose answer was lost cannot know what became of a join; here it is known. Moments are the world's turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.model.ids import ConnectionId, StageName
from gateway.model.peer import GroupRequest, InGroups, JoinGroup, LeaveGroup, Outcome, PeerAnswer
from simulation.book import Actor, Book, Story

STAGE: Final = StageName("dev")
ELSEWHERE: Final = StageName("prod")  # nobody is its client
GROUPS: Final = ("red", "green", "blue")
MAX_GROUPS: Final = 2  # that one connection may be in
STATUS: Final = {
    204: Outcome.DONE,
    409: Outcome.IN_MANY,
    410: Outcome.GONE,
    500: Outcome.UNREACHABLE,
    503: Outcome.FENCED,
}


@dataclass(slots=True)
class _Span:
    """One membership, ``until`` it ended."""

    since: int
    until: int | None = None


class Rolls:
    """What must never become of a membership fails the run."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._spans: dict[tuple[ConnectionId, str], list[_Span]] = {}
        self._now: dict[ConnectionId, dict[str, None]] = {}
        self._heard: dict[tuple[GroupRequest, Outcome], int] = {}  # when it was last answered so
        book.opened = self._opens
        book.over = self._is_over

    # -- for the account of messages and lists ---------------------------------------------------------------------

    def names_of(self, story: Story) -> tuple[str, ...]:
        """In the order of joining."""
        return tuple(self._now.get(story.connection_id, ()))

    def is_in(self, story: Story, group: str | None) -> bool:
        """None is no group, in which is everybody; so below."""
        return group is None or group in self._now.get(story.connection_id, ())

    def was_in(self, story: Story, group: str | None, since: int) -> bool:
        """At any moment since."""
        spans = self._spans.get((story.connection_id, group or ""), ())
        return group is None or any(span.until is None or span.until > since for span in spans)

    def stayed(self, story: Story, group: str | None, since: int) -> bool:
        """All the time since."""
        spans = self._spans.get((story.connection_id, group or ""), ())
        return group is None or any(span.until is None and span.since <= since for span in spans)

    # -- what happens to connections -------------------------------------------------------------------------------

    def _opens(self, story: Story) -> None:
        """With the groups that what answered its ``$connect`` has named, as many as there may be."""
        for group in story.bidden[:MAX_GROUPS]:
            self._joins(story, group)

    def _is_over(self, story: Story) -> None:
        for group in self.names_of(story):
            self._leaves(story, group)

    def _joins(self, story: Story, group: str) -> None:
        if not self.is_in(story, group):
            self._spans.setdefault((story.connection_id, group), []).append(_Span(self._book.world.turns))
            self._now.setdefault(story.connection_id, {})[group] = None
            self._book.world.note(f"{story.connection_id} is in {group}")

    def _leaves(self, story: Story, group: str) -> None:
        if self.is_in(story, group):
            self._spans[story.connection_id, group][-1].until = self._book.world.turns
            del self._now[story.connection_id][group]
            self._book.world.note(f"{story.connection_id} is not in {group} any more")

    # -- what nodes answer -----------------------------------------------------------------------------------------

    def hears_an_answer(self, actor: Actor, request: GroupRequest, answer: PeerAnswer) -> None:
        """A node has answered, at this moment."""
        story = self._book.stories[request.connection_id]
        if isinstance(answer, Outcome):
            self._heard[request, answer] = self._book.world.turns
        if answer is Outcome.GONE:
            self._check(not story.is_open or _is_elsewhere(request), "410 for an open connection", story)
        elif isinstance(answer, InGroups) or answer in (Outcome.DONE, Outcome.IN_MANY):
            holds = story.actor is actor and story.accepted and story.over is None
            self._check(holds and not _is_elsewhere(request), f"{answer} of what is not there", story)
            self._happens(story, request, answer)

    def _happens(self, story: Story, request: GroupRequest, answer: PeerAnswer) -> None:
        names = self.names_of(story)
        if isinstance(answer, InGroups):
            self._check(answer.names == names, f"in {names}, and is told to be in {answer.names}", story)
        elif answer is Outcome.IN_MANY:
            full = isinstance(request, JoinGroup) and len(names) == MAX_GROUPS and request.group not in names
            self._check(full, f"409 for {request}, in {names}", story)
        elif isinstance(request, JoinGroup):
            self._joins(story, request.group)
            self._check(len(self.names_of(story)) <= MAX_GROUPS, "in too many groups", story)
        elif isinstance(request, LeaveGroup):
            self._leaves(story, request.group)

    # -- what callers hear -----------------------------------------------------------------------------------------

    def told(self, request: GroupRequest, status: int, since: int, *, was_there: bool) -> None:
        """The caller has the answer to what it asked for at that moment; ``was_there``: the connection had opened."""
        story = self._book.stories[request.connection_id]
        self._book.world.note(f"{request}: {status}")
        outcome = STATUS.get(status)
        self._check(outcome is not None, f"{status} for {request}", story)
        if outcome is Outcome.GONE:  # its 101 may else have left between answer and now
            self._check(not was_there or not story.is_open or _is_elsewhere(request), "410, and it is open", story)
        elif outcome in (Outcome.DONE, Outcome.IN_MANY):
            self._check(self._heard.get((request, outcome), -1) >= since, f"{status}, and nobody said so", story)

    def told_names(self, story: Story, names: list[str], since: int) -> None:
        """Likewise, in which groups it is."""
        for group in GROUPS:
            if group in names:
                self._check(self.was_in(story, group, since), f"told to be in {group}", story)
            else:
                self._check(not self.stayed(story, group, since), f"not told to be in {group}", story)

    def _check(self, holds: bool, breach: str, story: Story) -> None:
        if not holds:
            self._book.breach(f"{breach}: {story}")


def _is_elsewhere(request: GroupRequest) -> bool:
    """It is asked for at a stage of which nobody is a client."""
    return request.stage != STAGE
