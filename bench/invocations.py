"""CPU of the gateway, CPU of the handlers, and rate of calls through real handler processes and back.

    python bench/invocations.py [--quick] [--json] [--client aws|own] [--mode functions|node]

A trivial Python handler runs in processes of its own, started as ``wsfleet run`` starts them. Callers in a closed loop
keep each process busy; two modes:

functions  ``LocalFunctions.invoke`` with the event of a message, and the bytes that come back
node       a message given to a ``Node``, and the reply handed to its socket: route, event, call, answer

The callers live in the gateway's process, so their CPU counts as the gateway's; nothing but pipes and sockets of this
machine is used. Every row is the median of the runs with their range. Stops by itself: under a minute with ``--quick``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in ("src", "tests")]

from gateway.calls import Outside  # noqa: E402
from gateway.invoke.functions import LocalFunctions  # noqa: E402
from gateway.invoke.launch import RuntimeClient  # noqa: E402
from gateway.invoke.surroundings import PoolLimits, Surroundings  # noqa: E402
from gateway.model.ids import FunctionName, NodeNumber  # noqa: E402
from gateway.model.invocation import Returned  # noqa: E402
from gateway.model.limits import Limits  # noqa: E402
from gateway.node import Node  # noqa: E402
from gateway.ports import FunctionCall, LineSink, Process  # noqa: E402
from gateway.processes.supervisor import ProcessSupervisor  # noqa: E402
from gateway.registry.memory import MemoryRegistry  # noqa: E402
from gateway.system.clock import SystemClock  # noqa: E402
from gateway.system.ids import RandomIds  # noqa: E402
from gateway.tenure import Tenure  # noqa: E402
from node_doubles import FakeSocket, RecordingReporter, backends, until_idle  # noqa: E402
from real_functions import FolderLaunches, write  # noqa: E402
from runtime_double import RecordingLog, function  # noqa: E402
from sample_definitions import directory, handshake, route  # noqa: E402

NAME = FunctionName("default")  # the function behind the node's $default route
HANDLER = 'def handler(event, context):\n    return {"statusCode": 200, "body": event["body"]}\n'
EVENT = json.dumps(json.loads((ROOT / "events" / "message.json").read_bytes()), separators=(",", ":")).encode()
MESSAGE = '{"action":"anything","data":{"text":"hello there","room":"tea"}}'
RUNS = 5
CALLERS_PER_PROCESS = 4
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
GOALS = {"aws": (150, 4_000), "own": (80, 12_000)}  # gateway microseconds a message, messages a second

Load = Callable[[float], Awaitable[int]]
"""Calls until a time of the loop; returns how many."""


@dataclass(frozen=True, slots=True)
class Row:
    """Medians, each with its lowest and highest; ``runtime_us`` is of all handler processes together."""

    mode: str
    client: str
    processes: int
    gateway_us: tuple[float, float, float]
    runtime_us: tuple[float, float, float]
    per_s: tuple[float, float, float]


class Handlers(ProcessSupervisor):
    """Remembers whose CPU to read."""

    def __init__(self) -> None:
        super().__init__()
        self.pids: list[int] = []

    async def start(self, *args: object, output: LineSink, **options: object) -> Process:
        process = await super().start(*args, output=output, **options)  # type: ignore[arg-type]
        self.pids.append(process.pid)
        return process

    def cpu_s(self) -> float:
        return sum(_ticks(pid) for pid in self.pids) / TICKS_PER_S


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@asynccontextmanager
async def functions_of(client: str, processes: int) -> AsyncIterator[tuple[LocalFunctions, Handlers]]:
    """All processes are started by the first calls, as many of which must wait at once."""
    handlers = Handlers()
    limits = PoolLimits(max_processes=processes, max_starting=processes, grow_after_s=0.0)
    around = Surroundings(
        FolderLaunches(RuntimeClient(client)),
        handlers,
        RecordingLog(),
        SystemClock(),
        RandomIds(b"key of a benchmark"),
        limits,
    )
    functions = LocalFunctions(around)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), {"app.py": HANDLER})
        await functions.replace({NAME: function(NAME, folder=folder)})
        try:
            yield functions, handlers
        finally:
            await functions.close()
            await handlers.close()


def calling(functions: LocalFunctions, callers: int) -> Load:
    call = FunctionCall(NAME, EVENT, 29_000, "Root=1-67891233-abcdef012345678912345678")

    async def one(until: float) -> int:
        done, now = 0, asyncio.get_running_loop().time
        while now() < until:
            result = await functions.invoke(call)
            assert isinstance(result, Returned), result
            done += 1
        return done

    async def load(until: float) -> int:
        return sum(await asyncio.gather(*(one(until) for _ in range(callers))))

    return load


class Client(FakeSocket):
    """Sends its next message when it gets a reply."""

    def start(self, send: Callable[[], None], until: float) -> None:
        self.replies, self._send, self._until = 0, send, until
        self._now = asyncio.get_running_loop().time
        self.done = asyncio.Event()
        send()

    def send_text(self, data: bytes) -> None:
        assert data == MESSAGE.encode(), data
        self.replies += 1
        if self._now() < self._until:
            self._send()
        else:
            self.done.set()


async def messaging(functions: LocalFunctions, clients: int) -> tuple[Node, Load]:
    clock = SystemClock()
    outside = Outside(
        backends(functions), MemoryRegistry(), clock, RandomIds(b"key of a benchmark"), RecordingReporter()
    )
    served = directory(route("$default", two_way=True))
    node = Node(Tenure.alone(clock, NodeNumber(7)), served, outside, Limits(), lambda: None)
    pairs = []
    for _ in range(clients):
        client = Client()
        pairs.append((client, node.handshake(client, handshake())))
    await until_idle(lambda: all(client.is_open for client, _ in pairs))

    async def load(until: float) -> int:
        for client, conversation in pairs:
            client.start(lambda conversation=conversation: node.message(conversation, MESSAGE), until)
        await asyncio.gather(*(client.done.wait() for client, _ in pairs))
        return sum(client.replies for client, _ in pairs)

    return node, load


async def measured(load: Load, handlers: Handlers, seconds: float) -> tuple[float, float, float]:
    """Gateway and runtime microseconds a call, calls a second."""
    began, gateway, runtime = time.perf_counter(), time.process_time(), handlers.cpu_s()
    count = await load(asyncio.get_running_loop().time() + seconds)
    gateway, runtime = time.process_time() - gateway, handlers.cpu_s() - runtime
    return gateway / count * 1e6, runtime / count * 1e6, count / (time.perf_counter() - began)


async def row(mode: str, client: str, processes: int, seconds: float) -> Row:
    callers = CALLERS_PER_PROCESS * processes
    async with functions_of(client, processes) as (functions, handlers):
        load, node = calling(functions, callers), None
        await load(asyncio.get_running_loop().time() + 0.5)  # every process is there and warm
        if mode == "node":
            node, load = await messaging(functions, callers)
            await load(asyncio.get_running_loop().time() + 0.2)
        assert len(handlers.pids) == processes, handlers.pids
        runs = [await measured(load, handlers, seconds) for _ in range(RUNS)]
        if node is not None:
            await node.stop(1)
    return Row(mode, client, processes, *(_spread(values) for values in zip(*runs, strict=True)))


def _spread(values: tuple[float, ...]) -> tuple[float, float, float]:
    return round(statistics.median(values), 1), round(min(values), 1), round(max(values), 1)


def machine() -> dict[str, object]:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return {
        "cpu": f"{os.cpu_count()} x {model}",
        "system": f"{platform.machine()} {platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "awslambdaric": metadata.version("awslambdaric"),
        "load_average_before": round(os.getloadavg()[0], 2),
    }


def _line(one: Row) -> str:
    figures = "".join(
        f"{f'{median:,.0f} ({low:,.0f}-{high:,.0f})':>26}"
        for median, low, high in (one.gateway_us, one.runtime_us, one.per_s)
    )
    return f"{one.mode:<10}{one.client:<5}{one.processes:>9}{figures}"


def main() -> None:
    parser = argparse.ArgumentParser(description="calls through real handler processes")
    parser.add_argument("--quick", action="store_true", help="shorter runs")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--client", choices=GOALS, action="append", help="only this runtime client")
    parser.add_argument("--mode", choices=("functions", "node"), action="append", help="only this mode")
    options = parser.parse_args()
    about = machine()
    seconds = 0.5 if options.quick else 2.0
    rows = []
    if not options.json:
        print(f"{'mode':<10}{'client':<5}{'processes':>9}{'gateway us/call':>26}{'runtime us/call':>26}{'calls/s':>26}")
    for mode in options.mode or ("functions", "node"):
        for client in options.client or GOALS:
            for processes in (1, 4):
                rows.append(asyncio.run(row(mode, client, processes, seconds)))
                if not options.json:
                    print(_line(rows[-1]), flush=True)
    if options.json:
        result = {"machine": about, "runs": RUNS, "seconds_a_run": seconds, "goals": GOALS}
        print(json.dumps({**result, "rows": [asdict(one) for one in rows]}))
        return
    goals = ", ".join(f"{client} {us} us and {rate:,}/s" for client, (us, rate) in GOALS.items())
    print(f"median (lowest-highest) of {RUNS} runs of {seconds} s; goals for a message through the node: {goals}")
    print(", ".join(f"{name} {value}" for name, value in about.items()))


main()
