"""Lists over all nodes: everybody once, page by page, whoever does not answer by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from crowd import API
from gateway.engine.paging import Bookmark, Page, read_token
from gateway.extensions.lists import MAX_CUT, Lists
from gateway.model.audience import Audience
from gateway.model.ids import ConnectionId, NodeNumber, StageName, connection_id
from gateway.model.peer import Entry, ListConnections, Listing, ManyRequest, Outcome, PeerAnswer, PeerRequest

AUDIENCE = Audience(API, StageName("dev"), group="room")
ONE, TWO, THREE = NodeNumber(1), NodeNumber(2), NodeNumber(3)


def entry(node: NodeNumber, number: int) -> Entry:
    its_id = connection_id(node, number.to_bytes(6, "big"), b"")
    return Entry(its_id, 1_000 * number, 1_000 * number + 1, "192.0.2.1", None, None, ())


@dataclass
class Nodes:
    """``holds``: entries in their order, or the answer of a node that has none; ``most`` in one answer; ``counting``
    are those that say how many, and nothing more."""

    holds: dict[NodeNumber, list[Entry] | Outcome]
    most: int = 1_000
    counting: tuple[NodeNumber, ...] = ()
    asked: list[tuple[NodeNumber, ListConnections]] = field(default_factory=list)

    def ask(self, owner: NodeNumber, request: PeerRequest) -> Any:
        assert isinstance(request, ListConnections)
        self.asked.append((owner, request))
        return self._answer(owner, request) if owner == ONE else self._later(owner, request)

    async def ask_all(self, request: ManyRequest) -> dict[NodeNumber, PeerAnswer]:
        assert isinstance(request, ListConnections)
        return {number: self._answer(number, request) for number in reversed(list(self.holds))}

    async def everybody(self) -> list[NodeNumber]:
        return list(reversed(list(self.holds)))

    async def _later(self, owner: NodeNumber, request: ListConnections) -> PeerAnswer:
        if owner in self.counting:
            return Outcome.UNREACHABLE
        return self._answer(owner, request)

    def _answer(self, owner: NodeNumber, request: ListConnections) -> PeerAnswer:
        held = self.holds[owner]
        if isinstance(held, Outcome):
            return held
        behind = [
            each
            for each in held
            if request.after is None
            or (each.connected_at_ms, each.connection_id) > (request.after.connected_at_ms, request.after.connection_id)
        ]
        return Listing(len(behind), tuple(behind[: min(self.most, request.limit)]))


def held(node: NodeNumber, count: int) -> list[Entry]:
    return [entry(node, number) for number in range(count)]


def ids(*entries: Entry) -> list[ConnectionId]:
    return [each.connection_id for each in entries]


async def page_of(nodes: Nodes, page: Page) -> dict[str, Any]:
    told = await Lists(nodes).page(page)
    assert isinstance(told, dict)
    return told


async def pages(nodes: Nodes, limit: int) -> list[dict[str, Any]]:
    """To the end."""
    found = [await page_of(nodes, Page(AUDIENCE, limit))]
    while "next" in found[-1]:
        found.append(await page_of(nodes, Page(AUDIENCE, limit, read_token(found[-1]["next"]))))
    return found


async def test_what_is_told_of_each() -> None:
    full = Entry(ConnectionId("id"), 1_500, 2_500, "192.0.2.1", "agent/1", "ada", ("b", "a"))
    nodes = Nodes({ONE: [full, Entry(ConnectionId("other"), 3_000, 3_000, "::1", None, None, ())]})
    assert await page_of(nodes, Page(AUDIENCE, 10)) == {
        "count": 2,
        "nodes": {"1": 2},
        "connections": [
            {
                "connectionId": "id",
                "connectedAt": "1970-01-01T00:00:01.500Z",
                "lastActiveAt": "1970-01-01T00:00:02.500Z",
                "sourceIp": "192.0.2.1",
                "groups": ["b", "a"],
                "userAgent": "agent/1",
                "principalId": "ada",
            },
            {
                "connectionId": "other",
                "connectedAt": "1970-01-01T00:00:03.000Z",
                "lastActiveAt": "1970-01-01T00:00:03.000Z",
                "sourceIp": "::1",
                "groups": [],
            },
        ],
    }


@pytest.mark.parametrize("most", [1_000, 2, 1])
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 7, 1_000])
async def test_everybody_is_told_once_node_by_node(limit: int, most: int) -> None:
    holds = {ONE: held(ONE, 4), TWO: [], THREE: held(THREE, 3)}
    nodes = Nodes(dict(holds), most)
    found = await pages(nodes, limit)
    told = [each["connectionId"] for page in found for each in page["connections"]]
    assert told == ids(*holds[ONE], *holds[THREE])
    assert all(0 < len(page["connections"]) <= limit for page in found[:-1])
    assert (found[0]["count"], found[0]["nodes"]) == (7, {"1": 4, "2": 0, "3": 3})
    assert all("count" not in page and page["nodes"] == {} for page in found[1:])
    assert {request.audience for _, request in nodes.asked} == {AUDIENCE}


async def test_a_page_of_very_long_entries_is_shorter_than_was_asked_for() -> None:
    nodes = Nodes({ONE: held(ONE, 10), TWO: held(TWO, 2)}, most=1)
    found = await pages(nodes, 1_000)
    assert [len(page["connections"]) for page in found] == [MAX_CUT, MAX_CUT, 4]


async def test_the_number_alone_asks_for_no_more() -> None:
    nodes = Nodes({ONE: held(ONE, 4), TWO: Outcome.UNREACHABLE})
    told = {"count": 4, "nodes": {"1": 4, "2": "unreachable"}}
    assert await page_of(nodes, Page(AUDIENCE, 0)) == await Lists(nodes).count(AUDIENCE) == told
    assert nodes.asked == []


@pytest.mark.parametrize(
    ("says", "word"),
    [
        (Outcome.UNREACHABLE, "unreachable"),
        (Outcome.FENCED, "unreachable"),
        (Outcome.LIMITED, "limited"),
        (Outcome.GONE, "gone"),
        (Outcome.UNSUPPORTED, "unsupported"),
    ],
)
async def test_who_does_not_answer_is_told_and_asked_but_once_for_the_first_page(says: Outcome, word: str) -> None:
    nodes = Nodes({ONE: held(ONE, 1), TWO: says, THREE: held(THREE, 1)})
    page = await page_of(nodes, Page(AUDIENCE, 10))
    assert (page["count"], page["nodes"]) == (2, {"1": 1, "2": word, "3": 1})
    assert [each["connectionId"] for each in page["connections"]] == ids(entry(ONE, 0), entry(THREE, 0))
    assert [number for number, _ in nodes.asked] == [ONE, THREE]
    assert "next" not in page


async def test_who_falls_silent_after_it_has_counted_is_not_in_the_count() -> None:
    nodes = Nodes({ONE: held(ONE, 1), TWO: held(TWO, 5), THREE: held(THREE, 1)}, counting=(TWO,))
    page = await page_of(nodes, Page(AUDIENCE, 10))
    assert (page["count"], page["nodes"]) == (2, {"1": 1, "2": "unreachable", "3": 1})
    assert [each["connectionId"] for each in page["connections"]] == ids(entry(ONE, 0), entry(THREE, 0))


async def test_who_does_not_answer_on_a_later_page_is_told_there() -> None:
    nodes = Nodes({ONE: held(ONE, 2), TWO: held(TWO, 2), THREE: held(THREE, 1)})
    first = await page_of(nodes, Page(AUDIENCE, 1))
    nodes.holds[TWO] = Outcome.UNREACHABLE
    second = await page_of(nodes, Page(AUDIENCE, 10, read_token(first["next"])))
    assert [each["connectionId"] for each in second["connections"]] == ids(entry(ONE, 1), entry(THREE, 0))
    assert second["nodes"] == {"2": "unreachable"}
    assert "next" not in second


async def test_where_a_node_is_no_more_the_list_goes_on_with_the_next() -> None:
    nodes = Nodes({ONE: held(ONE, 2), TWO: held(TWO, 2)})
    first = await page_of(nodes, Page(AUDIENCE, 1))
    del nodes.holds[ONE]
    second = await page_of(nodes, Page(AUDIENCE, 10, read_token(first["next"])))
    assert [each["connectionId"] for each in second["connections"]] == ids(*held(TWO, 2))


async def test_behind_the_last_node_there_is_nothing() -> None:
    nodes = Nodes({ONE: held(ONE, 2)})
    page = await page_of(nodes, Page(AUDIENCE, 10, Bookmark(NodeNumber(2**32 - 1))))
    assert page == {"nodes": {}, "connections": []}


async def test_the_highest_number_of_a_node_ends_a_list() -> None:
    highest = NodeNumber(2**32 - 1)
    nodes = Nodes({highest: held(highest, 1)})
    assert "next" not in await page_of(nodes, Page(AUDIENCE, 1))


@pytest.mark.parametrize("says", [Outcome.FENCED, Outcome.LIMITED])
async def test_what_every_node_says_is_no_list_of_nobody(says: Outcome) -> None:
    nodes = Nodes({ONE: held(ONE, 2), TWO: held(TWO, 1)})
    first = await page_of(nodes, Page(AUDIENCE, 1))
    nodes.holds = {ONE: says, TWO: says}
    assert await Lists(nodes).count(AUDIENCE) is says
    assert await Lists(nodes).page(Page(AUDIENCE, 10)) is says
    assert await Lists(nodes).page(Page(AUDIENCE, 10, read_token(first["next"]))) is says
