from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import hypothesis
import pytest
from click.testing import CliRunner
from hypothesis import strategies as st

from gateway.cli import cli, run, run_settings, status_of, validate
from gateway.model.errors import DefinitionError, RegistryUnavailable, UserError
from gateway.model.problem import Problem
from gateway.settings import AWS_ITSELF, RunSettings
from gateway.version import VERSION

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")
TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  A: {Type: String, Default: dev}
  B: {Type: String, Default: x}
Resources:
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      StageName: !Ref A
      Routes:
        $default: {FunctionArn: !GetAtt F.Arn}
  F:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.13, Handler: a.b, InlineCode: "def b(event, context): pass"}
"""
BROKEN = "Resources: [\n"
NO_API = "Resources:\n  T:\n    Type: AWS::SQS::Queue\n"
PROBLEMS = TEMPLATE.replace("python3.13", "cobol85").replace("!Ref A", "!Ref Nothing")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's own settings."""
    for name in os.environ:
        if name.startswith(("AWS_", "WSFLEET_")):
            monkeypatch.delenv(name)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE, encoding="utf-8")
    return path


def given(command: click.Command, *args: str | Path) -> dict[str, Any]:
    """What click makes of these words after ``wsfleet COMMAND``."""
    with cli.make_context("wsfleet", []) as parent:
        return command.make_context(command.name, [str(arg) for arg in args], parent=parent).params


def parsed(*args: str | Path) -> RunSettings:
    """What ``wsfleet run`` would do with these words."""
    options = given(run, *args)
    return run_settings(options.pop("template"), options.pop("parameters"), options)


def parameters(*args: str) -> dict[str, str]:
    found = given(validate, *args)["parameters"]
    assert isinstance(found, dict)
    return found


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
        assert (shown.exit_code, shown.output) == (0, f"wsfleet, version {VERSION}\n")

    def test_the_readme_names_every_option_of_run(self) -> None:
        table = README.partition("| `wsfleet run [TEMPLATE]` |")[2].partition("\n\n")[0]
        for param in run.params:
            for name in (*param.opts, *param.secondary_opts) if isinstance(param, click.Option) else ():
                assert f"`{name}" in table, name


