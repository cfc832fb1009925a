from __future__ import annotations

from dataclasses import replace

import click
import pytest
from click.testing import CliRunner

from gateway.cli.config import config
from gateway.cli.setting_options import TABLE_SETTINGS, option, settings_options
from gateway.settings.known import SETTINGS

SWITCH = next(each for each in SETTINGS if each.name == "no_auth")


def flags_of(command: click.Command) -> list[str]:
    return [param.opts[0] for param in command.params if isinstance(param, click.Option)]


def test_every_setting_has_its_flag_in_order() -> None:
    assert flags_of(config)[: len(SETTINGS) + 1] == ["--config", *(each.flag for each in SETTINGS)]


def test_some_of_them_only() -> None:
    made = click.command(settings_options(TABLE_SETTINGS)(lambda **_: None))
    assert sorted(flags_of(made)) == ["--config", "--endpoint-url", "--region", "--table"]


def test_help_says_meaning_default_and_unit() -> None:
    shown = " ".join(CliRunner().invoke(config, ["--help"]).output.split())
    assert "--lease-seconds X How long a node that is not heard of counts as alive. [default: 10 s]" in shown
    assert "--port N For ws:// and http://; 0 takes a free one. [default: 8080]" in shown
    assert "--no-auth / --auth" in shown


@pytest.mark.parametrize(("name", "opposite"), [("no_auth", "--auth"), ("quiet", "--no-quiet")])
def test_a_switch_has_its_opposite(name: str, opposite: str) -> None:
    made = click.command(option(replace(SWITCH, name=name))(lambda **_: None))
    (param,) = made.params
    assert param.secondary_opts == [opposite]
