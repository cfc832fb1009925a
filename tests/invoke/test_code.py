from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from functions_of_laptop import function
from gateway.invoke.code import CodeStore, inline_name
from gateway.invoke.launch import LaunchError
from gateway.invoke.store import Store
from gateway.model.function import Archive, Folder, Inline


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "app" / "src").mkdir(parents=True)
    (tmp_path / "app" / "src" / "app.py").write_text("one")
    return tmp_path / "app"


@pytest.fixture
def codes(base: Path, tmp_path: Path) -> Iterator[CodeStore]:
    with ThreadPoolExecutor(1) as executor:
        yield CodeStore(base, Store(tmp_path / "cache"), executor)


def zipped(path: Path, **files: str) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name, content in files.items():
            made.writestr(name.replace("__", "/"), content)
    return path


def state(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in root.rglob("*")}


async def test_a_folder_is_used_in_place(codes: CodeStore, base: Path) -> None:
    before = state(base)
    assert (await codes.folders(function(Folder("src")))).task_root == base / "src"
    assert (await codes.folders(function(Folder(str(base / "src"))))).task_root == base / "src"
    assert (await codes.folders(function(Folder("src/../src/./")))).task_root == base / "src"
    assert state(base) == before


async def test_a_single_file_is_used_where_it_lies(codes: CodeStore, base: Path) -> None:
    assert (await codes.folders(function(Folder("src/app.py")))).task_root == base / "src"


@pytest.mark.parametrize("code", [Archive, Folder])
async def test_an_archive_is_unpacked_once(
    codes: CodeStore, base: Path, code: Callable[[str], Archive | Folder]
) -> None:
    zipped(base / "a.zip", **{"app.py": "one"})
    zipped(base / "b.zip", **{"app.py": "one"})
    first = (await codes.folders(function(code("a.zip")))).task_root
    assert (first / "app.py").read_text() == "one"
    assert (await codes.folders(function(code("b.zip")))).task_root == first
    zipped(base / "a.zip", **{"app.py": "two"})
    assert ((await codes.folders(function(code("a.zip")))).task_root / "app.py").read_text() == "two"


async def test_inline_code_becomes_a_file(codes: CodeStore) -> None:
    root = (await codes.folders(function(Inline("x = 'ü'")))).task_root
    assert (root / "index.py").read_text(encoding="utf-8") == "x = 'ü'"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("exports.handler = async () => 1", "index.js"),
        ("const x = require('x')\n// import y from 'y'", "index.js"),
        ("const x = await import('x')", "index.js"),
        ("export const handler = async () => 1", "index.mjs"),
        ("export { handler }", "index.mjs"),
        ("import x from 'x'\n", "index.mjs"),
        ("\n  import 'x'\n", "index.mjs"),
        ("import {\n  a,\n  b,\n} from 'x'", "index.mjs"),
        ("import(name)\nconst from = 'x'", "index.js"),
        ('import * as x from "x"', "index.mjs"),
    ],
)
def test_inline_node_code_is_named_by_its_syntax(text: str, name: str) -> None:
    assert inline_name(text, "nodejs20.x") == name


@pytest.mark.parametrize(
    ("code", "path", "hint"),
    [
        (Folder("absent"), "absent", "CodeUri"),
        (Folder(".aws-sam/build/Chat"), ".aws-sam/build/Chat", "sam build"),
        (Archive("absent.zip"), "absent.zip", "build the application"),
    ],
)
async def test_what_is_missing_is_named(
    codes: CodeStore, base: Path, code: Folder | Archive, path: str, hint: str
) -> None:
    with pytest.raises(LaunchError) as caught:
        await codes.folders(function(code))
    assert caught.value.message == f"function Chat: its code {base / path} does not exist"
    assert hint in caught.value.hint


async def test_a_missing_layer_is_named(codes: CodeStore, base: Path) -> None:
    with pytest.raises(LaunchError, match=f"function Chat, layer Layer0: its code {base / 'absent'} does not exist"):
        await codes.folders(function(layers=(Folder("absent"),)))


async def test_a_broken_archive_is_named(codes: CodeStore, base: Path) -> None:
    (base / "a.zip").write_text("rubbish")
    with pytest.raises(LaunchError, match=r"function Chat: .*a\.zip cannot be unpacked: it is not a readable zip"):
        await codes.folders(function(Archive("a.zip")))


async def test_one_layer_is_used_in_place_and_several_are_merged(codes: CodeStore, base: Path) -> None:
    (base / "layer" / "python").mkdir(parents=True)
    (base / "layer" / "python" / "both.py").write_text("folder")
    (base / "layer" / "python" / "both.py").chmod(0o444)
    (base / "layer" / "python" / "first.py").write_text("folder")
    zipped(base / "layer.zip", **{"python/both.py": "zip", "bin/tool": "zip"})

    alone = await codes.folders(function(layers=(Folder("layer"),)))
    assert (alone.opt, alone.layers) == (base / "layer", (base / "layer",))

    both = await codes.folders(function(layers=(Folder("layer"), Archive("layer.zip"))))
    assert both.opt is not None
    assert {str(path.relative_to(both.opt)): path.read_text() for path in both.opt.rglob("*") if path.is_file()} == {
        "python/both.py": "zip", "python/first.py": "folder", "bin/tool": "zip",
    }  # fmt: skip
    assert (await codes.folders(function(layers=(Archive("layer.zip"), Folder("layer"))))).opt != both.opt
    assert (await codes.folders(function())).opt is None


async def test_changes_of_a_layer_in_place_reach_the_merged_folder(codes: CodeStore, base: Path) -> None:
    for name in ("a", "b"):
        (base / name / "python").mkdir(parents=True)
        (base / name / "python" / f"{name}.py").write_text("one")
    chat = function(layers=(Folder("a"), Folder("b")))
    await codes.folders(chat)
    (base / "a" / "python" / "a.py").write_text("two!")
    opt = (await codes.folders(chat)).opt
    assert opt is not None and (opt / "python" / "a.py").read_text() == "two!"


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("changed")
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("src/app.py", True),
        ("src/deep/new.html", True),
        ("src/requirements.txt", True),
        ("layer/python/x.py", True),
        ("src/__pycache__/app.cpython-311.pyc", False),
        ("src/node_modules/x/index.js", False),
        ("src/.git/HEAD", False),
        ("src/.venv/lib/x.py", False),
        ("src/.app.py.swp", False),
        ("other/x.py", False),
    ],
)
def test_fingerprints_follow_the_code(codes: CodeStore, base: Path, path: str, changes: bool) -> None:
    chat = function(layers=(Folder("layer"),))
    before = codes.fingerprint(chat)
    assert codes.fingerprint(chat) == before
    touch(base / path)
    assert (codes.fingerprint(chat) != before) is changes


def test_fingerprints_follow_archives_and_inline_code(codes: CodeStore, base: Path) -> None:
    absent = codes.fingerprint(function(Archive("a.zip")))
    zipped(base / "a.zip", **{"app.py": "one"})
    assert codes.fingerprint(function(Archive("a.zip"))) != absent
    assert codes.fingerprint(function(Inline("a"))) != codes.fingerprint(function(Inline("b")))


def test_fingerprints_survive_what_cannot_be_read(codes: CodeStore, base: Path) -> None:
    (base / "src" / "dangling").symlink_to("nowhere")
    (base / "src" / "loop").symlink_to(base / "src")
    assert codes.fingerprint(function()) == codes.fingerprint(function())
    assert codes.fingerprint(function(Folder("absent"))) == codes.fingerprint(function(Folder("absent")))
