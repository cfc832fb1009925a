from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.checking import check, problems_document, summary_document, summary_lines
from gateway.model.definition import Definition
from gateway.model.errors import DefinitionError, UserError

PROJECT = Path(__file__).parent.parent
UNBUILT = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  StageName: {Type: String}
Resources:
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      StageName: !Ref StageName
      Routes:
        $connect: {FunctionArn: !GetAtt F.Arn}
  F:
    Type: AWS::Serverless::Function
    Properties: {Runtime: nodejs22.x, Handler: app.handler, CodeUri: dist/}
"""


def checked(template: Path, stage: str | None = None, **parameters: str) -> Definition:
    return check(template, parameters=parameters, region="eu-west-1", stage=stage, api=None)


@pytest.fixture
def unbuilt(tmp_path: Path) -> Path:
    path = tmp_path / "template.yaml"
    path.write_text(UNBUILT, encoding="utf-8")
    return path


def test_the_sample_has_nothing_to_complain_of() -> None:
    found = checked(PROJECT / "template.yaml")
    assert found.warnings == ()
    first, empty, *table = summary_lines(found)
    assert first == f"{PROJECT}/template.yaml: 1 API, 5 functions, 1 resource"
    assert (empty, table[0].split()[0]) == ("", "ChatApi")
    assert [line.split()[0] for line in table[2:]] == ["$connect", "$disconnect", "$default", "join", "send"]


def test_region_and_stage_are_the_ones_given() -> None:
    found = checked(PROJECT / "template.yaml", stage="blue")
    assert found.region == "eu-west-1"
    assert next(iter(found.apis[0].stages)) == "blue"


def test_code_that_has_to_be_built_is_told_before_anything_runs(unbuilt: Path) -> None:
    (warning,) = checked(unbuilt, StageName="dev").warnings
    assert (warning.logical_id, warning.message) == ("F", f"its code {unbuilt.parent}/dist does not exist")
    assert "sam build" in warning.hint


def test_a_missing_parameter_is_a_problem_with_its_cure(unbuilt: Path) -> None:
    with pytest.raises(DefinitionError) as raised:
        checked(unbuilt)
    problem = raised.value.problems[0]
    assert (problem.file, problem.line, problem.logical_id) == (str(unbuilt), 4, "StageName")
    assert "--parameter-overrides StageName=" in problem.hint


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        checked(tmp_path / "nope.yaml")


def test_the_document_of_a_good_template() -> None:
    found = json.loads(json.dumps(summary_document(checked(PROJECT / "template.yaml"))))
    assert sorted(found) == ["apis", "functions", "path", "problems", "resources", "warnings"]
    assert found["apis"][0]["routes"][0]["route_key"] == "$connect"
    assert len(found["functions"]) == 5
    assert found["resources"] == [{"logical_id": "ConnectionsTable", "type": "AWS::DynamoDB::Table"}]
    assert found["problems"] == []


def test_the_document_of_problems(unbuilt: Path) -> None:
    with pytest.raises(DefinitionError) as raised:
        checked(unbuilt)
    problems = json.loads(json.dumps(problems_document(raised.value.problems)))["problems"]
    assert len(problems) == len(raised.value.problems)
    assert sorted(problems[0]) == ["file", "hint", "line", "logical_id", "message"]
