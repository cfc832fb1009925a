"""What Node code imports and what it has: package names in sources, packages in ``node_modules``, ``package.json``.

Sources are searched, not parsed: an import that only a comment mentions costs an install, never a failure.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from gateway.invoke.code import IGNORED_FOLDERS
from gateway.invoke.launch import LaunchError
from gateway.model.limits import KIB

SOURCE_ENDINGS: Final = (".js", ".mjs", ".cjs")
MAX_SOURCE_BYTES: Final = 32 * KIB * KIB  # bundles reach a few MB; whatever is longer is data
# Bundlers call it __require, others createRequire()().
_MANAGED: Final = re.compile(
    rb"""(?:\bfrom|\bimport|[rR]equire\w*|\bresolve|\))\s*\(?\s*"""
    rb"""['"`](aws-sdk|@aws-sdk/[\w.-]+|@smithy/[\w.-]+)(?:/[^'"`]*)?['"`]"""
)


def managed_imports(root: Path) -> set[str]:
    """The SDK packages that sources below ``root`` import, ``node_modules`` left out."""
    found: set[str] = set()
    for path in _sources(root):
        found.update(name.decode() for name in _MANAGED.findall(path.read_bytes()))
    return found


def is_managed(name: str) -> bool:
    """Whether managed runtimes bring a package of this name."""
    return name == "aws-sdk" or name.startswith(("@aws-sdk/", "@smithy/"))


def without_installed(names: Iterable[str], root: Path, modules: Iterable[Path] = ()) -> set[str]:
    """The packages that code in ``root`` would not find: not in any ``node_modules`` above it nor in ``modules``."""
    places = [*(parent / "node_modules" for parent in (root, *root.parents)), *modules]
    return {name for name in names if not any((place / name / "package.json").is_file() for place in places)}


def read_manifest(root: Path) -> dict[str, Any] | None:
    """``package.json`` of a folder, None when there is none. Raises LaunchError when it is no JSON object."""
    path = root / "package.json"
    if not path.is_file():
        return None
    try:
        manifest = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise LaunchError(f"{path} is not valid JSON: {error}", "correct the file") from error
    if not isinstance(manifest, dict):
        raise LaunchError(f"{path} holds no JSON object", "correct the file")
    return manifest


def section(manifest: dict[str, Any] | None, name: str) -> dict[str, str]:
    """One of the manifest's maps from package to version range; empty when absent or of another shape."""
    found = (manifest or {}).get(name)
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _sources(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in IGNORED_FOLDERS]
        for name in files:
            path = Path(folder, name)
            if name.endswith(SOURCE_ENDINGS) and path.is_file() and path.stat().st_size <= MAX_SOURCE_BYTES:
                yield path
