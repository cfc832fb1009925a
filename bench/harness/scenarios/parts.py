"""Figures that other programs of this folder measure: run as they are, and read."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from bench.harness.figure import at_most
from bench.harness.scenario import Bench, Measured, Row, Scenario, Unmeasured


def message_path(bench: Bench) -> Mapping[str, Measured]:
    found = _asked(bench, "message_path")
    return {"message.beside": Measured(_three(found), "in one process, without sockets and processes")}


def registry(bench: Bench) -> Mapping[str, Measured]:
    """Its program counts by constants, which are as large as this run wants them."""
    found = _asked(bench, "registry", RUNS=5, CONNECTIONS=bench.sizes.records)
    gone = found["register and unregister"]["median"]
    note, details = f"{found['in flight']} in flight", {"µs with its removal": float(gone)}
    return {"registry.cpu": Measured(_three(found["register"]), note, details=details)}


def _three(found: Mapping[str, Any]) -> list[float]:
    """Values with the median and range that were told."""
    low, high = found["range"]
    return [float(low), float(found["median"]), float(high)]


def _asked(bench: Bench, module: str, **constants: int) -> dict[str, Any]:
    """What ``bench/{module}.py --json`` prints, with other constants where some are given."""
    script = bench.root / "bench" / f"{module}.py"
    if not script.exists():
        raise Unmeasured(f"bench/{module}.py is not in this tree")
    words = [str(script), "--json"]
    if constants:
        sets = "; ".join(f"module.{name} = {value}" for name, value in constants.items())
        load = "import sys, registry as module".replace("registry", module)
        words = ["-c", f"{load}; {sets}; sys.argv[1:] = ['--json']; module.main()"]
    environment = {**bench.gateways.environment(), "PYTHONPATH": str(script.parent)}
    child = bench.children.start(module, [sys.executable, *words], bench.folder, environment, pipes=True)
    try:
        document: dict[str, Any] = json.loads(child.line())
    except ValueError as error:
        raise Unmeasured(f"bench/{module}.py: {error}") from error
    finally:
        bench.children.end(child, hard=True)
    return document


MESSAGE_PATH: Final = Scenario(
    "message-path",
    (Row("message.beside", "CPU of the node per message beside the call itself", "µs", at_most(60)),),
    message_path,
    "`bench/message_path.py`: route, event, answer and reply where the function's call is answered at once.",
    (8, 4),
)
REGISTRY: Final = Scenario(
    "registry",
    (Row("registry.cpu", "CPU for the record of one connect", "µs", at_most(60)),),
    registry,
    "`bench/registry.py`: the record queued, grouped with others, written as a request, signed, sent, its answer read; "
    "all threads of the process. Part of the CPU per connect above.",
    (40, 6),
)