class TestRun:
    def test_defaults(self, template: Path) -> None:
        found = parsed(template)
        assert found == RunSettings(template, found.directories)
        assert (found.host, found.port, found.tls_port) == ("localhost", 8080, 8443)
        assert (found.region, found.watch) == ("us-east-1", True)

    def test_everything_given(self, template: Path, tmp_path: Path) -> None:
        variables, ready, roots = tmp_path / "vars.json", tmp_path / "ready.json", tmp_path / "ca.pem"
        variables.touch()
        roots.touch()
        found = parsed(
            template, "--stage", "blue", "--api", "Chat", "--parameter-overrides", "A=1", "--region", "eu-west-1",
            "--host", "0.0.0.0", "--port", "0", "--tls-port", "0", "--endpoint-url", "http://localhost:4566/",
            "--lambda-endpoint-url", "http://localhost:3001/", "--ca-bundle", roots,
            "--env-vars", variables, "--no-watch", "--ready-file", ready, "--log-dir", "logs",
        )  # fmt: skip
        assert found == RunSettings(
            template,
            found.directories,
            stage="blue",
            api="Chat",
            parameters={"A": "1"},
            region="eu-west-1",
            host="0.0.0.0",
            port=0,
            tls_port=0,
            endpoint_url="http://localhost:4566",
            lambda_endpoint_url="http://localhost:3001",
            ca_bundle=roots,
            env_vars=variables,
            watch=False,
            ready_file=ready,
            log_dir=Path("logs"),
        )

    def test_functions_at_aws(self, template: Path) -> None:
        assert parsed(template, "--lambda-endpoint-url", "aws").lambda_endpoint_url == AWS_ITSELF

    @pytest.mark.parametrize("name", ["template.yaml", "template.yml", "template.json"])
    def test_the_template_of_this_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        (tmp_path / name).touch()
        monkeypatch.chdir(tmp_path)
        assert parsed().template == Path(name)

    def test_the_environment(self, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_REGION", "eu-north-1")
        monkeypatch.setenv("WSFLEET_STATE_DIR", str(tmp_path / "s"))
        found = parsed(template)
        assert found.region == "eu-north-1"
        assert found.directories.state == tmp_path / "s"


class TestParameterOverrides:
    @pytest.mark.parametrize(
        "args",
        [
            ("--parameter-overrides", "A=1", "B=2", "t.yaml"),
            ("t.yaml", "--parameter-overrides", "A=1", "B=2"),
            ("t.yaml", "--parameter-overrides", "A=1", "B=2", "--stage", "x"),
            ("t.yaml", "--parameter-overrides", "A=1", "--parameter-overrides", "B=2"),
            ("t.yaml", "--parameter-overrides=A=1", "B=2"),
            ("t.yaml", "--parameter-overrides", "A=1 B=2"),
            ("t.yaml", "--parameter-overrides", ' A=1\n  B="2" '),
            ("t.yaml", "--parameter-overrides", "ParameterKey=A,ParameterValue=1", "ParameterKey=B,ParameterValue=2"),
            ("t.yaml", "--parameter-overrides", "ParameterKey=A,ParameterValue=1 ParameterKey=B,ParameterValue=2"),
            ("t.yaml", "--parameter-overrides", "A=0", "B=2", "A=1"),
            ("--parameter-overrides", "A=1", "B=2", "--", "t.yaml"),
        ],
    )
    def test_every_way_of_two(self, args: tuple[str, ...]) -> None:
        assert parameters(*args) == {"A": "1", "B": "2"}
        assert given(validate, *args)["template"] == Path("t.yaml")

    @pytest.mark.parametrize(
        ("word", "value"),
        [
            ("A=", ""),
            ("A=a,b,c", "a,b,c"),
            ("A=hello world", "hello world"),
            ('A="hello world"', "hello world"),
            (r'A="say \"hi\" \\ twice"', r'say "hi" \ twice'),
            ('A={"k": "v"}', '{"k": "v"}'),
            ("A=it's", "it's"),
            ('A="', '"'),
            ("A=k=v", "k=v"),
            ("A=https://x/?q=1&r=2", "https://x/?q=1&r=2"),
            ("A=-1", "-1"),
            ("ParameterKey=A,ParameterValue=hello world", "hello world"),
            ('ParameterKey=A,ParameterValue="x y"', "x y"),
            ("ParameterKey=A,ParameterValue=", ""),
        ],
    )
    def test_values(self, word: str, value: str) -> None:
        assert parameters("--parameter-overrides", word) == {"A": value}

    @pytest.mark.parametrize("word", ["A", "=1", "", " ", "A B=1", "A-B=1", "/x=1"])
    def test_what_is_not_a_pair(self, word: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert status_of(["validate", "--parameter-overrides", word]) == 2
        assert f"{word!r} is not K=V" in capsys.readouterr().err

    def test_none_at_all(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert status_of(["validate", "t.yaml", "--parameter-overrides"]) == 2
        assert "--parameter-overrides" in capsys.readouterr().err

    @hypothesis.given(st.lists(st.text(min_size=1), max_size=5))
    def test_any_words_end_in_values_or_a_clear_complaint(self, words: list[str]) -> None:
        try:
            found = parameters("--parameter-overrides", *words)
        except click.UsageError:
            return
        assert all(name and isinstance(value, str) for name, value in found.items())

    @hypothesis.given(st.dictionaries(st.from_regex(r"[A-Za-z0-9]{1,8}", fullmatch=True), st.text(), max_size=4))
    def test_quoted_values_are_read_back(self, wanted: dict[str, str]) -> None:
        escaped = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in wanted.items()}
        word = " ".join(f'{name}="{value}"' for name, value in escaped.items())
        assert not wanted or parameters("--parameter-overrides", word) == wanted


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


class TestValidate:
    def test_a_good_template(self, template: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert status_of(["validate", str(template)]) == 0
        shown = capsys.readouterr()
        assert shown.err == ""
        assert shown.out.startswith(f"{template}: 1 API, 1 function, 0 resources\n\nChat (")
        assert "  $default  " in shown.out

    def test_options_reach_it(self, template: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert status_of(["validate", "--parameter-overrides", "A=blue", "B=y", str(template), "--api", "Chat"]) == 0
        assert "stage blue" in capsys.readouterr().out
        assert status_of(["validate", str(template), "--parameter-overrides", "A=1", "B=2", "--stage", "x"]) == 0
        assert "stages x, 1" in capsys.readouterr().out

    def test_functions_elsewhere(self, capsys: pytest.CaptureFixture[str]) -> None:
        elsewhere = str(Path(__file__).parent / "e2e" / "applications" / "elsewhere" / "template.yaml")
        args = ["validate", elsewhere, "--parameter-overrides", "Upstream=http://localhost:3000"]
        assert status_of(args) == 2
        assert "function 'far' is not in this template" in capsys.readouterr().err
        assert status_of([*args, "--lambda-endpoint-url", "aws"]) == 0
        assert "  remote " in capsys.readouterr().out

    @pytest.mark.parametrize("command", ["validate", "run"])
    @pytest.mark.parametrize(
        ("content", "said"),
        [(BROKEN, ":2: the YAML is broken"), (NO_API, "WebSocket API"), ("", "the file is empty")],
    )
    def test_problems(
        self, template: Path, command: str, content: str, said: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        template.write_text(content, encoding="utf-8")
        assert status_of([command, str(template)]) == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        told = shown.err.splitlines()
        assert [line for line in told if line.startswith("error: ")] == [told[0]]
        assert told[0].startswith(f"error: {template}")
        assert said in told[0]
        assert told[1].startswith("  hint: ")
        assert told[2:] == (["nothing was started"] if command == "run" else [])

    def test_several_problems_are_counted(self, template: Path, capsys: pytest.CaptureFixture[str]) -> None:
        template.write_text(PROBLEMS, encoding="utf-8")
        assert status_of(["validate", str(template)]) == 2
        told = capsys.readouterr().err.splitlines()
        errors = [line for line in told if line.startswith("error: ")]
        assert len(errors) > 1
        assert told[-1] == f"{len(errors)} problems"

    @pytest.mark.parametrize("command", ["validate", "run"])
    def test_a_missing_file(self, command: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert status_of([command, "nope.yaml"]) == 2
        error, hint = capsys.readouterr().err.splitlines()
        assert error == "error: nope.yaml does not exist"
        assert hint == "  hint: name a SAM or CloudFormation template"

    @pytest.mark.parametrize("command", ["validate", "run"])
    def test_no_template_here(
        self, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert status_of([command]) == 2
        assert capsys.readouterr().err.startswith("error: no template.yaml here\n  hint: name a ")

    def test_warnings_stop_nothing(self, template: Path, capsys: pytest.CaptureFixture[str]) -> None:
        template.write_text(TEMPLATE.replace('InlineCode: "def b(event, context): pass"', "CodeUri: dist"))
        assert status_of(["validate", str(template)]) == 0
        shown = capsys.readouterr()
        assert shown.out.startswith(f"{template}: 1 API")
        assert shown.err.startswith(f"warning: {template}: F: its code ")

    def test_json_of_a_good_template(self, template: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert status_of(["validate", "--json", str(template)]) == 0
        found = json.loads(capsys.readouterr().out)
        assert [each["route_key"] for each in found["apis"][0]["routes"]] == ["$default"]
        assert found["problems"] == []

    def test_json_of_problems(self, template: Path, capsys: pytest.CaptureFixture[str]) -> None:
        template.write_text(PROBLEMS, encoding="utf-8")
        assert status_of(["validate", "--json", str(template)]) == 2
        shown = capsys.readouterr()
        assert shown.err == ""
        problems = json.loads(shown.out)["problems"]
        assert any("cobol85" in each["message"] for each in problems)
        assert {each["file"] for each in problems} == {str(template)}

    def test_json_of_a_missing_file(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert status_of(["validate", "--json", "nope.yaml"]) == 2
        (problem,) = json.loads(capsys.readouterr().out)["problems"]
        assert (problem["message"], problem["file"]) == ("nope.yaml does not exist", None)


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
