from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli_words import BROKEN, NO_API, PROBLEMS, TEMPLATE
from gateway.cli.main import status_of


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
        elsewhere = str(Path(__file__).parent.parent / "e2e" / "applications" / "elsewhere" / "template.yaml")
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
