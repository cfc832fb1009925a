"""Where a node's time goes, by room: the profile that stands beside a figure that was not reached.

cProfile doubles the cost of what it sees, so only its proportions count; they are spread over the CPU that an operation
took with the profiler off.
"""

from __future__ import annotations

import json
import os
import pstats
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.harness.children import Children, wait_for
from bench.harness.gateway import KEYS, READY_S, Gateway, Gateways
from bench.harness.load import Loads, Raced
from bench.harness.procfs import PROC, schedstat_cpu_s
from bench.harness.scenarios.messages import MESSAGE

WITHIN_S: Final = 20.0
# What is profiled, by the figures it explains.
UNREACHED: Final[Mapping[str, tuple[str, ...]]] = {
    "connect": ("connect.cpu",),
    "message": ("message.aws.cpu", "message.aws.rate", "message.own.cpu", "message.own.rate", "message.beside"),
    "post": ("post.rate", "forward.rate", "forward.ratio"),
}
TOP: Final = 8  # functions that are named
KERNEL: Final = "kernel: read, write, epoll"
NODE: Final = "node and its neighbours"
LIBRARIES: Final = "asyncio and libraries"
# Begins and ends a profile of the loop's thread when the process is told to by a signal.
WRAPPER: Final = """
import cProfile, os, signal, sys, time
from gateway.cli import main
path = sys.argv.pop(1)
made = cProfile.Profile(time.thread_time_ns, 1e-9)  # of this thread: a write may well end after its reader has run
signal.signal(signal.SIGUSR1, lambda *_: made.enable())
def end(*_):
    made.disable()
    made.dump_stats(path + ".new")
    os.replace(path + ".new", path)
signal.signal(signal.SIGUSR2, end)
main()
"""
_ROOM: Final = re.compile(r"/src/gateway/(?:(\w+)/)?\w+\.py$")
_KERNEL: Final = re.compile(r"posix\.(read|write|close)|select\.epoll|_socket\.socket|'accept'|'send'|'recv'")

Function = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Profile:
    """``what``: the operation; ``cpu_us``: of one, all threads, profiler off; ``kernel_us`` of them in the kernel.
    ``rooms``: the share of each in the loop's thread, the largest first; ``functions``: the same of those that take
    most themselves."""

    what: str
    cpu_us: float
    kernel_us: float
    rooms: dict[str, float]
    functions: dict[str, float]


def rooms_of(stats: Mapping[Function, tuple[int, int, float, float, Mapping[Function, tuple[Any, ...]]]]) -> Profile:
    """Shares alone, of what ``pstats.Stats`` holds. What a library does counts for the room that calls it; waiting for
    events is nobody's."""
    rooms: dict[str, float] = {}
    functions: dict[str, float] = {}

    def add(function: Function, room: str, seconds: float) -> None:
        rooms[room] = rooms.get(room, 0.0) + seconds
        name = _named(function)
        functions[name] = functions.get(name, 0.0) + seconds

    for function, (_, _, seconds, _, callers) in stats.items():
        if (room := _room(function)) is not None:
            add(function, room, seconds)
            continue
        for caller, (_, _, part, _) in callers.items():
            if not ("'poll' of 'select.epoll'" in function[2] and caller[0].endswith("selectors.py")):
                add(function, KERNEL if _KERNEL.search(function[2]) else _room(caller) or LIBRARIES, part)
    return Profile("", 0.0, 0.0, _shares(rooms), dict(list(_shares(functions).items())[:TOP]))


def _shares(seconds: Mapping[str, float]) -> dict[str, float]:
    whole = sum(seconds.values()) or 1.0
    return {name: part / whole for name, part in sorted(seconds.items(), key=lambda item: -item[1])}


def _room(function: Function) -> str | None:
    found = _ROOM.search(function[0])
    return None if found is None else found[1] or NODE


def _named(function: Function) -> str:
    """As short as tells it apart."""
    path, line, name = function
    return name.strip("<>") if path == "~" else f"{'/'.join(Path(path).with_suffix('').parts[-2:])}:{line} {name}"


class Profiler:
    """``loads`` and ``children`` as the benchmark has them; every profile is of a gateway of its own in ``folder``."""

    def __init__(self, root: Path, folder: Path, children: Children, loads: Loads) -> None:
        self._root = root
        self._folder = folder
        self._children = children
        self._loads = loads

    def profile(self, what: str, count: int) -> tuple[Profile, pstats.Stats]:
        """Of ``connect``, ``post`` or ``message``, and the whole of it. Raises ChildFailed."""
        gateway = self._served(what)
        load = self._loads.at(gateway.target)
        load.open(200, 64)
        poster, requests = self._loads.at(gateway.target), gateway.posts(gateway.node, 1_000, 200)
        acts: dict[str, Callable[[], Raced]] = {
            "connect": lambda: load.open(count, 64),
            "message": lambda: load.echo(count, 32, MESSAGE),
            "post": lambda: poster.post(count, 64, 1, requests),
        }
        act = acts[what]
        act()  # warm
        before, kernel_before = by_thread(gateway), kernel_cpu_s(gateway)
        act()
        after, kernel = by_thread(gateway), kernel_cpu_s(gateway) - kernel_before
        spent_us = sum(after[each] - before.get(each, 0.0) for each in after) / count * 1e6
        os.kill(gateway.child.pid, signal.SIGUSR1)
        act()
        os.kill(gateway.child.pid, signal.SIGUSR2)
        path = self._folder / "profile"
        wait_for(gateway.child, path, WITHIN_S)
        stats = pstats.Stats(str(path))
        path.unlink()
        for each in (load, poster):
            each.end()
        self._children.end(gateway.child, hard=True)
        self._children.end(gateway.table.child, hard=True)
        found = rooms_of(stats.stats)  # type: ignore[attr-defined]
        return Profile(what, spent_us, kernel / count * 1e6, found.rooms, found.functions), stats

    def _served(self, what: str) -> Gateway:
        """As ``Gateways.serve`` does it, within the wrapper."""
        gateways = Gateways(self._root, self._folder, self._children)
        table, ready = gateways.table(), self._folder / "ready-profiled.json"
        ready.unlink(missing_ok=True)
        application = "echo" if what == "message" else "quiet"
        command = [
            *(sys.executable, "-c", WRAPPER, str(self._folder / "profile"), "serve"),
            *("--api", str(self._root / "bench" / "applications" / application / "template.yaml")),
            *("--endpoint-url", table.url, "--region", KEYS.region, "--host", "127.0.0.1", "--port", "0"),
            *("--connect-rate", "0", "--ready-file", str(ready)),
        ]
        if what == "message":
            command += ["--parameter-overrides", f"Python=python{sys.version_info.major}.{sys.version_info.minor}"]
        child = self._children.start("serve", command, self._folder, gateways.environment())
        wait_for(child, ready, READY_S)
        time.sleep(0.5)
        return Gateway(child, table, json.loads(ready.read_text(encoding="utf-8")))


def by_thread(gateway: Gateway) -> dict[str, float]:
    """Seconds of CPU of each thread of the node."""
    tasks = (PROC / str(gateway.child.pid) / "task").glob("*/schedstat")
    return {task.parent.name: schedstat_cpu_s(task.read_text(encoding="ascii")) for task in tasks}


def kernel_cpu_s(gateway: Gateway) -> float:
    """Seconds that the node has spent in the kernel, to 10 ms."""
    after_name = (PROC / str(gateway.child.pid) / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return int(after_name[12]) / os.sysconf("SC_CLK_TCK")
