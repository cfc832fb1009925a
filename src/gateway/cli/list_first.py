"""A group of commands that lists when nothing else is said."""

from __future__ import annotations

import click


class ListFirst(click.Group):
    """``group`` and ``group --option`` are ``group list`` and ``group list --option``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        if (first.startswith("-") and first not in ctx.help_option_names) or not args:
            args = ["list", *args]
        return super().parse_args(ctx, args)
