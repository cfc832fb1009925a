"""What the command line says of things that went wrong, and the exit status that goes with them."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import click

from gateway.model.errors import DefinitionError, SettingsError, UserError
from gateway.model.problem import Problem
from gateway.report.printable import indented

USER_ERROR: Final = 2
FAILURE: Final = 1
INTERRUPTED: Final = 130  # 128 and SIGINT, as shells count


def problems_of(error: UserError) -> tuple[Problem, ...]:
    """All that an error has to say; never empty."""
    if isinstance(error, DefinitionError | SettingsError):
        return error.problems
    return (Problem(error.message, hint=error.hint),)


def tell_problems(error: UserError) -> None:
    """On standard error, counted when there are several."""
    problems = problems_of(error)
    for problem in problems:
        tell(f"error: {problem}")
    if len(problems) > 1:
        tell(f"{len(problems)} problems")


def tell(text: str) -> None:
    """Further lines of ``text`` are shown indented."""
    with suppress(OSError):  # a closed pipe: nobody is watching any more
        click.echo(indented(text), err=True)
