"""The file a function starts with: looked for before anything is started, so that what is missing is said clearly."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from gateway.invoke.code import CodeFolders
from gateway.invoke.launch import LaunchError
from gateway.invoke.runtimes import Family, Runtime
from gateway.model.function import Function

_NODE_ENDINGS: Final = (".js", ".mjs", ".cjs", "")
_SOURCE_ENDINGS: Final = (".ts", ".mts", ".cts", ".tsx")


def check_handler(function: Function, runtime: Runtime, search: Iterable[Path]) -> None:
    """Raises LaunchError when none of the folders has the handler's module.

    A handler without a dot, or with an absolute path, is left to the runtime client, which says what Lambda says.
    """
    module = module_path(function.handler, runtime.family)
    if not module or module.startswith("/"):
        return
    folders = list(search)
    is_there = _is_python_module if runtime.family is Family.PYTHON else _is_node_module
    if not any(is_there(folder / module) for folder in folders):
        name = f"{module}.py" if runtime.family is Family.PYTHON else f"{module}.js (or .mjs, .cjs)"
        raise LaunchError(
            f"function {function.logical_id}: its handler {function.handler} needs {name}, not found in {folders[0]}",
            _hint(folders[0] / module),
        )


def module_path(handler: str, family: Family) -> str:
    """The handler's module as a relative path without ending; empty when the handler is malformed."""
    if family is Family.PYTHON:
        return handler.rpartition(".")[0].replace(".", "/")
    folder, _, name = handler.rpartition("/")
    module, dot, _ = name.partition(".")
    return f"{folder}/{module}" if folder and dot else module * bool(dot)


def bootstrap_of(function: Function, folders: CodeFolders) -> str:
    """The program of a ``provided`` runtime: ``bootstrap`` of the code, else of a layer. Raises LaunchError."""
    places = [folder / "bootstrap" for folder in (folders.task_root, folders.opt) if folder is not None]
    found = next((path for path in places if path.is_file()), None)
    if found is None:
        raise LaunchError(
            f"function {function.logical_id}: {function.runtime} needs an executable {places[0]}, which does not exist",
            "build the application first, with sam build for example",
        )
    if not os.access(found, os.X_OK):
        raise LaunchError(f"function {function.logical_id}: {found} is not executable", f"chmod +x {found}")
    return str(found)


def _is_python_module(path: Path) -> bool:
    if path.with_name(f"{path.name}.py").is_file() or path.is_dir():
        return True
    return any(path.parent.glob(f"{path.name}.*.so")) or path.with_name(f"{path.name}.pyc").is_file()


def _is_node_module(path: Path) -> bool:
    return any(path.with_name(path.name + ending).is_file() for ending in _NODE_ENDINGS)


def _hint(path: Path) -> str:
    if any(path.with_name(path.name + ending).is_file() for ending in _SOURCE_ENDINGS):
        return "TypeScript has to be built first: run sam build, then use .aws-sam/build/template.yaml"
    return "check Handler and CodeUri; if the code has to be built, build it first (sam build)"
