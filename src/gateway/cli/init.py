"""``wsfleet init``: the table of a fleet, and at an emulator what the template declares too."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from gateway.cli.fleet import JSON, Notices
from gateway.cli.parameters import OverridesCommand
from gateway.cli.setting_options import TABLE_SETTINGS, effective, settings_options
from gateway.cli.telling import FAILURE, tell
from gateway.control.disk import read_definition
from gateway.emulation.resources import Creation, ResourceCreator
from gateway.fleet_table import make_table, open_table, operators_endpoint
from gateway.model.definition import Definition
from gateway.settings import Effective, Origin, ServeSettings
from gateway.station import agree_on_stack, load_options

_OF_TEMPLATE: Final = ("api", "only_api", "stage", "parameter_overrides", "account_id", "lambda_endpoint_url")


@dataclass(frozen=True, slots=True)
class Made:
    """``creation`` None: nothing of a template was asked for."""

    table: str
    place: str
    created: bool
    creation: Creation | None


@click.command(cls=OverridesCommand, short_help="Create the table of a fleet.")
@settings_options((*TABLE_SETTINGS, *_OF_TEMPLATE))
@JSON
def init(config: Path | None, as_json: bool, **flags: Any) -> None:
    """Create the table of a fleet, and wait until it serves. What is there already stays as it is.

    With --api and an --endpoint-url, which is an emulator's then, the tables, queues and other resources that the
    template declares are created too; at AWS that is what a deployment does. --json prints one object.
    """
    found = effective(config, flags)
    definition = _definition(found)
    made = asyncio.run(_make(found.settings, definition))
    if as_json:
        click.echo(json.dumps(_document(made), indent=2))
    else:
        click.echo("\n".join(_lines(made)))
    if made.creation is not None and made.creation.failures:
        for problem in made.creation.failures:
            tell(f"error: {problem}")
        raise click.exceptions.Exit(FAILURE)


def _definition(found: Effective) -> Definition | None:
    """The template whose resources are wanted: one that was named, not one that merely lies here."""
    settings = found.settings
    if settings.api is None or found.sources["api"].origin is Origin.DEFAULT:
        return None
    if settings.endpoint_url is None:
        tell(
            "warning: without --endpoint-url only the table is created; a deployment creates what the template declares"
        )
        return None
    definition = read_definition(settings.template, load_options(settings))
    for warning in definition.warnings:
        tell(f"warning: {warning}")
    return definition


async def _make(settings: ServeSettings, definition: Definition | None) -> Made:
    aws = operators_endpoint(settings)
    created = await make_table(settings, aws, Notices())
    creation = None
    if definition is not None:
        async with AsyncExitStack() as stack:
            table = await open_table(stack, settings, aws, Notices())
            settings = await agree_on_stack(table.members, settings)
        definition = read_definition(settings.template, load_options(settings))
        creator = ResourceCreator(aws)
        try:
            creation = await creator.create(definition.resources)
        finally:
            await creator.close()
    return Made(settings.table, aws.place, created, creation)


def _lines(made: Made) -> list[str]:
    lines = [f"table {made.table} at {made.place}: {'created' if made.created else 'was there'}"]
    if made.creation is not None:
        lines += [f"{each['logical_id']} ({each['type']}): {each['outcome']}" for each in _resources(made.creation)]
        lines += [f"note: {note}" for note in made.creation.notes]
    return lines


def _document(made: Made) -> dict[str, Any]:
    return {
        "table": made.table,
        "place": made.place,
        "created": made.created,
        "resources": [] if made.creation is None else _resources(made.creation),
        "notes": [] if made.creation is None else [str(note) for note in made.creation.notes],
        "failures": [] if made.creation is None else [str(failure) for failure in made.creation.failures],
    }


def _resources(creation: Creation) -> list[dict[str, str]]:
    outcomes = ((creation.created, "created"), (creation.existing, "was there"), (creation.unknown, "is not made here"))
    return [
        {"logical_id": each.logical_id, "type": each.type, "outcome": outcome}
        for resources, outcome in outcomes
        for each in resources
    ]
