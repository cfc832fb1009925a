from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.control.disk import (
    MAX_STACK_NAME,
    MAX_TEMPLATE_BYTES,
    code_paths,
    missing_code,
    read_definition,
    stack_name,
)
from gateway.model.definition import Definition
from gateway.model.errors import DefinitionError, UserError
from gateway.model.function import Archive, Code, Folder, Function, Inline, Layer
from gateway.model.ids import FunctionName
from gateway.template.options import LoadOptions
from sample_definitions import api, definition, route

OPTIONS = LoadOptions("chat", "us-east-1")
TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      StageName: dev
      Routes:
        $default:
          FunctionArn: !GetAtt F.Arn
  F:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.13, Handler: a.b, InlineCode: "def b(event, context): pass"}
"""


def complaint(path: Path) -> UserError:
    with pytest.raises(UserError) as raised:
        read_definition(path, OPTIONS)
    return raised.value


def function(name: str, code: Code, *layers: Layer) -> Function:
    return Function(name, FunctionName(f"chat-{name}"), f"arn:{name}", "python3.13", "a.b", code, layers=layers)


def of(*functions: Function, path: str = "template.yaml") -> Definition:
    made = definition(api(route("a")))
    return replace(made, path=path, functions={each.function_name: each for each in functions})


@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["plain", "with a byte order mark"])
def test_a_template(tmp_path: Path, start: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(start + TEMPLATE, encoding="utf-8")
    found = read_definition(path, OPTIONS)
    assert found.path == str(path)
    assert list(found.apis[0].routes) == ["$default"]


def test_its_problems_name_the_file_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "t.yaml").write_text("Resources: [", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DefinitionError) as raised:
        read_definition(Path("app/t.yaml"), OPTIONS)
    assert raised.value.problems[0].file == "app/t.yaml"


def test_a_missing_file(tmp_path: Path) -> None:
    told = complaint(tmp_path / "nope.yaml")
    assert told.message == f"{tmp_path}/nope.yaml does not exist"
    assert told.hint == "name a SAM or CloudFormation template"


def test_a_link_to_nowhere(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").symlink_to(tmp_path / "gone.yaml")
    assert complaint(tmp_path / "t.yaml").message.endswith("t.yaml does not exist")


def test_a_folder(tmp_path: Path) -> None:
    told = complaint(tmp_path)
    assert (told.message, told.hint) == (f"{tmp_path} is a folder", "name the template file in it")


@pytest.mark.parametrize("content", [b"\xff\xfeR\x00", b"caf\xe9", b"PK\x03\x04\x80"])
def test_something_that_is_not_utf_8(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes(content)
    assert complaint(path).message == f"{path} is not UTF-8 text"


def test_something_far_too_large(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with path.open("wb") as file:
        file.truncate(MAX_TEMPLATE_BYTES + 1)
    assert complaint(path).message == f"{path} is larger than 8 MiB"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no endless file here")
def test_something_endless() -> None:
    assert complaint(Path("/dev/zero")).message == "/dev/zero is larger than 8 MiB"


def test_a_loop_of_links(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.symlink_to(path)
    assert complaint(path).message.startswith(f"{path} cannot be read: ")


def test_a_file_taken_for_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert complaint(tmp_path / "file" / "t.yaml").message.endswith("t.yaml cannot be read: Not a directory")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_of_somebody_else(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.touch(mode=0o000)
    assert complaint(path).message == f"{path} cannot be read: Permission denied"


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("chat", "chat"),
        ("My_App v2", "My-App-v2"),
        ("2048", "stack-2048"),
        ("-x-", "x"),
        ("чат", "stack"),
        ("chat/.aws-sam/build", "chat"),
        ("chat/build", "build"),
        ("x" * 200, "x" * MAX_STACK_NAME),
        ("x" * (MAX_STACK_NAME - 1) + "-y", "x" * (MAX_STACK_NAME - 1)),
    ],
)
def test_the_stack_is_named_after_the_folder(tmp_path: Path, folder: str, name: str) -> None:
    assert stack_name(tmp_path / folder / "template.yaml") == name


def test_a_template_at_the_root_has_a_stack_too() -> None:
    assert stack_name(Path("/template.yaml")) == "stack"


def test_a_relative_path_is_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chat").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "chat")
    monkeypatch.chdir(tmp_path / "link")
    assert stack_name(Path("template.yaml")) == "chat"


def test_the_paths_of_code() -> None:
    shared = Layer("Shared", Folder("/app/layer"))
    found = of(
        function("A", Folder("/app/src"), shared),
        function("B", Archive("/app/b.zip"), shared),
        function("C", Inline("x = 1"), Layer("Zipped", Archive("/app/l.zip"))),
    )
    assert code_paths(found) == set(map(Path, ("/app/src", "/app/layer", "/app/b.zip", "/app/l.zip")))


def test_code_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    missing, layer = Folder(str(tmp_path / "dist")), Layer("Shared", Archive(str(tmp_path / "l.zip")))
    found = of(function("A", Folder(str(tmp_path / "src")), layer), function("B", missing, layer))
    assert [str(problem) for problem in missing_code(found)] == [
        f"template.yaml: Shared: its code {tmp_path}/l.zip does not exist\n"
        "  hint: build it first, with sam build for example, or correct the path",
        f"template.yaml: B: its code {tmp_path}/dist does not exist\n"
        "  hint: build it first, with sam build for example, or correct the path",
    ]


def test_code_that_a_build_has_removed() -> None:
    found = of(function("A", Folder("/nope/A")), path="/nope/.aws-sam/build/template.yaml")
    assert [problem.hint for problem in missing_code(found)] == ["run sam build again"]
