from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from gateway.cli.main import cli, status_of
from gateway.cli.run import run
from gateway.model.errors import DefinitionError, RegistryUnavailable, SettingsError, UserError
from gateway.model.problem import Problem
from gateway.version import version

PROJECT = Path(__file__).parent.parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")


class TestHelp:
    @pytest.mark.parametrize("args", [[], ["--help"], ["-h"]])
    def test_of_the_program(self, args: list[str]) -> None:
        shown = CliRunner().invoke(cli, args)
        assert shown.exit_code == 0
        assert "run" in shown.output
        assert "validate" in shown.output

    @pytest.mark.parametrize("command", ["run", "validate"])
    @pytest.mark.parametrize("option", ["-h", "--help"])
    def test_of_a_command(self, command: str, option: str) -> None:
        shown = CliRunner().invoke(cli, [command, option])
        assert shown.exit_code == 0
        assert shown.output.startswith(f"Usage: cli {command} [OPTIONS] [TEMPLATE]")

    def test_the_version(self) -> None:
        shown = CliRunner().invoke(cli, ["--version"])
        assert (shown.exit_code, shown.output) == (0, f"wsfleet, version {version()}\n")

    def test_the_readme_names_every_option_of_run(self) -> None:
        table = README.partition("| `wsfleet run [TEMPLATE]` |")[2].partition("\n\n")[0]
        for param in run.params:
            for name in (*param.opts, *param.secondary_opts) if isinstance(param, click.Option) else ():
                assert f"`{name}" in table, name


class TestBadOptions:
    @pytest.mark.parametrize(
        ("args", "said"),
        [
            (["run", "--prot", "1"], "--prot"),
            (["run", "-x"], "-x"),
            (["frobnicate"], "frobnicate"),
            (["run", "a.yaml", "b.yaml"], "b.yaml"),
            (["run", "--port"], "--port"),
            (["run", "--port", "http"], "http"),
            (["run", "--port", "65536"], "65536"),
            (["run", "--tls-port", "-1"], "-1"),
            (["run", "--port", "9000", "--tls-port", "9000"], "--port and --tls-port cannot both be 9000"),
            (["run", "--host", " "], "0.0.0.0 is all of them"),
            (["run", "--region", "Frankfurt"], "'Frankfurt' is no AWS region"),
            (["run", "--region", ""], "'' is no AWS region"),
            (["run", "--endpoint-url", "localhost:4566"], "'localhost:4566' is no http:// or https:// URL"),
            (["run", "--endpoint-url", "http://"], "'http://' is no http:// or https:// URL"),
            (["run", "--endpoint-url", "http://x:y"], "'http://x:y' is no http:// or https:// URL"),
            (["run", "--endpoint-url", "http://[::1"], "is no http:// or https:// URL"),
            (["run", "--lambda-endpoint-url", "AWS"], "--lambda-endpoint-url: 'AWS' is no http:// or https:// URL"),
            (["run", "--ca-bundle", "nope.pem"], "'nope.pem' does not exist"),
            (["run", "--env-vars", "nope.json"], "'nope.json' does not exist"),
            (["run", "--env-vars", "."], "'.' is a directory"),
            (["run", "--ready-file", "nope/ready.json"], "nope is no folder"),
            (["run", "--ready-file", "."], "'.' is a directory"),
            (["validate", "--json=x"], "--json"),
        ],
    )
    def test_one_line_and_a_hint(self, args: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert status_of(args) == 2
        shown = capsys.readouterr()
        error, hint = shown.err.splitlines()
        assert shown.out == ""
        assert error.startswith("error: ")
        assert said in error
        assert hint.startswith("  hint: wsfleet ")
        assert "--help" in hint

    def test_a_setting_of_the_environment(
        self, template: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("WSFLEET_STATEDIR", "x")
        assert status_of(["run", str(template)]) == 2
        assert capsys.readouterr().err.startswith("error: WSFLEET_STATEDIR: no such setting\n  hint: there are ")

    def test_a_region_of_the_environment(
        self, template: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("AWS_REGION", "here")
        assert status_of(["validate", str(template)]) == 2
        assert "AWS_REGION: 'here' is no AWS region" in capsys.readouterr().err


def raising(error: BaseException) -> click.Command:
    def callback() -> None:
        raise error

    return click.Command("explode", callback=callback)


class TestWhatGoesWrong:
    @pytest.mark.parametrize(
        ("error", "status", "told"),
        [
            (UserError("port 80 is in use", "choose another"), 2, "error: port 80 is in use\n  hint: choose another\n"),
            (UserError("x\x1b[2J\n12:00:00 forged"), 2, "error: x\\x1b[2J\n  12:00:00 forged\n"),
            (
                DefinitionError([Problem("a", "t.yaml", 3, "F", "b")]),
                2,
                "error: t.yaml:3: F: a\n  hint: b\nnothing was started\n",
            ),
            (
                DefinitionError([Problem("a"), Problem("b")]),
                2,
                "error: a\nerror: b\n2 problems\nnothing was started\n",
            ),
            (SettingsError([Problem("a"), Problem("b")]), 2, "error: a\nerror: b\n2 problems\n"),
            (RegistryUnavailable("DynamoDB is gone"), 1, "error: DynamoDB is gone\n"),
            (click.Abort(), 130, ""),
        ],
    )
    def test_on_purpose(self, error: BaseException, status: int, told: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert status_of([], raising(error)) == status
        assert capsys.readouterr().err == told

    def test_ctrl_c_before_anything_is_served(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert status_of([], raising(KeyboardInterrupt())) == 130
        assert capsys.readouterr().err == "\n"

    @pytest.mark.parametrize("error", [KeyError("x"), ExceptionGroup("several", [KeyError("x")])])
    def test_unexpected(self, error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
        assert status_of([], raising(error)) == 1
        said, hint = capsys.readouterr().err.splitlines()
        assert said.startswith("internal error: KeyError: 'x'")
        assert hint == "  hint: WSFLEET_DEBUG=1 shows the traceback; please report it"

    def test_unexpected_with_its_traceback(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WSFLEET_DEBUG", "1")
        with pytest.raises(KeyError):
            status_of([], raising(KeyError("x")))

    @pytest.mark.parametrize("status", [0, 3])
    def test_a_status_of_its_own(self, status: int) -> None:
        assert status_of([], raising(click.exceptions.Exit(status))) == status


def process(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *args],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "src")},
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


class TestProcess:
    def test_its_status_is_the_shells(self) -> None:
        ended = process("validate", "nope.yaml", stdout=subprocess.PIPE)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr == "error: nope.yaml does not exist\n  hint: name a SAM or CloudFormation template\n"

    def test_a_reader_that_left_early_gets_no_traceback(self) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        try:
            ended = process("validate", "template.yaml", stdout=writing)
        finally:
            os.close(writing)
        assert (ended.returncode, ended.stderr) == (1, "")
