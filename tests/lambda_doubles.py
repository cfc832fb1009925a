"""Functions, a reporter and ids that keep their ports' contracts, in memory."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence

from gateway.model.connection import Connection
from gateway.model.ids import ConnectionId, FunctionName, MessageId, NodeNumber, RequestId
from gateway.model.invocation import FunctionResult, Returned, Unavailable
from gateway.ports import FunctionCall

Outcome = FunctionResult | Callable[[FunctionCall], FunctionResult]
DEADLINE_S = 20.0


class ScriptedFunctions:
    """Each function gives its outcomes in turn and then its last one for ever. A closed ``gate`` holds every call."""

    def __init__(self, aliases: Sequence[str] = (), **outcomes: Outcome | Sequence[Outcome]) -> None:
        self._outcomes = {
            name: list(given) if isinstance(given, Sequence) else [given] for name, given in outcomes.items()
        }
        self._aliases = frozenset(aliases)
        self.calls: list[FunctionCall] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.running: defaultdict[str, int] = defaultdict(int)
        self.most_running: defaultdict[str, int] = defaultdict(int)
        self._changed = asyncio.Event()

    def knows(self, function_name: FunctionName, qualifier: str | None) -> bool:
        return function_name in self._outcomes and (qualifier is None or qualifier in self._aliases)

    async def invoke(self, call: FunctionCall) -> FunctionResult:
        name = call.function_name
        if not self.knows(name, call.qualifier):
            return Unavailable("no such function")
        self.calls.append(call)
        self.running[name] += 1
        self.most_running[name] = max(self.most_running[name], self.running[name])
        self._changed.set()
        try:
            await self.gate.wait()
            left = self._outcomes[name]
            outcome = left.pop(0) if len(left) > 1 else left[0]
            return outcome(call) if callable(outcome) else outcome
        finally:
            self.running[name] -= 1
            self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition over what runs; it is looked at when a call begins or ends."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


def echo(call: FunctionCall) -> FunctionResult:
    return Returned(call.payload)


class RecordingReporter:
    """Keeps what it is told as lines, each starting with the method's name."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def opened(self, connection: Connection) -> None:
        self.lines.append(f"opened {connection.connection_id}")

    def closed(self, connection: Connection, code: int, reason: str) -> None:
        self.lines.append(f"closed {connection.connection_id} {code} {reason}")

    def refused(self, connection_id: ConnectionId | None, status: int, why: str) -> None:
        self.lines.append(f"refused {connection_id} {status} {why}")

    def invocation_failed(self, backend: str, connection_id: ConnectionId, request_id: RequestId, why: str) -> None:
        self.lines.append(f"invocation_failed {backend} {connection_id} {request_id} {why}")

    def warned(self, text: str) -> None:
        self.lines.append(f"warned {text}")

    def failed(self, text: str) -> None:
        self.lines.append(f"failed {text}")


class CountingIds:
    """``uuid`` and ``trace_id`` count up; the other ids are not asked for here."""

    def __init__(self) -> None:
        self._count = 0

    def uuid(self) -> str:
        self._count += 1
        return f"00000000-0000-4000-8000-{self._count:012d}"

    def trace_id(self) -> str:
        return "Root=1-6ab5bee8-66f5e95c52c8c36977381385"

    def connection_id(self, owner: NodeNumber) -> ConnectionId:
        raise NotImplementedError

    def message_id(self, connection: ConnectionId) -> MessageId:
        raise NotImplementedError

    def request_id(self) -> RequestId:
        raise NotImplementedError
