"""Messages for many, as they stand beside the book: who was to get each, who got it, and what nodes said of it.

A mailing is known by its data, which no other message has. ``admits`` says whom it is for, of the members of
``group`` where there is one: who joins or leaves meanwhile may get it or not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway.model.ids import ConnectionId, NodeNumber
from gateway.model.peer import MessageToMany, Outcome, Outcomes, PeerAnswer, PostToMany, Reached
from simulation.book import Book, Story
from simulation.rolls import Rolls
from simulation.sight import Sight

CLOSED = ("gone", "forbidden")


@dataclass(eq=False)
class Mailing:
    """``targets`` are None for a broadcast. When it was asked for, in the world's turn ``since``, the connections
    ``stood_open`` were open, and in the group; ``follows`` are those that were answered by then, or went the same way
    before."""

    data: bytes
    caller: str
    targets: tuple[str, ...] | None
    admits: Callable[[Story], bool]
    group: str | None
    waits: bool
    since: int
    stood_open: tuple[Story, ...]
    sight: Sight
    follows: tuple[Mailing, ...]
    got: dict[ConnectionId, int] = field(default_factory=dict)  # after how many other messages
    said: dict[NodeNumber, PeerAnswer] = field(default_factory=dict)  # by its owner, at the owner
    told: dict[str, Any] | None = None  # to the caller

    @property
    def is_broadcast(self) -> bool:
        return self.targets is None

    def is_accepted(self, story: Story) -> bool:
        """Whether the caller was told that this one has got it, or will."""
        if self.told is None:
            return False
        if not self.is_broadcast:
            return bool(self.told["outcomes"].get(story.connection_id) == "sent")
        said = self.told["nodes"].get(str(story.owner))
        return isinstance(said, dict) or said == "taken"


class Mail:
    """Every mailing of a run; what must never become of one fails the run. ``next_copy`` is called once, when the next
    copy of any has left."""

    def __init__(self, book: Book, rolls: Rolls) -> None:
        self._book = book
        self._rolls = rolls
        self.next_copy: Callable[[Story], None] | None = None
        self._by_data: dict[bytes, Mailing] = {}
        book.posted = self._posted

    @property
    def mailings(self) -> Iterable[Mailing]:
        return self._by_data.values()

    def begins(
        self,
        caller: str,
        targets: tuple[str, ...] | None,
        admits: Callable[[Story], bool],
        known: frozenset[NodeNumber],
        *,
        waits: bool = True,
        group: str | None = None,
    ) -> Mailing:
        """Somebody asks the node ``caller`` for it now."""
        number = len(self._by_data) + 1
        made = Mailing(
            data=f"mailing {number}".encode(),
            caller=caller,
            targets=targets,
            admits=admits,
            group=group,
            waits=waits,
            since=self._book.world.turns,
            stood_open=tuple(
                each
                for each in self._book.stories.values()
                if each.is_open and admits(each) and self._rolls.is_in(each, group)
            ),
            sight=Sight(self._book.serving(), known),
            follows=tuple(each for each in self.mailings if _is_before(each, caller, targets is None)),
        )
        self._by_data[made.data] = made
        kind = f"batch of {len(targets)}" if targets is not None else f"broadcast to {group or 'all'}, waits={waits}"
        self._book.world.note(f"{caller}: {kind}: {made.data.decode()}")
        return made

    # -- what nodes do ---------------------------------------------------------------------------------------------

    def _posted(self, story: Story, data: bytes) -> None:
        """A message leaves for a client, any message."""
        mailing = self._by_data.get(data)
        if mailing is None:
            return
        is_for = mailing.admits(story) and self._rolls.was_in(story, mailing.group, mailing.since)
        self._check(is_for, "somebody got what is not for them", mailing, story)
        self._check(story.connection_id not in mailing.got, "somebody got it twice", mailing, story)
        mailing.got[story.connection_id] = len(story.sent)
        told, self.next_copy = self.next_copy, None
        if told is not None:
            told(story)

    def hears_an_answer(self, owner: NodeNumber, request: MessageToMany, answer: PeerAnswer) -> None:
        """The owner has answered, whether that arrives or not."""
        mailing = self._by_data[request.data]
        mailing.said[owner] = answer
        got = [each for each in mailing.got if self._book.stories[each].owner == owner]
        if isinstance(request, PostToMany):
            sent: set[ConnectionId] = set()
            if isinstance(answer, Outcomes):
                outcomes = dict(zip(request.connection_ids, answer.each, strict=True))
                sent = {each for each, outcome in outcomes.items() if outcome is Outcome.DONE}
            elif answer is Outcome.UNREACHABLE:
                return
            self._check(sent == set(got), f"{owner} says that {len(sent)} were sent", mailing)
        elif isinstance(answer, Reached):
            self._check(answer.sent == len(got), f"{owner} counts {answer.sent} sent", mailing)
        elif answer is Outcome.LIMITED:
            self._check(not got, f"{owner} says that it was full and sent it", mailing)

    # -- what callers hear -----------------------------------------------------------------------------------------

    def answered(self, mailing: Mailing, told: dict[str, Any]) -> None:
        """The caller has the document."""
        mailing.told = told
        self._book.world.note(f"{mailing.data.decode()} at {mailing.caller}: {told}")
        if mailing.targets is not None:
            self._check_batch(mailing, mailing.targets, told)
            return
        self._check_nodes(mailing, told["nodes"])
        if mailing.waits:
            self._check_counts(mailing, told)

    def refused(self, mailing: Mailing, why: Outcome) -> None:
        """The caller is told that no node has carried out its broadcast."""
        mailing.told = {"nodes": {}}
        self._book.world.note(f"{mailing.data.decode()} at {mailing.caller}: {why.value}")
        for connection_id in mailing.got:
            story = self._book.stories[connection_id]
            self._check(not story.is_open, f"{why.value} everywhere, and somebody has got it", mailing, story)

    def _check_batch(self, mailing: Mailing, targets: tuple[str, ...], told: dict[str, Any]) -> None:
        outcomes: dict[str, str] = told["outcomes"]
        self._check(tuple(outcomes) == targets, "not everybody has an outcome", mailing)
        self._check(told["counts"] == Counter(outcomes.values()), "the outcomes are counted wrong", mailing)
        for connection_id, outcome in outcomes.items():
            story = self._book.stories.get(ConnectionId(connection_id))
            if story is None:
                self._check(outcome in CLOSED, "nobody got it", mailing)
                continue
            got = story.connection_id in mailing.got
            self._check(outcome != "forbidden", "an ID that was issued is forbidden", mailing, story)
            self._check(got or outcome != "sent", "sent, and it was not", mailing, story)
            self._check(not got or outcome not in ("gone", "limited"), f"{outcome}, and it was sent", mailing, story)
            self._check(story.was_full or outcome != "limited", "limited, and it reads", mailing, story)
        for story in mailing.stood_open:
            if story.is_open:
                outcome = outcomes[story.connection_id]
                self._check(outcome not in CLOSED, f"{outcome}, and it is open", mailing, story)

    def _check_nodes(self, mailing: Mailing, nodes: dict[str, Any]) -> None:
        """Everybody who served then and still does stands in it; of who waits there is a count, of others none."""
        for acts_as in self._book.serving() & mailing.sight.must:
            self._check(str(acts_as) in nodes, f"node {acts_as} was forgotten", mailing)
        for number, said in nodes.items():
            heard = mailing.said.get(NodeNumber(int(number)))
            if isinstance(said, dict):
                counts = Reached(heard.sent, heard.gone, heard.limited) if isinstance(heard, Reached) else heard
                self._check(mailing.waits and counts == Reached(**said), f"node {number} said {heard}", mailing)
            elif said == "taken":
                self._check(not mailing.waits and heard is Outcome.DONE, f"node {number} said {heard}", mailing)

    def _check_counts(self, mailing: Mailing, told: dict[str, Any]) -> None:
        counted = {number: said for number, said in told["nodes"].items() if isinstance(said, dict)}
        for word in ("sent", "gone", "limited"):
            total = sum(said[word] for said in counted.values())
            self._check(told["counts"][word] == total, f"{word} is not the nodes' sum", mailing)
        for word in ("gone", "limited"):
            self._check(told["counts"][word] == len(told[word]), f"not all that are {word} are named", mailing)
        stories = self._book.stories
        for connection_id in told["gone"]:
            self._check(not stories[connection_id].is_open, "gone, and it is open", mailing, stories[connection_id])
        for connection_id in told["limited"]:
            self._check(stories[connection_id].was_full, "limited, and it reads", mailing, stories[connection_id])
        for connection_id in (*told["gone"], *told["limited"]):
            self._check(connection_id not in mailing.got, "missed, and it was sent", mailing, stories[connection_id])
        for story in mailing.stood_open:
            if (
                str(story.owner) in counted
                and story.connection_id not in told["limited"]
                and self._stays(mailing, story)
            ):
                self._check(story.connection_id in mailing.got, "somebody did not get it", mailing, story)

    # -- in the end ------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Nothing is under way any more."""
        for mailing in self.mailings:
            for story in mailing.stood_open:
                if (
                    not mailing.waits
                    and mailing.is_accepted(story)
                    and not story.was_full
                    and self._stays(mailing, story)
                ):
                    self._check(story.connection_id in mailing.got, "taken, and never sent", mailing, story)
            for before in mailing.follows:
                self._check_order(before, mailing)

    def _check_order(self, before: Mailing, mailing: Mailing) -> None:
        for connection_id in before.got.keys() & mailing.got.keys():
            story = self._book.stories[connection_id]
            if before.is_accepted(story):
                in_order = before.got[connection_id] < mailing.got[connection_id]
                self._check(in_order, f"{before.data.decode()} came later", mailing, story)

    def _stays(self, mailing: Mailing, story: Story) -> bool:
        """It is open, and in the group, as it has been since this was asked for."""
        return story.is_open and self._rolls.stayed(story, mailing.group, mailing.since)

    def _check(self, holds: bool, breach: str, mailing: Mailing, story: Story | None = None) -> None:
        if not holds:
            self._book.breach(f"{breach}: {mailing.data.decode()} {story or ''}")


def _is_before(mailing: Mailing, caller: str, is_broadcast: bool) -> bool:
    """Whether what is asked for now must arrive behind it: it has been answered, or both go the same way."""
    return mailing.told is not None or (is_broadcast and mailing.is_broadcast and mailing.caller == caller)
