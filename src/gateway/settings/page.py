"""The table of docs/settings.md, made from the settings themselves."""

from __future__ import annotations

from gateway.settings.known import SETTINGS
from gateway.settings.setting import Setting

_HEAD = ("setting", "default", "unit", "meaning")


def markdown_table() -> str:
    """One row for each setting, in the order of ``ServeSettings``; ends with a line break."""
    rows = [_HEAD, ("---",) * len(_HEAD), *map(_row, SETTINGS)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(each: Setting) -> tuple[str, ...]:
    about = each.about
    default = about.default or f"`{each.shown_default}`"
    also = f" Else from {', '.join(f'`{name}`' for name in about.also)}." if about.also else ""
    values = f" {_code(about.kind.metavar)}." if "|" in about.kind.metavar else ""
    return f"`{each.name}`", default, about.unit, about.doc + values + also


def _code(choices: str) -> str:
    return " or ".join(f"`{choice}`" for choice in choices.split("|"))
