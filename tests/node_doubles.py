"""Stand-ins for the node's ports that keep their contracts: a manual clock, counting ids, scripted functions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.backends import Backends
from gateway.model import ids
from gateway.model.backend import ServiceRequest, UpstreamRequest
from gateway.model.connection import Connection
from gateway.model.ids import ApiId, ConnectionId, FunctionName, MessageId, NodeNumber, RequestId, StageName
from gateway.model.invocation import Answered, FunctionResult, Returned, Unavailable, UpstreamResult
from gateway.model.limits import MAX_FRAME_BYTES
from gateway.model.now import Now
from gateway.ports import AwsServices, Clock, FunctionCall, FunctionEvents, Functions, Socket, Upstreams
from gateway.tenure import Tenure
from gateway.wire.compression import NO_COMPRESSION
from gateway.wire.frames import BINARY
from gateway.wire.prepared_message import PreparedMessage

KEY = b"test key"
OWNER = NodeNumber(7)


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.wall_ms = 1_790_328_005_217
        self.monotonic_ms = 1_000

    def now(self) -> Now:
        return Now(self.wall_ms, self.monotonic_ms)

    def advance(self, ms: int) -> None:
        self.wall_ms += ms
        self.monotonic_ms += ms


def alone(clock: Clock) -> Tenure:
    """Of a node without a fleet."""
    return Tenure.alone(clock, OWNER)


class CountingIds:
    """Fresh and predictable."""

    def __init__(self) -> None:
        self._count = 0

    def _next(self, size: int) -> bytes:
        self._count += 1
        return self._count.to_bytes(size, "big")

    def connection_id(self, owner: NodeNumber) -> ConnectionId:
        return ids.connection_id(owner, self._next(ids.RANDOM_BYTES), KEY)

    def message_id(self, connection: ConnectionId) -> MessageId:
        return ids.message_id(connection, self._next(ids.MESSAGE_HEAD_BYTES))

    def request_id(self) -> RequestId:
        return ids.request_id(self._next(ids.REQUEST_ID_BYTES))

    def uuid(self) -> str:
        return f"00000000-0000-4000-8000-{self._next(6).hex()}"

    def trace_id(self) -> str:
        return f"Root=1-00000000-{self._next(12).hex()}"


@dataclass
class FakeSocket:
    """Records what it is told, and like the real one does nothing after its end."""

    accepted: str | None = None
    is_open: bool = False
    refusal: tuple[int, dict[str, str], bytes] | None = None
    sent: list[bytes] = field(default_factory=list)
    sent_binary: list[bytes] = field(default_factory=list)
    closed: tuple[int | None, str] | None = None
    aborted: bool = False
    buffered: int = 0
    is_held: bool = False

    def accept(self, subprotocol: str | None) -> None:
        assert self.refusal is None and not self.is_open
        self.is_open, self.accepted = True, subprotocol

    def refuse(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        assert self.refusal is None and not self.is_open
        self.refusal = status, dict(headers), body

    def send_prepared(self, message: PreparedMessage, most: int) -> bool:
        if self.buffered + message.size > most:
            return False
        is_binary = message.frames(MAX_FRAME_BYTES, NO_COMPRESSION)[0] & 0xF == BINARY
        (self.send_binary if is_binary else self.send_text)(message.data)
        return True

    def send_to_each(self, sockets: Sequence[Socket], message: PreparedMessage, most: int) -> list[Socket]:
        return [each for each in sockets if not each.send_prepared(message, most)]

    def send_text(self, data: bytes) -> None:
        assert self.is_open and self.closed is None, "sent after a close"
        self.sent.append(data)

    def send_binary(self, data: bytes) -> None:
        assert self.is_open and self.closed is None, "sent after a close"
        self.sent_binary.append(data)

    def close(self, code: int | None, reason: str) -> None:
        assert self.is_open and self.closed is None
        self.closed = code, reason

    def abort(self) -> None:
        self.aborted = True

    def buffered_bytes(self) -> int:
        return self.buffered

    def pause_reading(self) -> None:
        assert not self.is_held
        self.is_held = True

    def resume_reading(self) -> None:
        assert self.is_held
        self.is_held = False


Script = Callable[[dict[str, Any]], FunctionResult]


def returning(document: Any) -> Script:
    return lambda event: Returned(json.dumps(document).encode())


OK = returning({"statusCode": 200})


class ScriptedFunctions:
    """Functions by name; a gate, where one is set, holds a call until the test opens it."""

    def __init__(self, **scripts: Script) -> None:
        self.scripts = scripts
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.gates: dict[str, asyncio.Event] = {}

    def knows(self, function_name: FunctionName, qualifier: str | None) -> bool:
        return function_name in self.scripts and qualifier is None

    async def invoke(self, call: FunctionCall) -> FunctionResult:
        event = json.loads(call.payload)
        self.calls.append((call.function_name, event))
        if (gate := self.gates.get(call.function_name)) is not None:
            await gate.wait()
        script = self.scripts.get(call.function_name)
        return Unavailable(f"Function not found: {call.function_name}") if script is None else script(event)

    def events(self, name: str) -> list[dict[str, Any]]:
        return [event for called, event in self.calls if called == name]


@dataclass
class ScriptedUpstreams:
    """Web servers that answer what the test says; every request is kept, with the time it was given."""

    script: Callable[[UpstreamRequest], UpstreamResult] = lambda request: Answered(200)
    requests: list[UpstreamRequest] = field(default_factory=list)
    waits_ms: list[int] = field(default_factory=list)

    async def send(self, request: UpstreamRequest, wait_ms: int) -> UpstreamResult:
        self.requests.append(request)
        self.waits_ms.append(wait_ms)
        return self.script(request)


@dataclass
class ScriptedServices:
    """AWS services that answer what the test says; every request is kept, with the time it was given."""

    script: Callable[[ServiceRequest], UpstreamResult] = lambda request: Answered(200)
    requests: list[ServiceRequest] = field(default_factory=list)
    waits_ms: list[int] = field(default_factory=list)

    async def call(self, request: ServiceRequest, wait_ms: int) -> UpstreamResult:
        self.requests.append(request)
        self.waits_ms.append(wait_ms)
        return self.script(request)


class RecordingEvents:
    """Takes every asynchronous call and makes none."""

    def __init__(self) -> None:
        self.calls: list[FunctionCall] = []

    def accept(self, call: FunctionCall) -> bool:
        self.calls.append(call)
        return True


def backends(
    functions: Functions,
    upstreams: Upstreams | None = None,
    services: AwsServices | None = None,
    events: FunctionEvents | None = None,
) -> Backends:
    """Every kind of backend, scripted where the test names none."""
    return Backends(
        functions, upstreams or ScriptedUpstreams(), services or ScriptedServices(), events or RecordingEvents()
    )


@dataclass
class RecordingReporter:
    """Every line that would have been told, as a tuple."""

    told: list[tuple[Any, ...]] = field(default_factory=list)

    def opened(self, connection: Connection) -> None:
        self.told.append(("opened", connection.connection_id))

    def closed(self, connection: Connection, code: int, reason: str) -> None:
        self.told.append(("closed", connection.connection_id, code, reason))

    def refused(self, connection_id: ConnectionId | None, status: int, why: str) -> None:
        self.told.append(("refused", status, why))

    def invocation_failed(self, backend: str, connection_id: ConnectionId, request_id: RequestId, why: str) -> None:
        self.told.append(("invocation_failed", backend, why))

    def warned(self, text: str) -> None:
        self.told.append(("warned", text))

    def failed(self, text: str) -> None:
        self.told.append(("failed", text))

    def kinds(self) -> list[str]:
        return [line[0] for line in self.told]


async def until_idle(done: Callable[[], bool]) -> None:
    """Let the loop run until ``done``; a bounded number of turns, no time."""
    for _ in range(1_000):
        if done():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came about")


@dataclass
class RecordingLogs:
    """The logs of stages as lists of lines."""

    accesses: list[str] = field(default_factory=list)
    executions: list[str] = field(default_factory=list)
    places: set[tuple[str, str]] = field(default_factory=set)

    def access(self, api_id: ApiId, stage: StageName, line: str) -> None:
        self.places.add((api_id, stage))
        self.accesses.append(line)

    def execution(self, api_id: ApiId, stage: StageName, lines: Sequence[tuple[int, str]]) -> None:
        self.places.add((api_id, stage))
        self.executions += [text for _, text in lines]
