"""What sockets cost the gateway: memory of a dormant one, CPU of a connect, of a message's echo, of a post.

    python bench/sockets.py [--quick] [--json] [--kind KIND] [--shell SHELL]

Both shells (parked descriptors; asyncio transports), each plain and with TLS, in the same run, once behind them the
least that can answer (``trivial``), once the whole node and management API (``node``: ``$connect`` by MOCK, a registry
and a function that answer at once, no signature verified). Every figure is of a server process of its own; its clients
are in others, on loopback. CPU is the server's, per operation: median and range of several runs; memory is one run
each. Bounded: at most 19,000 sockets, 5,000 with TLS, whose handshakes are most of the quarter of an hour it takes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

HERE: Final = Path(__file__).parent
KINDS: Final = ("trivial", "node")
SHELLS: Final = ("parked", "transport", "parked-tls", "transport-tls")
DORMANT: Final = (1_000, 5_000, 19_000)  # a process holds less than 20,000 descriptors on many machines
WARM: Final = 50  # few: the room that they leave behind would be taken for room that was never needed
CONNECTS: Final = 2_000
SOCKETS: Final = 200
HTTP_CONNECTIONS: Final = 64
OPERATIONS: Final = 20_000
PATH: Final = "/dev"


class Peer:
    """A process that is spoken with line by line."""

    def __init__(self, *arguments: object) -> None:
        command = [sys.executable, *map(str, arguments)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin is not None and self._process.stdout is not None
        self.stdin: IO[str] = self._process.stdin
        self._stdout: IO[str] = self._process.stdout

    def hears(self) -> Any:
        line = self._stdout.readline()
        if not line:
            raise SystemExit(f"{self._process.args} ended with {self._process.wait()}")
        return json.loads(line) if line[0] in "{[0123456789" else line

    def asks(self, line: str) -> Any:
        self.stdin.write(line + "\n")
        self.stdin.flush()
        return self.hears()

    def ends(self) -> None:
        self.stdin.close()
        self._process.wait(60)


@contextmanager
def peer(*arguments: object) -> Iterator[Peer]:
    made = Peer(*arguments)
    try:
        yield made
    finally:
        made.ends()


@dataclass(frozen=True)
class Place:
    """Where a server is; ``tls`` is what its clients are told about TLS."""

    port: int
    tls: tuple[str, ...]


@contextmanager
def server(kind: str, shell: str) -> Iterator[tuple[Peer, Place]]:
    with peer(HERE / "socket_server.py", kind, shell) as made:
        yield made, Place(made.hears(), ("tls",) if shell.endswith("tls") else ())


@contextmanager
def holding(place: Place, count: int) -> Iterator[None]:
    with peer(HERE / "socket_client.py", "hold", place.port, count, PATH, *place.tls) as clients:
        clients.hears()
        yield


def quiet(made: Peer) -> dict[str, Any]:
    """Figures once every socket of those who left is gone."""
    while True:
        figures: dict[str, Any] = made.asks("figures")
        if not figures["sockets"]:
            return figures


def dormant_bytes(kind: str, shell: str, count: int) -> float:
    """Resident bytes per dormant connection, over a server that has served before."""
    with server(kind, shell) as (made, place):
        with holding(place, WARM):
            pass
        before = quiet(made)["rss"]
        with holding(place, count):
            return (made.asks("figures")["rss"] - before) / count


@dataclass(frozen=True)
class Cost:
    """Microseconds of the server's CPU per operation, of them in the kernel; operations per second and the share of a
    core that the client took, None where nobody raced."""

    cpu_us: float
    system_us: float
    rate: float | None = None
    client: float | None = None


def cost(before: dict[str, float], after: dict[str, float], count: int, client: dict[str, float] | None = None) -> Cost:
    user, system = ((after[name] - before[name]) / count * 1e6 for name in ("user", "system"))
    if client is None:
        return Cost(user + system, system)
    return Cost(user + system, system, count / client["seconds"], client["cpu"] / client["seconds"])


def connect(made: Peer, place: Place) -> Cost:
    before = quiet(made)
    with holding(place, CONNECTS):
        return cost(before, made.asks("figures"), CONNECTS)


def echo(made: Peer, place: Place) -> Cost:
    with peer(HERE / "socket_client.py", "echo", place.port, SOCKETS, PATH, OPERATIONS, *place.tls) as clients:
        clients.hears()
        before = made.asks("figures")
        raced = clients.asks("go")
        return cost(before, made.asks("figures"), OPERATIONS, raced)


def post(made: Peer, place: Place) -> Cost:
    with (
        holding(place, SOCKETS),
        peer(HERE / "socket_client.py", "post", place.port, HTTP_CONNECTIONS, PATH, OPERATIONS, *place.tls) as clients,
    ):
        targets = [f"{PATH}/@connections/{each.replace('=', '%3D')}" for each in made.asks("ids")]
        before = made.asks("figures")
        clients.stdin.write("\n".join(targets))
        clients.stdin.close()
        raced = clients.hears()
        return cost(before, made.asks("figures"), OPERATIONS, raced)


def loop_ns() -> float:
    began, total = time.process_time_ns(), 0
    for turn in range(1_000_000):
        total += turn
    return (time.process_time_ns() - began) / 1_000_000


def spread(figures: list[float], digits: int = 1) -> dict[str, Any]:
    """Empty for no figures."""
    if not figures:
        return {}
    return {
        "median": round(statistics.median(figures), digits),
        "range": [round(min(figures), digits), round(max(figures), digits)],
    }


def measured(kind: str, shell: str, runs: int, counts: tuple[int, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": kind, "shell": shell}
    found["bytes per dormant connection"] = {n: round(dormant_bytes(kind, shell, n)) for n in counts}
    with server(kind, shell) as (made, place):
        connect(made, place)  # warm
        for name, measure in (("connect", connect), ("echo", echo), ("post", post)):
            costs = [measure(made, place) for _ in range(runs)]
            found[f"CPU us per {name}"] = spread([each.cpu_us for each in costs])
            found[f"of them in the kernel, {name}"] = spread([each.system_us for each in costs])
            found[f"per second, {name}"] = spread([each.rate for each in costs if each.rate is not None], 0)
            found[f"client's share of a core, {name}"] = spread([each.client for each in costs if each.client], 2)
    return {name: figure for name, figure in found.items() if figure}


def table(results: list[dict[str, Any]]) -> None:
    for found in results:
        print(f"{found['kind']}, {found['shell']}")
        for name, figure in found.items():
            if name == "bytes per dormant connection":
                print(f"  {name}: " + ", ".join(f"{size} of {count}" for count, size in figure.items()))
            elif isinstance(figure, dict):
                low, high = figure["range"]
                print(f"  {name}: {figure['median']} ({low}-{high})")


def main() -> None:
    parser = argparse.ArgumentParser(description="memory and CPU of sockets, by both shells")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="three runs, 1,000 and 5,000 sockets")
    parser.add_argument("--kind", choices=KINDS, help="only this one")
    parser.add_argument("--shell", choices=SHELLS, help="only this one")
    asked = parser.parse_args()
    runs, counts = (3, DORMANT[:2]) if asked.quick else (5, DORMANT)
    results = [
        measured(kind, shell, runs, counts[:2] if shell.endswith("tls") else counts)
        for kind in KINDS
        for shell in SHELLS
        if asked.kind in (None, kind) and asked.shell in (None, shell)
    ]
    where = {
        "python": platform.python_version(),
        "machine": f"{platform.machine()} {platform.system()} {platform.release()}",
        "load": round(os.getloadavg()[0], 1),  # above the number of cores every figure of CPU is inflated
        "ns per turn of an empty loop": round(loop_ns(), 1),  # by how much: some 30 on a quiet machine
    }
    if asked.json:
        print(json.dumps({"results": results, "runs": runs, **where}))
    else:
        table(results)
        print("; ".join(f"{name}: {value}" for name, value in where.items()) + f"; {runs} runs")


main()
