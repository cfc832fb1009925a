from __future__ import annotations

from pathlib import Path

from gateway.invoke.code import CodeFolders
from gateway.invoke.opt import Opt, opt_of
from gateway.invoke.runtimes import Family, Runtime

PYTHON = Runtime("python3.12", Family.PYTHON, 12)
NODE = Runtime("nodejs20.x", Family.NODE, 20)


def make(root: Path, *folders: str) -> Path:
    for folder in folders:
        (root / folder).mkdir(parents=True)
    return root


def test_without_layers_there_is_nothing(tmp_path: Path) -> None:
    assert opt_of(CodeFolders(tmp_path), PYTHON) == Opt()


def test_folders_are_those_of_lambda_s_documentation(tmp_path: Path) -> None:
    opt = make(
        tmp_path,
        "python/lib/python3.12/site-packages",
        "nodejs/node20/node_modules",
        "nodejs/node_modules",
        "bin",
        "lib",
    )
    folders = CodeFolders(tmp_path, (opt,), opt)
    assert opt_of(folders, PYTHON) == Opt(
        python=(opt / "python/lib/python3.12/site-packages", opt / "python"),
        programs=(opt / "bin",),
        libraries=(opt / "lib",),
    )
    assert opt_of(folders, NODE).node == (opt / "nodejs/node20/node_modules", opt / "nodejs/node_modules")
    assert opt_of(folders, Runtime("python3.13", Family.PYTHON, 13)).python == (opt / "python",)
    assert opt_of(folders, Runtime("provided", Family.PROVIDED)).programs == (opt / "bin",)


def test_unbuilt_layers_are_searched_themselves(tmp_path: Path) -> None:
    built = make(tmp_path / "built", "python")
    first, second = make(tmp_path / "first", "chat"), make(tmp_path / "second", "chat")
    merged = make(tmp_path / "merged", "python", "chat")
    found = opt_of(CodeFolders(tmp_path, (first, built, second), merged), PYTHON)
    assert found.python == (merged / "python", second, first)
    assert found.unbuilt == (second, first)
