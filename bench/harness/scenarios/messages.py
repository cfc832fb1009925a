"""Messages through a Python handler in a process of its own, and back to the client."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from bench.harness.figure import at_least, at_most
from bench.harness.procfs import cpu_s
from bench.harness.scenario import RUNS, Bench, Measured, Row, Scenario, Unmeasured

CLIENTS: Final = 32
WARM: Final = 500  # messages at least
WARM_MOST: Final = 5
MESSAGE: Final = '{"action":"anything","data":{"text":"hello there","room":"tea"}}'
OPTION: Final = re.compile(
    r"(--[a-z-]*(?:runtime-client|transport|bootstrap)[a-z-]*)(?:\s+\[?([a-z]+(?:\|[a-z]+)+)\]?)?"
)
AWS_WORDS: Final = ("aws", "awslambdaric", "runtime-api", "api")
OWN_WORDS: Final = ("own", "channel", "socketpair", "fast")


def option_for(help_text: str, words: tuple[str, ...]) -> tuple[str, ...] | None:
    """How ``wsfleet serve`` is told which client of the runtime to use; None when this tree has no such setting."""
    found = OPTION.search(help_text)
    if found is None:
        return None
    choices = (found[2] or "").split("|")
    return next(((found[1], word) for word in words if word in choices), None)


def through_aws(bench: Bench) -> Mapping[str, Measured]:
    """Where the tree knows no other transport, its default is this one."""
    return _measured(bench, "aws", option_for(bench.gateways.options_of("serve"), AWS_WORDS) or ())


def through_own(bench: Bench) -> Mapping[str, Measured]:
    options = option_for(bench.gateways.options_of("serve"), OWN_WORDS)
    if options is None:
        raise Unmeasured("wsfleet serve has no setting that chooses a transport of the project's own")
    return _measured(bench, "own", options)


def _measured(bench: Bench, name: str, options: tuple[str, ...]) -> Mapping[str, Measured]:
    count = bench.sizes.messages
    gateway = bench.gateways.serve("echo", bench.gateways.table(), *options)
    load = bench.loads.at(gateway.target)
    load.open(CLIENTS, CLIENTS)
    bench.step("handlers start")
    processes = 0
    for _ in range(WARM_MOST):
        load.echo(max(count // 4, WARM), CLIENTS, MESSAGE)
        before, processes = processes, len(gateway.child.tree)
        if processes == before:  # as many as the load needs: none is started while it is measured
            break
    costs, handlers, rates, shares = [], [], [], []
    for run in range(RUNS):
        bench.step(f"run {run + 1} of {RUNS}")
        others = [pid for pid in gateway.child.tree if pid not in gateway.workers]
        spent, theirs = gateway.cpu_s(), cpu_s(others)
        raced = load.echo(count, CLIENTS, MESSAGE)
        costs.append((gateway.cpu_s() - spent) / count * 1e6)
        handlers.append((cpu_s(others) - theirs) / count * 1e6)
        rates.append(raced.rate)
        shares.append(raced.share)
    load.end()
    bench.gateways.end(gateway)
    note = f"{CLIENTS} clients, one message each at a time, {count:,} a run"
    details = {"CPU µs of the handlers": sorted(handlers)[RUNS // 2], "handler processes": float(len(others))}
    return {
        f"message.{name}.cpu": Measured(costs, note, details=details),
        f"message.{name}.rate": Measured(rates, note, max(shares)),
    }


def _scenario(name: str, title: str, most_us: float, least: float, measure: object) -> Scenario:
    return Scenario(
        f"messages-{name}",
        (
            Row(f"message.{name}.cpu", f"CPU of the gateway per two-way message, {title}", "µs", at_most(most_us)),
            Row(f"message.{name}.rate", f"messages per second through handlers, {title}", "1/s", at_least(least)),
        ),
        measure,  # type: ignore[arg-type]
        "The node alone: frame, route, event, call, answer, frame. The handler is a Python function that returns what "
        "came; its processes compete for the same cores, and their CPU is told beside.",
        (30, 6),
    )


AWS_MESSAGES: Final = _scenario("aws", "awslambdaric", 150, 4_000, through_aws)
OWN_MESSAGES: Final = _scenario("own", "own transport", 80, 12_000, through_own)
