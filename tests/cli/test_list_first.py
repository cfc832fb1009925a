from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from gateway.cli.list_first import ListFirst


@click.group(cls=ListFirst, context_settings={"help_option_names": ["-h", "--help"]})
def group() -> None:
    """The group's own help."""


@group.command("list")
@click.option("--limit", default=1)
def list_(limit: int) -> None:
    click.echo(f"listed {limit}")


@group.command()
@click.argument("name")
def show(name: str) -> None:
    click.echo(f"shown {name}")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "listed 1"),
        (["list"], "listed 1"),
        (["--limit", "2"], "listed 2"),
        (["list", "--limit", "2"], "listed 2"),
        (["show", "x"], "shown x"),
        (["--help"], "The group's own help."),
        (["-h"], "The group's own help."),
    ],
)
def test_it_lists_when_nothing_else_is_said(args: list[str], said: str) -> None:
    shown = CliRunner().invoke(group, args)
    assert shown.exit_code == 0
    assert said in shown.output


def test_another_word_is_no_command() -> None:
    assert CliRunner().invoke(group, ["frobnicate"]).exit_code == 2
