"""What the answers of all nodes come to."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from crowd import API
from gateway.engine.broadcasting import Wanted
from gateway.extensions.broadcasts import Broadcasts
from gateway.model.audience import Audience
from gateway.model.ids import ConnectionId, NodeNumber, StageName
from gateway.model.peer import Broadcast, ManyRequest, Outcome, PeerAnswer, PeerRequest, Reached

AUDIENCE = Audience(API, StageName("dev"))
GONE, SLOW = ConnectionId("gone"), ConnectionId("slow")


@dataclass
class Nodes:
    """All that there are."""

    says: dict[NodeNumber, PeerAnswer]
    asked: ManyRequest | None = None

    def ask(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer:
        raise AssertionError("everybody is asked")

    async def ask_all(self, request: ManyRequest) -> dict[NodeNumber, PeerAnswer]:
        self.asked = request
        return self.says

    async def everybody(self) -> list[NodeNumber]:
        return list(self.says)


async def test_counts_are_added_up_and_who_did_not_answer_is_told() -> None:
    nodes = Nodes(
        {
            NodeNumber(1): Reached(10, 1, 0, (GONE,), ()),
            NodeNumber(2): Reached(5, 0, 1, (), (SLOW,)),
            NodeNumber(3): Outcome.UNREACHABLE,
            NodeNumber(4): Outcome.FENCED,
            NodeNumber(5): Outcome.LIMITED,
            NodeNumber(6): Outcome.UNSUPPORTED,
        }
    )
    told = await Broadcasts(nodes).send(Wanted(AUDIENCE, True), b"hi", binary=False)
    assert nodes.asked == Broadcast(AUDIENCE, b"hi", True)
    assert told == {
        "counts": {"sent": 15, "gone": 1, "limited": 1},
        "gone": ["gone"],
        "limited": ["slow"],
        "nodes": {
            "1": {"sent": 10, "gone": 1, "limited": 0},
            "2": {"sent": 5, "gone": 0, "limited": 1},
            "3": "unreachable",
            "4": "unreachable",
            "5": "limited",
            "6": "unsupported",
        },
    }


async def test_who_does_not_wait_hears_who_has_taken_it() -> None:
    nodes = Nodes({NodeNumber(1): Outcome.DONE, NodeNumber(2): Outcome.UNREACHABLE})
    told = await Broadcasts(nodes).send(Wanted(AUDIENCE, False), b"hi", binary=True)
    assert nodes.asked == Broadcast(AUDIENCE, b"hi", False, True)
    assert told == {"nodes": {"1": "taken", "2": "unreachable"}}


@pytest.mark.parametrize("says", [Outcome.LIMITED, Outcome.FENCED])
@pytest.mark.parametrize("waits", [True, False])
async def test_what_every_node_refuses_is_refused(says: Outcome, waits: bool) -> None:
    nodes = Nodes({NodeNumber(1): says, NodeNumber(2): says})
    assert await Broadcasts(nodes).send(Wanted(AUDIENCE, waits), b"hi", False) is says
    nodes.says[NodeNumber(3)] = Outcome.UNREACHABLE
    told = await Broadcasts(nodes).send(Wanted(AUDIENCE, waits), b"hi", False)
    assert isinstance(told, dict) and set(told["nodes"]) == {"1", "2", "3"}
