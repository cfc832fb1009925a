"""One message to everybody: the product's send path against a loop of `send()` in C, over the same descriptors."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bench.harness.figure import at_least
from bench.harness.load import Target
from bench.harness.scenario import RUNS, Bench, Measured, Row, Scenario, Unmeasured, median

BYTES: Final = 100
ROUNDS: Final = 4  # of each kind in a run, summed


def broadcast(bench: Bench) -> Mapping[str, Measured]:
    count = bench.sizes.broadcast
    words = [sys.executable, str(bench.root / "bench" / "sender.py"), str(_library(bench))]
    child = bench.children.start("sender", words, bench.folder, bench.gateways.environment(), pipes=True)
    load = bench.loads.at(Target(int(child.line()), "/"))
    load.open(count, 64)
    ratios, product, limit, rates = [], [], [], []

    def sent(what: str) -> dict[str, Any]:
        """CPU and wall seconds of some rounds; every message has arrived."""
        total = {"cpu": 0.0, "seconds": 0.0}
        for _ in range(ROUNDS):
            load.received()
            child.say(f"{what} {BYTES}")
            told = json.loads(child.line())
            if told["sent"] != count:
                raise Unmeasured(f"{told['sent']} of {count} messages were sent")
            load.wait_for(count, 20)
            total = {name: total[name] + told[name] for name in total}
        return total

    sent("product"), sent("c")
    for run in range(RUNS):
        bench.step(f"run {run + 1} of {RUNS}")
        ours, theirs = sent("product"), sent("c")
        ratios.append(theirs["cpu"] / ours["cpu"])
        product.append(ours["cpu"] / count / ROUNDS * 1e6)
        limit.append(theirs["cpu"] / count / ROUNDS * 1e6)
        rates.append(count * ROUNDS / ours["seconds"])
    load.end()
    bench.children.end(child, hard=True)
    how = "Socket.send_text in a loop, as the broadcast API sends below its own accounting"
    note = f"{count:,} parked sockets, {BYTES} bytes; {how}"
    details = {"CPU µs per send() in C": median(limit)}
    return {
        "broadcast.ratio": Measured(ratios, note, details=details),
        "broadcast.cpu": Measured(product, note, details=details),
        "broadcast.rate": Measured(rates, note),
    }


def _library(bench: Bench) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise Unmeasured("no C compiler, and so nothing to compare with")
    made = bench.folder / "send.so"
    source = bench.root / "bench" / "send.c"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(made), str(source)], check=True)
    return made


BROADCAST: Final = Scenario(
    "broadcast",
    (
        Row("broadcast.ratio", "send path of the product against a C loop of send()", "x", at_least(0.8)),
        Row("broadcast.cpu", "CPU per message sent to everybody", "µs"),
        Row("broadcast.rate", "messages per second to everybody, one process", "1/s"),
    ),
    broadcast,
    "`Socket.send_text` of one prebuilt message for every parked socket, in a process that does nothing else; the C "
    "loop runs in the same process over the same descriptors, right after it. The ratio is of CPU times: 1.0 would "
    "cost the same. A broadcast API does not exist yet.",
    (25, 4),
)
