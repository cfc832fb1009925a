"""Where the gateway's time goes: the profile that belongs beside a figure that was not reached.

    python bench/hot_spots.py connect|post|message [--count N] [--lines N]

One `wsfleet serve` as the benchmark starts it, under cProfile while so many operations are made. Prints CPU per
operation with the profiler off, by thread, and then the functions that take longest; the profiler doubles their cost,
so only their proportions count.
"""

from __future__ import annotations

import argparse
import json
import os
import pstats
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import platformdirs

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench.harness.children import Children, adopt_orphans, wait_for  # noqa: E402
from bench.harness.gateway import KEYS, READY_S, Gateway, Gateways  # noqa: E402
from bench.harness.load import Loads, Raced, compiled, scripted  # noqa: E402
from bench.harness.procfs import PROC, schedstat_cpu_s  # noqa: E402
from bench.harness.scenarios.messages import MESSAGE  # noqa: E402

WITHIN_S: Final = 20.0
# Begins and ends a profile of the loop's thread when the process is told to by a signal.
WRAPPER: Final = """
import cProfile, os, signal, sys
from gateway.cli import main
path = sys.argv.pop(1)
made = cProfile.Profile()
signal.signal(signal.SIGUSR1, lambda *_: made.enable())
def end(*_):
    made.disable()
    made.dump_stats(path + ".new")
    os.replace(path + ".new", path)
signal.signal(signal.SIGUSR2, end)
main()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="where the gateway's time goes")
    parser.add_argument("what", choices=("connect", "post", "message"))
    parser.add_argument("--count", type=int, default=2_000, help="operations (2000)")
    parser.add_argument("--lines", type=int, default=40, help="functions to show (40)")
    asked = parser.parse_args()
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="wsfleet-bench-") as name:
        folder = Path(name)
        children = Children(folder)
        try:
            profiled(asked.what, asked.count, folder, children)
            pstats.Stats(str(folder / "profile")).sort_stats("tottime").print_stats(asked.lines)
        finally:
            children.sweep()


def profiled(what: str, count: int, folder: Path, children: Children) -> None:
    gateway = served(what, folder, children)
    loads = Loads(compiled(ROOT / "bench", Path(platformdirs.user_cache_dir("wsfleet-bench"))),
                  scripted(ROOT / "bench"), children, folder)  # fmt: skip
    load = loads.at(gateway.target)
    load.open(200, 64)
    poster, requests = loads.at(gateway.target), gateway.posts(gateway.node, 1_000, 200)
    acts: dict[str, Callable[[], Raced]] = {
        "connect": lambda: load.open(count, 64),
        "message": lambda: load.echo(count, 32, MESSAGE),
        "post": lambda: poster.post(count, 64, 1, requests),
    }
    act = acts[what]
    act()  # warm
    before, kernel_before = by_thread(gateway), kernel_cpu_s(gateway)
    act()
    after, kernel = by_thread(gateway), (kernel_cpu_s(gateway) - kernel_before) / count * 1e6
    spent = sorted(((after[each] - before.get(each, 0.0)) / count * 1e6 for each in after), reverse=True)
    print(f"CPU us per {what} by thread: {', '.join(f'{each:.1f}' for each in spent if each >= 0.1)}")
    print(f"of them in the kernel: {kernel:.1f}")
    os.kill(gateway.child.pid, signal.SIGUSR1)
    act()
    os.kill(gateway.child.pid, signal.SIGUSR2)
    wait_for(gateway.child, folder / "profile", WITHIN_S)


def served(what: str, folder: Path, children: Children) -> Gateway:
    """As ``Gateways.serve`` does it, within the wrapper."""
    gateways = Gateways(ROOT, folder, children)
    table, ready = gateways.table(), folder / "ready.json"
    application = "echo" if what == "message" else "quiet"
    command = [
        *(sys.executable, "-c", WRAPPER, str(folder / "profile"), "serve"),
        *("--api", str(ROOT / "bench" / "applications" / application / "template.yaml")),
        *("--endpoint-url", table.url, "--region", KEYS.region, "--host", "127.0.0.1", "--port", "0"),
        *("--connect-rate", "0", "--ready-file", str(ready)),
    ]
    if what == "message":
        command += ["--parameter-overrides", f"Python=python{sys.version_info.major}.{sys.version_info.minor}"]
    child = children.start("serve", command, folder, gateways.environment())
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


if __name__ == "__main__":
    main()
