"""Everything that is told, in the one form that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from gateway.ports import Clock, FunctionLog, StageLogs
from gateway.report.console import Console, FunctionConsole
from gateway.report.json_log import JsonFunctionLog, JsonLog, JsonStageLogs, lost_lines
from gateway.report.log_files import LogOutput
from gateway.report.printer import missing
from gateway.report.report import Report


@dataclass(frozen=True, slots=True)
class Outlets:
    """``stages`` is where stages log that have no folder to do so."""

    report: Report
    functions: FunctionLog
    stages: StageLogs


def outlets(log_format: str, out: TextIO, err: TextIO, clock: Clock) -> Outlets:
    """``log_format`` is ``json``, all of it on ``out``, or ``text``."""
    if log_format == "json":
        log = JsonLog(out, clock)
        return Outlets(log, JsonFunctionLog(log), JsonStageLogs(log))
    console = Console(out, err, clock)
    return Outlets(console, FunctionConsole(console), LogOutput(console))


def lost(log_format: str, clock: Clock) -> Callable[[int], bytes]:
    """For the printer that these write to: how dropped lines are told."""
    return (lambda count: lost_lines(count, clock.now().wall_ms)) if log_format == "json" else missing
