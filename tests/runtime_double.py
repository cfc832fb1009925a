"""Function processes without processes: programs of a test that speak the real Runtime API over a real socket.

``ScriptedProcesses`` keeps the contract of ``gateway.ports.Processes``: a process ends by itself or is killed, its
output arrives by line, ``wait`` may be awaited by several.
"""

from __future__ import annotations

import asyncio
import signal
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.invoke.launch import Launch
from gateway.model.function import Folder, Function
from gateway.model.ids import ConnectionId, FunctionName, MessageId, NodeNumber, RequestId
from gateway.model.now import Now
from gateway.ports import NO_DESCRIPTORS, Address, Confinement, Exit, FunctionCall, LineSink, Process

DEADLINE_S = 20.0
PREFIX = "/2018-06-01/runtime/"
NAME = FunctionName("chat")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def request_id(self) -> str:
        return self.headers["lambda-runtime-aws-request-id"]


class RuntimeClient:
    """One connection to the Runtime API, as plain as HTTP gets. No wait of its own deadline: tests set one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, method: str, route: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        lines = [f"{method} {PREFIX}{route} HTTP/1.1", "Host: runtime", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        await self.send_raw("\r\n".join([*lines, "", ""]).encode() + body)

    async def send_raw(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self) -> Answer:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("utf-8")
        status, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        return Answer(int(status.split()[1]), headers, await self._reader.readexactly(int(headers["content-length"])))

    async def at_end(self) -> bool:
        return await self._reader.read(1) == b""

    async def get(self, route: str) -> Answer:
        await self.send("GET", route)
        return await self.answer()

    async def post(self, route: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        await self.send("POST", route, body, headers)
        return await self.answer()

    async def next(self) -> Answer:
        return await self.get("invocation/next")

    async def respond(self, event: Answer, body: bytes) -> Answer:
        return await self.post(f"invocation/{event.request_id}/response", body)

    async def fail(self, event: Answer, body: bytes, error_type: str = "Error") -> Answer:
        return await self.post(
            f"invocation/{event.request_id}/error", body, {"Lambda-Runtime-Function-Error-Type": error_type}
        )

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[RuntimeClient]:
    host, port = address.split(":")
    client = RuntimeClient(*await asyncio.open_connection(host, int(port)))
    try:
        yield client
    finally:
        client.close()


class ScriptedProcess:
    """A program of a test in the place of a process."""

    def __init__(self, pid: int, program: Program, env: Mapping[str, str], output: LineSink) -> None:
        self._pid = pid
        self.env = dict(env)
        self.output = output
        self.drained = 0
        self._exit: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self._task = asyncio.ensure_future(program(self))
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Future[int]) -> None:
        if task.cancelled():
            self._exit.set_result(Exit(-signal.SIGKILL))
        elif isinstance(task.exception(), ConnectionError | asyncio.IncompleteReadError):
            self._exit.set_result(Exit(1))
        else:
            self._exit.set_result(Exit(task.result()))

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def is_running(self) -> bool:
        return not self._exit.done()

    async def wait(self) -> Exit:
        return await asyncio.shield(self._exit)

    def kill(self) -> None:
        self._task.cancel()

    def terminate(self) -> None:
        self._task.cancel()

    def drain(self) -> None:
        self.drained += 1

    def is_at(self, far: Address, near: Address) -> bool:
        """Its program runs in the test's own process, as whoever else connects does."""
        return True

    @property
    def address(self) -> str:
        return self.env["AWS_LAMBDA_RUNTIME_API"]


Program = Callable[[ScriptedProcess], Awaitable[int]]


class ScriptedProcesses:
    """Starts ``program`` whatever the command; ``started`` has every process in order."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.started: list[ScriptedProcess] = []
        self.starting = Signal()
        self.refusal: OSError | None = None

    async def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        output: LineSink,
        descriptors: Mapping[str, int] = NO_DESCRIPTORS,
        confinement: Confinement | None = None,
    ) -> Process:
        if self.refusal is not None:
            raise self.refusal
        process = ScriptedProcess(len(self.started) + 1, self.program, env, output)
        self.started.append(process)
        self.starting.tell()
        return process

    @property
    def running(self) -> list[ScriptedProcess]:
        return [process for process in self.started if process.is_running]


async def echo(process: ScriptedProcess) -> int:
    """Answers every event with itself."""
    async with connected(process.address) as api:
        while True:
            event = await api.next()
            await api.respond(event, event.body)


class Signal:
    """Wakes who waits for a condition whenever something may have changed."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def tell(self) -> None:
        self._event.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self._event.clear()
                await self._event.wait()


@dataclass
class RecordingLog:
    """``lines`` holds (tag, stream, text), ``failures`` (request id, why)."""

    lines: list[tuple[str | None, str, str]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    changed: Signal = field(default_factory=Signal)

    def line(self, function_name: FunctionName, request_tag: str | None, stream: str, text: str) -> None:
        self.lines.append((request_tag, stream, text))
        self.changed.tell()

    def failed(self, function_name: FunctionName, request_id: str, why: str) -> None:
        self.failures.append((request_id, why))
        self.changed.tell()

    @property
    def reasons(self) -> list[str]:
        return [why for _, why in self.failures]


class FixedLaunches:
    """Every function starts at once; ``error`` is raised instead when it is set."""

    def __init__(self) -> None:
        self.fingerprints: dict[FunctionName, str] = {}
        self.error: Exception | None = None
        self.prepared = 0

    async def prepare(self, function: Function) -> Launch:
        self.prepared += 1
        if self.error is not None:
            raise self.error
        return Launch((function.handler,), {"_HANDLER": function.handler}, "/", function.memory_mib)

    def fingerprint(self, function: Function) -> str:
        return self.fingerprints.get(function.function_name, "")


class SystemClock:
    def now(self) -> Now:
        return Now(int(time.time() * 1000), int(time.monotonic() * 1000))


class RandomIds:
    """Only ``uuid`` is asked for by functions."""

    def uuid(self) -> str:
        return str(uuid.uuid4())

    def connection_id(self, owner: NodeNumber) -> ConnectionId:
        raise AssertionError

    def message_id(self, connection: ConnectionId) -> MessageId:
        raise AssertionError

    def request_id(self) -> RequestId:
        raise AssertionError

    def trace_id(self) -> str:
        raise AssertionError


def function(
    name: str = NAME,
    *,
    runtime: str = "python3.11",
    handler: str = "app.handler",
    folder: str = ".",
    timeout_s: int = 10,
    reserved: int | None = None,
    aliases: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> Function:
    return Function(
        logical_id=name.title(),
        function_name=FunctionName(name),
        arn=f"arn:aws:lambda:us-east-1:123456789012:function:{name}",
        runtime=runtime,
        handler=handler,
        code=Folder(folder),
        environment=environment or {},
        timeout_s=timeout_s,
        reserved_concurrency=reserved,
        aliases=aliases,
    )


def call(
    payload: bytes = b"{}",
    name: str = NAME,
    *,
    wait_ms: int = int(DEADLINE_S * 1000),
    qualifier: str | None = None,
    client_context: str | None = None,
    tag: str | None = None,
) -> FunctionCall:
    return FunctionCall(
        FunctionName(name), payload, wait_ms, "Root=1-67891233-abcdef012345678912345678", qualifier, client_context, tag
    )
