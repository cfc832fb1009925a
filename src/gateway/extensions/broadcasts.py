"""``POST /{stage}/@fleet/broadcast``: the body to every connection of a stage, by one call of each node.

{"counts": {"sent": 99998, "gone": 1, "limited": 1}, "gone": ["…"], "limited": ["…"],
 "nodes": {"12": {"sent": 99998, "gone": 1, "limited": 1}, "13": "unreachable"}}
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from gateway.engine.broadcasting import Wanted
from gateway.model.peer import Broadcast, Outcome, PeerAnswer, Reached
from gateway.reach import ReachingAll

_WORDS: Final = {
    Outcome.DONE: "taken",
    Outcome.LIMITED: "limited",
    Outcome.GONE: "gone",
    Outcome.UNSUPPORTED: "unsupported",
}


@dataclass(frozen=True, slots=True)
class Broadcasts:
    """Carries them out."""

    reach: ReachingAll

    async def send(self, wanted: Wanted, data: bytes, binary: bool) -> dict[str, Any] | Outcome:
        """The document that tells what became of it; of one that nobody waits for, who has taken it. LIMITED or FENCED
        when that is what every node says: nobody who is still connected has got it then."""
        answers = await self.reach.ask_all(Broadcast(wanted.audience, data, wanted.waits, binary))
        refusal = said_by_all(answers.values())
        if refusal is not None:
            return refusal
        nodes = {str(number): _of_node(answer) for number, answer in answers.items()}
        if not wanted.waits:
            return {"nodes": nodes}
        reached = [answer for answer in answers.values() if isinstance(answer, Reached)]
        return {
            "counts": {
                "sent": sum(each.sent for each in reached),
                "gone": sum(each.gone for each in reached),
                "limited": sum(each.limited for each in reached),
            },
            "gone": [connection_id for each in reached for connection_id in each.gone_ids],
            "limited": [connection_id for each in reached for connection_id in each.limited_ids],
            "nodes": nodes,
        }


def said_by_all(answers: Iterable[PeerAnswer]) -> Outcome | None:
    """LIMITED or FENCED when there is an answer and none is another."""
    said = list(answers)
    for refusal in (Outcome.LIMITED, Outcome.FENCED):
        if said and all(answer is refusal for answer in said):
            return refusal
    return None


def _of_node(answer: PeerAnswer) -> Any:
    if isinstance(answer, Reached):
        return {"sent": answer.sent, "gone": answer.gone, "limited": answer.limited}
    return _WORDS.get(answer, "unreachable") if isinstance(answer, Outcome) else "unreachable"
