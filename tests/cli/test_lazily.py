from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from gateway.cli.main import MODULES, cli

PROJECT = Path(__file__).parent.parent.parent


def test_every_command_is_where_it_is_said_to_be() -> None:
    with cli.make_context("wsfleet", []) as ctx:
        assert cli.list_commands(ctx) == list(MODULES)
        for name in MODULES:
            found = cli.get_command(ctx, name)
            assert isinstance(found, click.Command)
            assert found.name == name
        assert cli.get_command(ctx, "main") is None


def test_a_command_does_without_what_it_does_not_need() -> None:
    program = (
        "import sys; from gateway.cli import status_of; status_of(['nodes', '--help']);"
        "sys.exit('samtranslator' in sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(PROJECT / "src")}, capture_output=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
