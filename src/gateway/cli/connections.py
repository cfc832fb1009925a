"""``wsfleet connections``: listed, counted, shown one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from gateway import fleet_queries
from gateway.cli.fleet import FLEET, JSON, duration, now_ms, with_table
from gateway.cli.list_first import ListFirst
from gateway.cli.nodes import NODE
from gateway.cli.telling import FAILURE, tell
from gateway.fleet_queries import Counted, Cursor, Group, Wanted
from gateway.fleet_table import FleetTable
from gateway.model.connection import Connection
from gateway.model.errors import UserError
from gateway.model.ids import NodeNumber, claimed_owner
from gateway.report.fleet import connection_document, connection_lines, connection_table, count_table
from gateway.settings import ServeSettings

LIMIT: Final = click.option(
    "--limit", type=click.IntRange(min=0), default=100, show_default=True, help="At most so many; 0: all."
)
CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def _filters(command: CommandT) -> CommandT:
    """Options that choose connections, in the order of help."""
    for option in (
        click.option(
            "--older-than",
            metavar="DURATION",
            callback=duration,
            help="Only those open for longer, as in 5m.",
        ),
        click.option("--source", metavar="IP", help="Only those from this address."),
        click.option("--stage", metavar="NAME", help="Only those of this stage."),
        click.option("--node", type=NODE, metavar="N", help="Only those of this node."),
    ):
        command = option(command)
    return command


@click.group(cls=ListFirst, short_help="List, count or show connections.")
def connections() -> None:
    """Connections of the whole fleet, as they are recorded. Without a command: list.

    Every command reads the table, so do not run them in a loop: a listing of all reads every record once.
    """


@connections.command("list")
@_filters
@LIMIT
@click.option("--after", metavar="TOKEN", help="Go on where an earlier listing said it was left.")
@FLEET
@JSON
def list_(config: Path | None, limit: int, after: str | None, as_json: bool, **options: Any) -> None:
    """List connections, by node and then by ID. --json prints one object per line."""
    wanted = _wanted(options)
    cursor = None if after is None else _cursor(after)
    work = partial(_page, wanted=wanted, after=cursor, limit=limit)
    found = with_table(config, options, work)
    more = limit > 0 and len(found) > limit
    page = found[:limit] if more else found
    if as_json:
        for each in page:
            click.echo(json.dumps(connection_document(each)))
    else:
        click.echo("\n".join(connection_table(page, now_ms())))
    if more:
        tell(f"there are more: --after {Cursor(page[-1].owner, page[-1].connection_id)}")


@connections.command()
@_filters
@click.option("--by", type=click.Choice([each.value for each in Group]), help="One line for each of these.")
@LIMIT
@FLEET
@JSON
def count(config: Path | None, by: str | None, limit: int, as_json: bool, **options: Any) -> None:
    """Count connections. --json prints one object."""
    group, now = None if by is None else Group(by), now_ms()
    counted = with_table(config, options, partial(_count, wanted=_wanted(options), by=group, at_ms=now))
    shown = list(islice(counted.groups, limit or None))
    others = counted.total - sum(number for _, number in shown)
    if as_json:
        found = {"total": counted.total} | ({} if group is None else _groups(group, shown, others))
        click.echo(json.dumps(found, indent=2))
    elif by is None:
        click.echo(counted.total)
    else:
        click.echo("\n".join([*count_table(by, shown, others), f"{counted.total} in all"]))


@connections.command()
@click.argument("connection_id", metavar="ID")
@FLEET
@JSON
def show(config: Path | None, connection_id: str, as_json: bool, **flags: Any) -> None:
    """Show all that is recorded of one connection. Exit status 1: there is none. --json prints one object."""
    if claimed_owner(connection_id) is None:
        raise UserError(f"{connection_id} is no connection ID", "they have 20 characters and end in ==")
    found = with_table(config, flags, partial(_find, connection_id=connection_id))
    if found is None:
        tell(f"error: there is no connection {connection_id}")
        raise click.exceptions.Exit(FAILURE)
    if as_json:
        click.echo(json.dumps(connection_document(found), indent=2))
    else:
        click.echo("\n".join(connection_lines(found, now_ms())))


def _groups(by: Group, shown: list[tuple[str, int]], others: int) -> dict[str, Any]:
    groups = [{by.value: int(name) if by is Group.NODE else name, "count": number} for name, number in shown]
    return {"by": by.value, "groups": groups, "others": others}


def _wanted(options: dict[str, Any]) -> Wanted:
    """Takes its own options out of all of them."""
    node, older_s = options.pop("node"), options.pop("older_than")
    return Wanted(
        node=None if node is None else NodeNumber(node),
        stage=options.pop("stage"),
        source_ip=options.pop("source"),
        opened_before_ms=None if older_s is None else now_ms() - older_s * 1000,
    )


def _cursor(text: str) -> Cursor:
    try:
        return Cursor.read(text)
    except ValueError as error:
        raise UserError(f"--after: {error}", "take what the listing before said") from error


async def _page(
    table: FleetTable, settings: ServeSettings, wanted: Wanted, after: Cursor | None, limit: int
) -> list[Connection]:
    """One more than ``limit`` when there are more; 0 is no limit."""
    del settings
    found: list[Connection] = []
    async for each in fleet_queries.connections(table.members, table.registry, wanted, after):
        found.append(each)
        if limit and len(found) > limit:
            break
    return found


async def _count(table: FleetTable, settings: ServeSettings, wanted: Wanted, by: Group | None, at_ms: int) -> Counted:
    del settings
    return await fleet_queries.count(table.members, table.registry, wanted, by, at_ms)


async def _find(table: FleetTable, settings: ServeSettings, connection_id: str) -> Connection | None:
    del settings
    return await fleet_queries.find(table.registry, connection_id)
