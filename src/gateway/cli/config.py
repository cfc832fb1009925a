"""``wsfleet config``: what holds, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from gateway.cli.parameters import OverridesCommand
from gateway.cli.setting_options import effective, settings_options
from gateway.report.columns import columns
from gateway.settings import Effective
from gateway.settings.known import SETTINGS
from gateway.settings.page import markdown_table
from gateway.settings.setting import Setting, shown


@click.command(cls=OverridesCommand, short_help="Show the settings of serve, and where each comes from.")
@settings_options()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--markdown", is_flag=True, help="Print the table of docs/settings.md instead.")
def config(config: Path | None, as_json: bool, markdown: bool, **flags: Any) -> None:
    """Show every setting that `wsfleet serve` would use with the same flags: value, unit, default and source."""
    if markdown:
        click.echo(markdown_table(), nl=False)
        return
    found = effective(config, flags)
    if as_json:
        click.echo(json.dumps({"settings": [_document(found, each) for each in SETTINGS]}, indent=2))
        return
    rows = [("SETTING", "VALUE", "UNIT", "DEFAULT", "SOURCE"), *(_row(found, each) for each in SETTINGS)]
    click.echo("\n".join(columns(rows)))


def _row(found: Effective, each: Setting) -> tuple[str, ...]:
    source = found.sources[each.name]
    value = shown(each.written(getattr(found.settings, each.name)))
    where = f"{source.origin.value} ({source.place})" if source.place else source.origin.value
    return each.name, value, each.about.unit or "-", each.shown_default, where


def _document(found: Effective, each: Setting) -> dict[str, Any]:
    source = found.sources[each.name]
    return {
        "name": each.name,
        "value": each.written(getattr(found.settings, each.name)),
        "unit": each.about.unit or None,
        "default": each.default,
        "source": source.origin.value,
        "place": source.place or None,
        "doc": each.about.doc,
    }
