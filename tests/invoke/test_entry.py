from __future__ import annotations

from pathlib import Path

import pytest

from functions_of_laptop import function
from gateway.invoke.code import CodeFolders
from gateway.invoke.entry import bootstrap_of, check_handler, module_path
from gateway.invoke.launch import LaunchError
from gateway.invoke.runtimes import Family, runtime_of


@pytest.mark.parametrize(
    ("handler", "family", "path"),
    [
        ("app.handler", Family.PYTHON, "app"),
        ("pkg.mod.handler", Family.PYTHON, "pkg/mod"),
        ("pkg/mod.handler", Family.PYTHON, "pkg/mod"),
        ("app", Family.PYTHON, ""),
        ("index.handler", Family.NODE, "index"),
        ("src/a/index.handler", Family.NODE, "src/a/index"),
        ("src/index.deep.handler", Family.NODE, "src/index"),
        ("/opt/nodejs/x.handler", Family.NODE, "/opt/nodejs/x"),
        ("index", Family.NODE, ""),
        ("src/index", Family.NODE, ""),
    ],
)
def test_modules_of_handlers(handler: str, family: Family, path: str) -> None:
    assert module_path(handler, family) == path


@pytest.mark.parametrize(
    ("runtime", "handler", "file"),
    [
        ("python3.12", "app.handler", "app.py"),
        ("python3.12", "pkg.app.handler", "pkg/app.py"),
        ("python3.12", "pkg.handler", "pkg/__init__.py"),
        ("python3.12", "app.handler", "app.cpython-312-x86_64-linux-gnu.so"),
        ("nodejs22.x", "index.handler", "index.js"),
        ("nodejs22.x", "src/index.handler", "src/index.mjs"),
        ("nodejs22.x", "index.handler", "index.cjs"),
    ],
)
def test_handlers_that_are_there_pass(tmp_path: Path, runtime: str, handler: str, file: str) -> None:
    made = function(runtime=runtime, handler=handler)
    with pytest.raises(LaunchError, match="not found in"):
        check_handler(made, runtime_of(made), [tmp_path, tmp_path / "layer"])
    for folder in (tmp_path, tmp_path / "layer"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("")
        check_handler(made, runtime_of(made), [tmp_path, tmp_path / "layer"])
        (folder / file).unlink()
        for parent in (folder / file).relative_to(folder).parents:
            if parent.parts:
                (folder / parent).rmdir()


@pytest.mark.parametrize("handler", ["app", "", "/opt/python/x.handler"])
def test_what_only_the_runtime_client_can_judge_passes(tmp_path: Path, handler: str) -> None:
    made = function(handler=handler)
    check_handler(made, runtime_of(made), [tmp_path])


@pytest.mark.parametrize(
    ("runtime", "handler", "present", "message", "hint"),
    [
        ("python3.12", "app.handler", "other.py", "its handler app.handler needs app.py, not found in", "sam build"),
        ("nodejs22.x", "app.handler", "x.js", "needs app.js (or .mjs, .cjs), not found in", "check Handler"),
        ("nodejs22.x", "app.handler", "app.ts", "needs app.js (or .mjs, .cjs), not found in", "TypeScript"),
    ],
)
def test_missing_handlers_are_named(
    tmp_path: Path, runtime: str, handler: str, present: str, message: str, hint: str
) -> None:
    (tmp_path / present).write_text("")
    made = function(runtime=runtime, handler=handler)
    with pytest.raises(LaunchError) as caught:
        check_handler(made, runtime_of(made), [tmp_path])
    assert caught.value.message.startswith("function Chat: ")
    assert message in caught.value.message and str(tmp_path) in caught.value.message
    assert hint in caught.value.hint


def test_bootstraps_come_from_the_code_then_from_layers(tmp_path: Path) -> None:
    folders = CodeFolders(tmp_path / "src", opt=tmp_path / "opt")
    made = function(runtime="provided.al2023", handler="x")
    with pytest.raises(LaunchError, match=r"function Chat: provided\.al2023 needs an executable .*src/bootstrap"):
        bootstrap_of(made, folders)
    for folder in (tmp_path / "opt", tmp_path / "src"):
        folder.mkdir()
        (folder / "bootstrap").write_text("#!/bin/sh\n")
        with pytest.raises(LaunchError, match=f"{folder}/bootstrap is not executable") as caught:
            bootstrap_of(made, folders)
        assert caught.value.hint == f"chmod +x {folder}/bootstrap"
        (folder / "bootstrap").chmod(0o755)
        assert bootstrap_of(made, folders) == str(folder / "bootstrap")
