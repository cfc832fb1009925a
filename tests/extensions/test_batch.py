"""A batch is asked for once at each owner, whatever becomes of it there."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from crowd import API, KEY
from gateway.engine.posting import Post
from gateway.extensions.batch import BatchPosts
from gateway.management import IdCheck
from gateway.model.ids import NodeNumber, connection_id
from gateway.model.peer import Outcome, Outcomes, PeerAnswer, PeerRequest, PostToMany

HERE = [connection_id(NodeNumber(1), bytes([n]) * 6, KEY) for n in range(3)]
THERE = [connection_id(NodeNumber(2), bytes([n]) * 6, KEY) for n in range(2)]


@dataclass
class Everywhere:
    """Answers by owner: at once where it is number 1, else later."""

    says: dict[int, PeerAnswer]
    asked: list[tuple[int, PeerRequest]] = field(default_factory=list)

    def ask(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer | Coroutine[Any, Any, PeerAnswer]:
        self.asked.append((owner, request))
        return self.says[owner] if owner == 1 else self._later(owner)

    async def _later(self, owner: NodeNumber) -> PeerAnswer:
        return self.says[owner]


async def test_one_question_for_each_owner() -> None:
    outcomes = Outcomes((Outcome.DONE, Outcome.GONE, Outcome.LIMITED))
    reach = Everywhere({1: outcomes, 2: Outcomes((Outcome.DONE, Outcome.FENCED))})
    targets = (HERE[0], THERE[0], "invented", HERE[1], THERE[1], HERE[2])
    told = await BatchPosts(reach, IdCheck(KEY)).send(API, Post(targets, b"hi"), binary=True)
    assert reach.asked == [
        (1, PostToMany(API, tuple(HERE), b"hi", True)),
        (2, PostToMany(API, tuple(THERE), b"hi", True)),
    ]
    assert told["outcomes"] == {
        HERE[0]: "sent",
        THERE[0]: "sent",
        "invented": "forbidden",
        HERE[1]: "gone",
        THERE[1]: "unreachable",
        HERE[2]: "limited",
    }
    assert list(told["outcomes"]) == list(targets)
    assert told["counts"] == {"sent": 2, "forbidden": 1, "gone": 1, "unreachable": 1, "limited": 1}


@pytest.mark.parametrize(
    ("says", "word"),
    [
        (Outcome.GONE, "gone"),
        (Outcome.LIMITED, "limited"),
        (Outcome.UNREACHABLE, "unreachable"),
        (Outcome.FENCED, "unreachable"),
        (Outcomes((Outcome.DONE,)), "unreachable"),
    ],
    ids=str,
)
async def test_what_one_owner_says_of_all_its_own_changes_nothing_for_others(says: PeerAnswer, word: str) -> None:
    reach = Everywhere({1: Outcomes((Outcome.DONE,) * 3), 2: says})
    told = await BatchPosts(reach, IdCheck(KEY)).send(API, Post((*HERE, *THERE), b"hi"), binary=False)
    assert told["outcomes"] == dict.fromkeys(HERE, "sent") | dict.fromkeys(THERE, word)


async def test_nobody() -> None:
    told = await BatchPosts(Everywhere({}), IdCheck(KEY)).send(API, Post((), b""), binary=False)
    assert told == {"counts": {}, "outcomes": {}}
