"""``wsfleet serve``: a node of a fleet, or with ``--workers`` several of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from gateway.cli.parameters import OverridesCommand
from gateway.cli.setting_options import effective, settings_options
from gateway.exposure import check_exposure
from gateway.report.outlets import Outlets, lost, outlets
from gateway.report.printer import Printer
from gateway.report.report import Report
from gateway.settings import ServeSettings
from gateway.system.clock import SystemClock
from gateway.workers.spec import STDIN, read_spec


@click.command(cls=OverridesCommand, short_help="Serve a template's APIs as a node of a fleet.")
@settings_options()
def serve(config: Path | None, **flags: Any) -> None:
    """Serve the WebSocket APIs of a template as a node of a fleet, until SIGTERM or Ctrl-C lets it drain and leave.

    All nodes with the same table are one fleet; `wsfleet init` creates it. Every option is also a line of the settings
    file and a WSFLEET_ variable: `wsfleet config` shows what holds.
    """
    settings = effective(config, flags).settings
    _ = settings.template  # that there is none is told before anything starts
    check_exposure(settings)
    with _outlets(settings) as told:
        status = serve_with(settings, told)
    raise click.exceptions.Exit(status)


def _one(settings: ServeSettings, told: Outlets) -> None:
    from gateway.serve import serve_node  # nearly all of this program: not for a parent of workers

    serve_node(settings, told)


def _several(settings: ServeSettings, report: Report) -> int:
    from gateway.workers.parent import serve_workers

    return serve_workers(settings, report)


def serve_with(
    settings: ServeSettings,
    told: Outlets,
    one: Callable[[ServeSettings, Outlets], None] = _one,
    several: Callable[[ServeSettings, Report], int] = _several,
) -> int:
    """One process, or a parent with its workers; the exit status. Raises UserError."""
    if settings.workers > 1:
        return several(settings, told.report)
    one(settings, told)
    return 0


@click.command(hidden=True)
def serve_worker() -> None:
    """One worker; what it shall do stands on its standard input."""
    from gateway.serve import serve_worker as serve_as_worker

    with open(STDIN, "rb", buffering=0, closefd=False) as stream:
        spec = read_spec(stream)
    with _outlets(spec.settings) as told:
        told.report.bind(worker=spec.index)
        serve_as_worker(spec, told)


@contextmanager
def _outlets(settings: ServeSettings) -> Iterator[Outlets]:
    clock = SystemClock()
    with Printer(sys.stdout, sys.stderr, lost=lost(settings.log_format, clock)) as printer:
        yield outlets(settings.log_format, printer.out, printer.err, clock)
