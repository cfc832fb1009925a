"""The application's handlers, on the far side of a call: they run whatever becomes of the node that called them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Final

from gateway.model.ids import ConnectionId, FunctionName, NodeNumber, RequestId
from gateway.model.invocation import FunctionError, FunctionResult, Returned, Throttled, TimedOut, Unavailable
from gateway.ports import FunctionCall
from simulation.book import Actor, Book, Farewell
from simulation.rolls import GROUPS

OK: Final = Returned(b'{"statusCode":200,"body":"a reply"}')
NO: Final = Returned(b'{"statusCode":403}')
_AND_JOIN: Final = b'{"statusCode":200,"headers":{"X-Fleet-Groups":"%s"}}'
CRASH: Final = FunctionError(b'{"errorType":"Error","errorMessage":"crash"}')
AWAY: Final = Unavailable("no such function")
NEVER_ARRIVED: Final = (Throttled, Unavailable)


@dataclass(slots=True)
class Mood:
    """How handlers are for the time being; shares of all calls, 0 to 1. ``crashes`` are answered by an error, ``away``
    never reach a handler, ``late`` run on after their caller has given up; the rest is fine. ``slow_ms`` is the most
    that a call takes longer."""

    crashes: float = 0.0
    away: float = 0.0
    late: float = 0.0
    refuses: float = 0.0
    slow_ms: float = 0.0

    def lift(self) -> None:
        """Everything is fine."""
        self.crashes = self.away = self.late = self.refuses = self.slow_ms = 0.0


class SimFunctions:
    """``ports.Functions`` of one node."""

    def __init__(self, book: Book, actor: Actor, mood: Mood) -> None:
        self._book = book
        self._actor = actor
        self.mood = mood

    def knows(self, function_name: FunctionName, qualifier: str | None) -> bool:
        return True

    async def invoke(self, call: FunctionCall) -> FunctionResult:
        context = json.loads(call.payload)["requestContext"]
        result = self._draw()
        groups = self._groups() if result is OK and context["eventType"] == "CONNECT" else ()
        self._tell(context, result, groups)
        world = self._book.world
        await asyncio.sleep((world.latency_ms() + world.rng.random() * self.mood.slow_ms) / 1000)
        return Returned(_AND_JOIN % ", ".join(groups).encode()) if groups else result

    def _groups(self) -> tuple[str, ...]:
        """Which a client is to join, now and then more than it may."""
        rng = self._book.world.rng
        return tuple(rng.sample(GROUPS, rng.choice((0, 0, 1, 2, 3))))

    def _draw(self) -> FunctionResult:
        mood, drawn = self.mood, self._book.world.rng.random()
        for share, result in ((mood.crashes, CRASH), (mood.away, AWAY), (mood.late, TimedOut()), (mood.refuses, NO)):
            if drawn < share:
                return result
            drawn -= share
        return OK

    def _tell(self, context: dict[str, Any], result: FunctionResult, groups: tuple[str, ...]) -> None:
        connection_id, kind = ConnectionId(context["connectionId"]), context["eventType"]
        if kind == "CONNECT":
            self._book.connects(self._actor, connection_id, believed=result is OK, groups=groups)
        elif kind == "MESSAGE":
            self._book.hears(self._actor, connection_id)
        else:
            self._book.bids_farewell(self._actor, connection_id, lambda number: self._farewell(context, result, number))

    def _farewell(self, context: dict[str, Any], result: FunctionResult, number: NodeNumber) -> Farewell:
        return Farewell(
            self._book.world.now_ms,
            self._actor,
            number,
            RequestId(context["requestId"]),
            context["disconnectStatusCode"],
            arrived=not isinstance(result, NEVER_ARRIVED),
            failed=result is not OK and result is not NO,
        )
