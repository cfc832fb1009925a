"""``wsfleet nodes`` and ``wsfleet drain``: who there is, and who shall leave."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from gateway import fleet_actions, fleet_queries
from gateway.cli.fleet import FLEET, JSON, duration, now_ms, with_table
from gateway.cli.telling import FAILURE, tell
from gateway.fleet_table import FleetTable
from gateway.model.ids import MAX_NODE_NUMBER, NodeNumber
from gateway.model.member import Member, MemberState
from gateway.ports import Members
from gateway.report.fleet import node_document, node_table
from gateway.settings import ServeSettings

LOOK_S: Final = 1.0  # between two looks at a node that drains
NODE: Final = click.IntRange(0, MAX_NODE_NUMBER)


@click.command(short_help="List the nodes of the fleet.")
@FLEET
@JSON
def nodes(config: Path | None, as_json: bool, **flags: Any) -> None:
    """List the nodes of the fleet, with those that are being reaped.

    CONNECTIONS is what a node counted at its last renewal of its lease. --json prints one object.
    """
    found = with_table(config, flags, _nodes)
    if as_json:
        click.echo(json.dumps({"nodes": [node_document(each) for each in found]}, indent=2))
    else:
        click.echo("\n".join(node_table(found, now_ms())))


@click.command(short_help="Let a node close its connections and leave.")
@click.argument("node", type=NODE)
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until it has left and all is reaped.")
@click.option(
    "--timeout",
    metavar="DURATION",
    default="15m",
    callback=duration,
    show_default=True,
    help="How long to wait, as in 5m.",
)
@FLEET
def drain(config: Path | None, node: int, wait: bool, timeout: int, **flags: Any) -> None:
    """Let NODE accept no more, close its connections over its drain_seconds, and leave.

    NODE is a number that `wsfleet nodes` shows. Exit status 1: there is no such node, it serves no more, or it was not
    gone in time.
    """
    work = partial(_drain, number=NodeNumber(node), wait_s=timeout if wait else None)
    if not with_table(config, flags, work):
        raise click.exceptions.Exit(FAILURE)


async def _nodes(table: FleetTable, settings: ServeSettings) -> tuple[Member, ...]:
    del settings
    return await fleet_queries.nodes(table.members)


async def _drain(table: FleetTable, settings: ServeSettings, number: NodeNumber, wait_s: float | None) -> bool:
    del settings
    return await drained(table.members, number, wait_s)


async def drained(members: Members, number: NodeNumber, wait_s: float | None, look_s: float = LOOK_S) -> bool:
    """Ask a node to leave, and tell how far it is for ``wait_s`` (None: do not wait); whether that went well."""
    if not await members.ask_drain(number):
        tell(f"error: there is no node {number} that serves\n  hint: wsfleet nodes lists them")
        return False
    click.echo(f"node {number} is asked to drain")
    if wait_s is None:
        return True
    try:
        async with asyncio.timeout(wait_s):
            async for each in fleet_actions.leaving(members, number, partial(asyncio.sleep, look_s)):
                click.echo(_progress(each))
    except TimeoutError:
        tell(
            f"error: node {number} is not gone after {wait_s:g} s\n  hint: it goes on draining; look with wsfleet nodes"
        )
        return False
    click.echo(f"node {number} is gone")
    return True


def _progress(member: Member) -> str:
    if member.state.serves:
        return f"node {member.number}: {member.connections} connections"
    if member.claimed_by is None:
        how = "has left" if member.state is MemberState.LEFT else "is dead"
        return f"node {member.number} {how}"
    return f"node {member.number}: node {member.claimed_by} has called {member.reaped} $disconnect for it"
