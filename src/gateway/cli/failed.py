"""``wsfleet failed``: the ``$disconnect`` calls that nobody took."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from gateway import fleet_actions, fleet_queries
from gateway.cli.fleet import FLEET, JSON, now_ms, with_table
from gateway.cli.list_first import ListFirst
from gateway.cli.telling import FAILURE, tell
from gateway.fleet_actions import Chosen
from gateway.fleet_table import FleetTable
from gateway.model.parked import ParkedDisconnect
from gateway.reaper import Estates
from gateway.report.fleet import parked_document, parked_table
from gateway.settings import ServeSettings


@click.group(cls=ListFirst, short_help="List, replay or discard $disconnect calls that failed.")
def failed() -> None:
    """$disconnect calls of dead nodes that failed reap_attempts times and wait for you. Without a command: list."""


@failed.command("list")
@FLEET
@JSON
def list_(config: Path | None, as_json: bool, **flags: Any) -> None:
    """List them, by connection ID. --json prints one object per line."""
    found = with_table(config, flags, _parked)
    if as_json:
        for each in found:
            click.echo(json.dumps(parked_document(each)))
    else:
        click.echo("\n".join(parked_table(found)))


@failed.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="All that there are.")
@FLEET
def replay(config: Path | None, ids: tuple[str, ...], everything: bool, **flags: Any) -> None:
    """Have the calls made again, by a node of the fleet and with the same request IDs.

    Exit status 1: nothing is parked of one of the IDs.
    """
    if bool(ids) == everything:
        raise click.UsageError("Name connection IDs, or --all.")
    work = partial(_replay, wanted=None if everything else ids)
    _tell(with_table(config, flags, work), "given back to the fleet")


@failed.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@FLEET
def discard(config: Path | None, ids: tuple[str, ...], **flags: Any) -> None:
    """Give calls up: no handler will ever hear of these.

    Exit status 1: nothing is parked of one of the IDs.
    """
    _tell(with_table(config, flags, partial(_discard, wanted=ids)), "discarded")


def _tell(chosen: Chosen, what: str) -> None:
    click.echo(f"{len(chosen.parked)} {what}")
    for each in chosen.unknown:
        tell(f"error: nothing is parked of connection {each}")
    if chosen.unknown:
        raise click.exceptions.Exit(FAILURE)


async def _parked(table: FleetTable, settings: ServeSettings) -> tuple[ParkedDisconnect, ...]:
    del settings
    return await fleet_queries.parked(table.parked)


async def _replay(table: FleetTable, settings: ServeSettings, wanted: Sequence[str] | None) -> Chosen:
    chosen = fleet_actions.choose(await fleet_queries.parked(table.parked), wanted)
    if chosen.parked:
        estates = Estates(table.members, table.registry, table.parked)
        await fleet_actions.replay(estates, chosen.parked, settings.lease_ms, now_ms())
    return chosen


async def _discard(table: FleetTable, settings: ServeSettings, wanted: Sequence[str]) -> Chosen:
    del settings
    chosen = fleet_actions.choose(await fleet_queries.parked(table.parked), wanted)
    await fleet_actions.discard(table.parked, chosen.parked)
    return chosen
