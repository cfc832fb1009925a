"""``GET /{stage}/@fleet/connections`` and ``…/@fleet/groups/{group}``: how many there are, and which, page by page.

{"count": 3, "nodes": {"12": 2, "13": 1, "14": "unreachable"}, "connections": [{"connectionId": "…", …}], "next": "…"}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from gateway.engine.paging import Bookmark, Page, token_of
from gateway.extensions.broadcasts import said_by_all
from gateway.management import iso_time
from gateway.model.audience import Audience
from gateway.model.ids import NodeNumber
from gateway.model.peer import ANSWERS, Entry, ListConnections, Listing, Outcome, PeerAnswer
from gateway.reach import ReachingAll

MAX_CUT: Final = 4  # answers on one page that were as long as one hop allows: 512 KiB of entries are written in 3 ms
_WORDS: Final = {Outcome.LIMITED: "limited", Outcome.GONE: "gone", Outcome.UNSUPPORTED: "unsupported"}


@dataclass(frozen=True, slots=True)
class Lists:
    """Asks every node how many it has, and one after the other which."""

    reach: ReachingAll

    async def count(self, audience: Audience) -> dict[str, Any] | Outcome:
        """The document that says how many; a node that does not say is named. FENCED, or another refusal, when that is
        what every node says: 0 would be taken for a count then."""
        counts = await self._counts(audience)
        return counts if isinstance(counts, Outcome) else _document(counts)

    async def page(self, page: Page) -> dict[str, Any] | Outcome:
        """The document of one page: with the count where it is the first, and where it goes on if it does. As
        ``count`` when nobody says anything."""
        if page.begins is not None:
            return await self._listed(page, sorted(await self.reach.everybody()), {"nodes": {}})
        counts = await self._counts(page.audience)
        if isinstance(counts, Outcome):
            return counts
        document = _document(counts)
        if not page.limit:
            return document
        silent = [number for number, count in counts.items() if not isinstance(count, int)]  # and told so already
        listed = await self._listed(page, [number for number in counts if number not in silent], document)
        if isinstance(listed, Outcome):
            return listed
        return listed | {"count": _sum(listed["nodes"])}  # without those who have fallen silent since they counted

    async def _counts(self, audience: Audience) -> dict[NodeNumber, int | str] | Outcome:
        """By node, in the order of their numbers: how many, or why that is not known."""
        answers = await self.reach.ask_all(ListConnections(audience, 0))
        refusal = said_by_all(answers.values())
        if refusal is not None:
            return refusal
        return {number: _counted(answers[number]) for number in sorted(answers)}

    async def _listed(
        self, page: Page, numbers: list[NodeNumber], document: dict[str, Any]
    ) -> dict[str, Any] | Outcome:
        """Up to ``page.limit`` of those at the nodes of these numbers, one node after the other."""
        entries: list[Entry] = []
        bookmark, cut = page.begins, 0
        answers: list[PeerAnswer] = []
        while (number := _next(numbers, bookmark)) is not None:
            after = bookmark.after if bookmark is not None and bookmark.node == number else None
            answer = await self._ask(number, ListConnections(page.audience, page.limit - len(entries), after))
            answers.append(answer)
            if isinstance(answer, Listing):
                entries += answer.entries
                more = answer.count > len(answer.entries) > 0
            else:
                document["nodes"][str(number)] = _counted(answer)
                more = False
            bookmark = Bookmark(number, entries[-1].position) if more else Bookmark(NodeNumber(number + 1))
            cut += more
            if len(entries) >= page.limit or cut >= MAX_CUT:
                break
        refusal = said_by_all(answers)
        if refusal is not None:
            return refusal
        document["connections"] = [_told(entry) for entry in entries]
        if bookmark is not None and _next(numbers, bookmark) is not None:
            document["next"] = token_of(bookmark)
        return document

    async def _ask(self, number: NodeNumber, request: ListConnections) -> PeerAnswer:
        answer = self.reach.ask(number, request)
        return answer if isinstance(answer, ANSWERS) else await answer


def _next(numbers: list[NodeNumber], bookmark: Bookmark | None) -> NodeNumber | None:
    """The node at which a list goes on."""
    return next((number for number in numbers if bookmark is None or number >= bookmark.node), None)


def _counted(answer: PeerAnswer) -> int | str:
    if isinstance(answer, Listing):
        return answer.count
    return _WORDS.get(answer, "unreachable") if isinstance(answer, Outcome) else "unreachable"


def _document(counts: dict[NodeNumber, int | str]) -> dict[str, Any]:
    nodes = {str(number): each for number, each in counts.items()}
    return {"count": _sum(nodes), "nodes": nodes}


def _sum(nodes: dict[str, int | str]) -> int:
    return sum(each for each in nodes.values() if isinstance(each, int))


def _told(entry: Entry) -> dict[str, Any]:
    told: dict[str, Any] = {
        "connectionId": entry.connection_id,
        "connectedAt": iso_time(entry.connected_at_ms),
        "lastActiveAt": iso_time(entry.last_active_at_ms),
        "sourceIp": entry.source_ip,
        "groups": list(entry.groups),
    }
    if entry.user_agent is not None:
        told["userAgent"] = entry.user_agent
    if entry.principal is not None:
        told["principalId"] = entry.principal
    return told
