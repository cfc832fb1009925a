"""``POST /{stage}/@fleet/post``: one message for up to 10,000 connections, and what became of it at each.

    {"connectionIds": ["…"], "data": "text"}  ->  {"counts": {"sent": 1, …}, "outcomes": {"…": "sent"}}

Owners are read from the IDs; each is asked once, however many of them it holds.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from gateway.engine.posting import Post
from gateway.management import IdCheck
from gateway.model.ids import ApiId, ConnectionId, NodeNumber
from gateway.model.peer import ANSWERS, Outcome, Outcomes, PeerAnswer, PostToMany
from gateway.reach import Reaching
from gateway.slices import Slices

FORBIDDEN: Final = "forbidden"
_AT_ONCE: Final = 64  # IDs between two looks at the clock
WORDS: Final = {
    Outcome.DONE: "sent",
    Outcome.GONE: "gone",
    Outcome.LIMITED: "limited",
    Outcome.FENCED: "unreachable",
    Outcome.UNREACHABLE: "unreachable",
    Outcome.UNSUPPORTED: "unreachable",
}


@dataclass(frozen=True, slots=True)
class BatchPosts:
    """Carries them out."""

    reach: Reaching
    check: IdCheck

    async def send(self, api_id: ApiId, post: Post, binary: bool) -> dict[str, Any]:
        """The document that tells what became of it."""
        told = dict.fromkeys(post.connection_ids, FORBIDDEN)  # of those that nobody has issued it stays so
        by_owner = await self._by_owner(told)
        requests = {owner: PostToMany(api_id, tuple(mine), post.data, binary) for owner, mine in by_owner.items()}
        answers = await asyncio.gather(*(self._ask(owner, request) for owner, request in requests.items()))
        for mine, answer in zip(by_owner.values(), answers, strict=True):
            told.update(zip(mine, _words(answer, len(mine)), strict=True))
        return {"counts": dict(Counter(told.values())), "outcomes": told}

    async def _by_owner(self, connection_ids: Iterable[str]) -> dict[NodeNumber, list[ConnectionId]]:
        slices = Slices()
        found: dict[NodeNumber, list[ConnectionId]] = {}
        for number, each in enumerate(connection_ids):
            if number % _AT_ONCE == 0:
                await slices.rest()
            owner = self.check.owner(each)
            if owner is not None:
                found.setdefault(owner, []).append(ConnectionId(each))
        return found

    async def _ask(self, owner: NodeNumber, request: PostToMany) -> PeerAnswer:
        answer = self.reach.ask(owner, request)
        return answer if isinstance(answer, ANSWERS) else await answer


def _words(answer: PeerAnswer, count: int) -> list[str]:
    """One for each ID; an owner that could not be asked says the same of all."""
    if isinstance(answer, Outcomes) and len(answer.each) == count:
        return [WORDS[each] for each in answer.each]
    return [WORDS[answer if isinstance(answer, Outcome) else Outcome.UNREACHABLE]] * count
