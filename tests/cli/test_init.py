from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli.main import status_of
from tables import fresh_table

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Suffix: {Type: String, Default: x}
Resources:
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      StageName: dev
      Routes:
        $default: {FunctionArn: !GetAtt F.Arn}
  F:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.13, Handler: a.b, InlineCode: "def b(event, context): pass"}
  Jobs:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Sub "jobs-${Suffix}"}
  Odd:
    Type: AWS::Timestream::Database
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current one, with a template in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "template.yaml").write_text(TEMPLATE, encoding="utf-8")
    return tmp_path


def test_the_table_is_made_once(moto_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = fresh_table()
    args = ["init", "--table", table, "--endpoint-url", moto_url]
    assert status_of(args) == 0
    assert capsys.readouterr().out == f"table {table} at {moto_url}: created\n"
    assert status_of(args) == 0
    assert capsys.readouterr().out == f"table {table} at {moto_url}: was there\n"
    assert status_of([*args, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "table": table, "place": moto_url, "created": False, "resources": [], "notes": [], "failures": [],
    }  # fmt: skip


def test_what_a_named_template_declares_too(moto_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = fresh_table()
    args = ["init", "--table", table, "--endpoint-url", moto_url, "--api", "template.yaml"]
    assert status_of([*args, "--parameter-overrides", f"Suffix={table}"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [f"table {table} at {moto_url}: created", "Jobs (AWS::SQS::Queue): created"]
    assert shown.err.startswith("warning: template.yaml:") and "Odd" in shown.err
    assert status_of([*args, "--json", "--parameter-overrides", f"Suffix={table}"]) == 0
    found = {each["logical_id"]: each["outcome"] for each in json.loads(capsys.readouterr().out)["resources"]}
    assert found["Jobs"] == "was there"


def test_what_cannot_be_made_is_told(folder: Path, moto_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    broken = TEMPLATE.replace("jobs-${Suffix}", "not a name!")
    (folder / "broken.yaml").write_text(broken, encoding="utf-8")
    assert status_of(["init", "--table", fresh_table(), "--endpoint-url", moto_url, "--api", "broken.yaml"]) == 1
    assert "error: Jobs: AWS::SQS::Queue could not be created: " in capsys.readouterr().err


@pytest.mark.parametrize("args", [["--api", "nope.yaml"], ["--region", "here"]])
def test_what_makes_no_sense(args: list[str], moto_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["init", "--endpoint-url", moto_url, "--table", fresh_table(), *args]) == 2
    assert capsys.readouterr().err.startswith("error: ")
