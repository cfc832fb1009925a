"""From the command to the first client: `wsfleet run` on the sample application."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from bench.harness.children import wait_for
from bench.harness.figure import at_most
from bench.harness.scenario import Bench, Measured, Row, Scenario

FIRST_S: Final = 180.0  # dependencies of the functions are installed when they are not in the cache yet


def start(bench: Bench) -> Mapping[str, Measured]:
    if not bench.is_quick:
        _once(bench)
    seconds = []
    for run in range(bench.sizes.starts):
        bench.step(f"run {run + 1} of {bench.sizes.starts}")
        seconds.append(_once(bench))
    return {"start": Measured(seconds, "" if bench.is_quick else "caches filled by a start before")}


def _once(bench: Bench) -> float:
    began = time.monotonic()
    child, ready = bench.gateways.run(bench.root / "template.yaml", "--no-watch")
    wait_for(child, ready, min(FIRST_S, max(bench.left_s, 5.0)))
    took = time.monotonic() - began
    bench.children.end(child)
    return took


START: Final = Scenario(
    "start",
    (Row("start", "start of wsfleet run to ready, sample application", "s", at_most(3)),),
    start,
    "Wall time from the start of the process to its ready file: the interpreter, the template, moto and the table in "
    "it, the functions' code. The functions' dependencies are in the cache.",
    (30, 4),
)
