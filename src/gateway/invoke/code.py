"""A function's code and layers as folders: in place when they are folders, from the cache when they have to be made.

What is in place is never copied and never written into. Layers stand in for ``/opt``, which a program cannot have
without root: one layer is used where it lies, several are merged in the cache, later ones over earlier ones. What
differs from Lambda: a handler that opens an absolute ``/opt/…`` or ``/var/task/…`` finds nothing there (search paths
and settings that name them are led to the real places).
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from gateway.invoke.archive import ArchiveError, digest, unzip
from gateway.invoke.launch import LaunchError
from gateway.invoke.store import Store, key_of
from gateway.model.function import Archive, Code, Folder, Function, Inline

T = TypeVar("T")

# What tools and editors write beside code; none of it changes what a handler does.
IGNORED_FOLDERS: Final = frozenset(
    {
        "node_modules", "__pycache__", ".git", ".hg", ".venv", "venv", ".aws-sam", ".build", ".mypy_cache",
        ".pytest_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox", ".idea", ".vscode", ".serverless", "cdk.out",
    }
)  # fmt: skip
_IGNORED_ENDINGS: Final = (".pyc", ".swp", ".swx", "~", ".tmp")
_ZIP_START: Final = b"PK\x03\x04"
_MODULE_SYNTAX: Final = re.compile(
    r"""^[ \t]*(?:import[ \t]*(?:[\w{*][^;'"()]*?\bfrom[ \t]*)?['"]|export[ \t]+[\w{*])""", re.M
)


@dataclass(frozen=True, slots=True)
class CodeFolders:
    """``task_root`` is ``LAMBDA_TASK_ROOT``; ``layers`` as declared, later ones win; ``opt`` what would be ``/opt``,
    None without layers."""

    task_root: Path
    layers: tuple[Path, ...] = ()
    opt: Path | None = None


class CodeStore:
    """``base`` is the folder that relative paths of the template start from."""

    def __init__(self, base: Path, store: Store, executor: Executor) -> None:
        self._base = base
        self._store = store
        self._executor = executor

    async def folders(self, function: Function) -> CodeFolders:
        """Raises LaunchError when something is missing or cannot be unpacked."""
        who = f"function {function.logical_id}"
        task_root = await self._folder(function.code, who, function.runtime)
        layers = [
            await self._folder(layer.code, f"{who}, layer {layer.logical_id}", function.runtime)
            for layer in function.layers
        ]
        opt = await self._merged(layers) if len(layers) > 1 else next(iter(layers), None)
        return CodeFolders(task_root, tuple(layers), opt)

    def fingerprint(self, function: Function) -> str:
        """A name for the state of all files of code and layers, by size and time; never raises."""
        codes = (function.code, *(layer.code for layer in function.layers))
        return key_of(*(part for code in codes for part in self._state(code)))

    def path(self, code: Folder | Archive) -> Path:
        """Where the code lies; absolute, symbolic links kept as the user wrote them."""
        return Path(os.path.normpath(self._base / code.path))

    async def _folder(self, code: Code, who: str, runtime: str) -> Path:
        if isinstance(code, Inline):
            return await self._inline(code.text, runtime)
        path = self.path(code)
        try:
            if path.is_dir():
                return path
            if isinstance(code, Archive) or _is_zip(path):
                return await self._unzipped(path, who)
            return path.parent  # a single file: it is found where it lies
        except FileNotFoundError as error:
            raise LaunchError(f"{who}: its code {path} does not exist", _missing_hint(path)) from error

    async def _inline(self, text: str, runtime: str) -> Path:
        name = inline_name(text, runtime)

        async def build(draft: Path) -> None:
            (draft / name).write_text(text, encoding="utf-8")

        return await self._store.folder("inline", key_of(name, text), build)

    async def _unzipped(self, path: Path, who: str) -> Path:
        async def build(draft: Path) -> None:
            try:
                await self._elsewhere(lambda: unzip(path, draft))
            except ArchiveError as error:
                raise LaunchError(f"{who}: {path} cannot be unpacked: {error}", "make the archive again") from error

        return await self._store.folder("zip", await self._elsewhere(lambda: digest(path)), build)

    async def _merged(self, layers: list[Path]) -> Path:
        async def build(draft: Path) -> None:
            await self._elsewhere(lambda: _overlay(layers, draft))

        key = await self._elsewhere(lambda: key_of(*(part for layer in layers for part in folder_state(layer))))
        return await self._store.folder("layers", key, build)

    def _state(self, code: Code) -> Iterator[str]:
        if isinstance(code, Inline):
            yield code.text
            return
        path = self.path(code)
        yield str(path)
        yield from folder_state(path) if path.is_dir() else _file_state(path)

    async def _elsewhere(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def inline_name(text: str, runtime: str) -> str:
    """The file that ``InlineCode`` becomes: ``index`` with the ending that the text asks for."""
    if not runtime.startswith("nodejs"):
        return "index.py"
    return "index.mjs" if _MODULE_SYNTAX.search(text) else "index.js"


def folder_state(root: Path) -> list[str]:
    """Every file below with its size and time, in a stable order; what vanishes meanwhile is left out."""
    found: list[str] = []
    pending = [str(root)]
    while pending:
        folder = pending.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if entry.name in IGNORED_FOLDERS or entry.name.endswith(_IGNORED_ENDINGS):
                continue
            if entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)
            else:
                found.extend(_file_state(Path(entry.path)))
    return found


def _file_state(path: Path) -> list[str]:
    try:
        status = path.stat()
    except OSError:
        return [f"{path} absent"]
    return [f"{path} {status.st_size} {status.st_mtime_ns}"]


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_ZIP_START)) == _ZIP_START


def _overlay(layers: list[Path], target: Path) -> None:
    for layer in layers:
        shutil.copytree(layer, target, symlinks=True, dirs_exist_ok=True, copy_function=_copy_over)


def _copy_over(source: str, target: str) -> str:
    if os.path.lexists(target):
        os.unlink(target)
    return str(shutil.copy2(source, target, follow_symlinks=False))


def _missing_hint(path: Path) -> str:
    if ".aws-sam" in path.parts or path.suffix in (".zip", ".jar"):
        return "build the application first, with sam build for example"
    return "check CodeUri or ContentUri in the template; if the folder is made by a build, build first (sam build)"
