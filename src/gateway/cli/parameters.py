"""``--parameter-overrides`` with any number of K=V words after it, as `sam` takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import click

from gateway.settings.pairs import pairs_of

OVERRIDES: Final = "--parameter-overrides"


class OverridesCommand(click.Command):
    """Lets ``--parameter-overrides`` take any number of K=V words, as `sam` does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(_repeated(args)))


def _repeated(args: Iterable[str]) -> Iterator[str]:
    """The option once before each of its words; its first word is its own in any case."""
    words = 0  # that the option has been given; None: not inside it
    inside = False
    for arg in args:
        if arg == OVERRIDES:
            inside, words = True, 0
            yield arg
        elif inside and not arg.startswith("-") and (words == 0 or "=" in arg):
            yield from [OVERRIDES] if words else []
            yield arg
            words += 1
        else:
            inside, words = arg.startswith(f"{OVERRIDES}="), 1
            yield arg


def _overrides(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """``K=V``, several in one word as `sam` allows, or ``ParameterKey=K,ParameterValue=V``; the last one wins."""
    del ctx, param
    try:
        return dict(pair for word in values for pair in pairs_of(word))
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint=OVERRIDES) from error


PARAMETERS = click.option(
    OVERRIDES, "parameters", multiple=True, metavar="K=V …", callback=_overrides, help="Template parameters."
)
