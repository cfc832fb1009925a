"""Lists and counts, as they stand beside the book: who was to be told in each, who was, and what nodes it names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway.model.ids import ConnectionId, NodeNumber
from gateway.model.peer import Outcome
from simulation.book import Book, Story
from simulation.rolls import Rolls
from simulation.sight import Sight


@dataclass(eq=False)
class PageAsked:
    """One page, asked for at that turn of the world."""

    since: int
    sight: Sight


@dataclass(eq=False)
class Census:
    """A list of a group (None: of the stage) without ``but``, from its first page on. ``stood_open`` were open, and
    members, when it was begun; ``told`` by now, in their order."""

    group: str | None
    but: frozenset[ConnectionId]
    since: int
    stood_open: tuple[Story, ...]
    pages: list[PageAsked] = field(default_factory=list)
    nodes: dict[str, int | str] = field(default_factory=dict)  # as the first page has them
    silent: set[str] = field(default_factory=set)  # nodes that did not answer on any page
    told: list[ConnectionId] = field(default_factory=list)
    count: int | None = None
    is_over: bool = False


class Censuses:
    """What must never become of a list fails the run."""

    def __init__(self, book: Book, rolls: Rolls) -> None:
        self._book = book
        self._rolls = rolls
        self.all: list[Census] = []

    def begins(self, group: str | None, but: frozenset[ConnectionId]) -> Census:
        """Somebody asks for it now."""
        stood_open = [
            each
            for each in self._book.stories.values()
            if each.is_open and each.connection_id not in but and self._rolls.is_in(each, group)
        ]
        made = Census(group, but, self._book.world.turns, tuple(stood_open))
        self.all.append(made)
        return made

    def asks(self, census: Census, known: frozenset[NodeNumber]) -> Sight:
        """For its next page, a node that knows of these."""
        sight = Sight(self._book.serving(), known)
        census.pages.append(PageAsked(self._book.world.turns, sight))
        return sight

    def hears_a_page(self, census: Census, document: dict[str, Any]) -> None:
        """The caller has it."""
        nodes: dict[str, int | str] = document["nodes"]
        self._book.world.note(f"page {len(census.pages)} of {census.group}: {document}")
        if len(census.pages) == 1:
            census.nodes, census.count = nodes, document["count"]
            self._check_nodes(census)
            self._check_counts(census)
        census.silent |= {number for number, said in nodes.items() if not isinstance(said, int)}
        self._check_entries(census, document.get("connections", []))
        census.is_over = "next" not in document
        if census.is_over and "connections" in document:
            self._check_all(census)

    def refused(self, census: Census, why: Outcome) -> None:
        """The caller is told that nobody answers: he asked a process that is fenced."""
        self._book.world.note(f"page {len(census.pages)} of {census.group}: {why.value}")
        self._check(why is Outcome.FENCED, f"{why.value} everywhere", census)
        census.is_over = True

    # -- what must hold --------------------------------------------------------------------------------------------

    def _check_nodes(self, census: Census) -> None:
        """Everybody who served then and still does stands in it."""
        for acts_as in self._book.serving() & census.pages[0].sight.must:
            self._check(str(acts_as) in census.nodes, f"node {acts_as} was forgotten", census)

    def _check_counts(self, census: Census) -> None:
        counts = {number: count for number, count in census.nodes.items() if isinstance(count, int)}
        self._check(census.count == sum(counts.values()), "the count is not the nodes' sum", census)
        least = self._by_node(each for each in census.stood_open if self._stayed(census, each))
        most = self._by_node(
            each for each in self._book.stories.values() if self._was_there(census, each, census.since)
        )
        for number, count in counts.items():
            within = least.get(number, 0) <= count <= most.get(number, 0)
            self._check(within, f"node {number} counts {count} of {least.get(number)} to {most.get(number)}", census)

    def _check_entries(self, census: Census, entries: list[dict[str, Any]]) -> None:
        """Nobody is told who was gone when the page was asked for, nor with what was over then."""
        since = census.pages[-1].since
        for entry in entries:
            story = self._book.stories[entry["connectionId"]]
            self._check(self._was_there(census, story, since), "told, and not there", census, story)
            self._check(story.connection_id not in census.told, "told twice", census, story)
            census.told.append(story.connection_id)
            self._rolls.told_names(story, entry["groups"], since)

    def _check_all(self, census: Census) -> None:
        """Who was there from its begin to its end is told."""
        for story in census.stood_open:
            number = str(story.owner)
            asked = all(story.owner in page.sight.must for page in census.pages)
            answered = isinstance(census.nodes.get(number), int) and number not in census.silent
            if asked and answered and self._stayed(census, story):
                self._check(story.connection_id in census.told, "there, and not told", census, story)

    def _was_there(self, census: Census, story: Story, since: int) -> bool:
        """At any moment since, as far as its node could know."""
        if not story.accepted or story.connection_id in census.but or (story.over is not None and story.over <= since):
            return False
        return self._rolls.was_in(story, census.group, since)

    def _stayed(self, census: Census, story: Story) -> bool:
        return story.is_open and self._rolls.stayed(story, census.group, census.since)

    def _by_node(self, stories: Iterable[Story]) -> dict[str, int]:
        found: dict[str, int] = {}
        for story in stories:
            found[str(story.owner)] = found.get(str(story.owner), 0) + 1
        return found

    def _check(self, holds: bool, breach: str, census: Census, story: Story | None = None) -> None:
        if not holds:
            self._book.breach(f"{breach}: list of {census.group or 'all'} {census.nodes} {story or ''}")
