"""CPU of a post forwarded from one node to another, summed over both processes: the asker's and the owner's.

    python bench/peers.py [--json]

The owner answers DONE at once, so what is measured is the way there and back: frames, MACs, sockets, loops. Prints
microseconds of CPU per post of 100 bytes, over a Unix socket and over TCP, one after the other and with 64 in flight:
median and range of 7 runs each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ("src", "tests")]

from gateway.model.ids import ApiId, ConnectionId, NodeNumber  # noqa: E402
from gateway.model.member import Member  # noqa: E402
from gateway.model.peer import Outcome, PeerAnswer, PeerRequest, PostTo  # noqa: E402
from gateway.peers.client import PeerClient  # noqa: E402
from gateway.peers.machine import machine_identity  # noqa: E402
from gateway.peers.server import PeerServer  # noqa: E402
from node_doubles import RecordingReporter  # noqa: E402

RUNS = 7
POSTS = {1: 5_000, 64: 20_000}  # of one run, by how many are in flight
GOAL_US = 40  # with 64 in flight
KEY = bytes(range(32))
OWNER = NodeNumber(7)
POST = PostTo(ApiId("q7x2k9m4pd"), ConnectionId("L0SM9cOFvHcCIAgAAA=="), b"x" * 100)


class Trivial:
    """A PeerService that does nothing."""

    def answer(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer:
        return Outcome.DONE


async def owner(folder: Path) -> None:
    """The other process: tells where it listens, then for every line it reads the CPU seconds it has spent."""
    server = PeerServer(Trivial(), KEY, RecordingReporter())
    path, port = await server.open_unix(folder), await server.open_tcp("127.0.0.1", 0)
    print(json.dumps({"path": path, "port": port}), flush=True)
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        if sys.stdin.readline():
            print(time.process_time(), flush=True)
        else:
            ended.set()

    loop.add_reader(sys.stdin.fileno(), tell)
    await ended.wait()
    await server.close()


class Owner:
    """The other process as this one sees it."""

    def __init__(self, folder: str) -> None:
        command = [sys.executable, __file__, "--owner", folder]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self.place: dict[str, Any] = json.loads(self._stdout.readline())

    def cpu_s(self) -> float:
        self._stdin.write("\n")
        self._stdin.flush()
        return float(self._stdout.readline())

    def end(self) -> None:
        self._stdin.close()
        self._process.wait(10)


async def ask(client: PeerClient, member: Member, count: int) -> None:
    for _ in range(count):
        if await client.ask(member, POST, 10_000) is not Outcome.DONE:
            raise RuntimeError("a post was not answered")


async def one_run(other: Owner, client: PeerClient, member: Member, in_flight: int) -> tuple[float, float]:
    """Microseconds of CPU per post: asker, owner."""
    posts = POSTS[in_flight]
    theirs, ours = other.cpu_s(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(ask(client, member, posts // in_flight))
    ours, theirs = time.process_time() - ours, other.cpu_s() - theirs
    return ours / posts * 1e6, theirs / posts * 1e6


async def measure() -> list[dict[str, Any]]:
    results = []
    machine = machine_identity()
    with tempfile.TemporaryDirectory() as folder:
        other = Owner(folder)
        path, port = other.place["path"], other.place["port"]
        for way, reach in {"Unix": {"socket_path": path}, "TCP": {"address": f"127.0.0.1:{port}"}}.items():
            member = Member(OWNER, 10_000, machine, "localhost", 0, 0, **reach)
            for in_flight in POSTS:
                client = PeerClient(KEY, machine, RecordingReporter())
                await one_run(other, client, member, in_flight)  # warm
                runs = [await one_run(other, client, member, in_flight) for _ in range(RUNS)]
                await client.close()
                results.append({"way": way, "in_flight": in_flight} | summary(runs))
        other.end()
    return results


def summary(runs: list[tuple[float, float]]) -> dict[str, Any]:
    sums = sorted(asker + owner for asker, owner in runs)
    return {
        "median": round(statistics.median(sums), 1),
        "range": [round(sums[0], 1), round(sums[-1], 1)],
        "asker": round(statistics.median(asker for asker, _ in runs), 1),
        "owner": round(statistics.median(owner for _, owner in runs), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU per forwarded post, both processes")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--owner", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.owner is not None:
        asyncio.run(owner(Path(arguments.owner)))
        return
    result = {
        "figure": "CPU per forwarded post of 100 bytes, both processes, microseconds",
        "results": asyncio.run(measure()),
        "goal": GOAL_US,
        "python": platform.python_version(),
        "machine": f"{platform.machine()} {platform.system()} {platform.release()}",
    }
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"{result['figure']}; goal {GOAL_US} with 64 in flight")
    for each in result["results"]:
        low, high = each["range"]
        halves = f"asker {each['asker']}, owner {each['owner']}"
        print(f"{each['way']:<5} {each['in_flight']:>3} in flight: {each['median']} ({low}-{high}); {halves}")
    print(f"Python {result['python']}, {result['machine']}, {RUNS} runs of {POSTS} posts")


main()
