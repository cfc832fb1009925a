"""What ``package.json`` beside unbuilt Node code depends on, installed once into the cache.

Code that has its ``node_modules`` (its own or in a folder above, as Node looks for them) needs nothing, and neither
does code whose dependencies managed runtimes bring. The application's folder is read and never written.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any, Final

from gateway.invoke.installs import Installs
from gateway.invoke.interpreters import Node
from gateway.invoke.node_packages import read_manifest, section, without_installed
from gateway.invoke.npm import Npm
from gateway.invoke.store import key_of

_LOCKS: Final = ("npm-shrinkwrap.json", "package-lock.json")
_KEPT: Final = ("dependencies", "optionalDependencies", "overrides", "bundledDependencies", "bundleDependencies")
_LOCAL: Final = ("file:", "link:")


class NodeDependencies:
    """Finds what is missing and has it installed."""

    def __init__(self, installs: Installs, npm: Npm) -> None:
        self._installs = installs
        self._npm = npm

    async def modules(self, root: Path, node: Node, who: str) -> Path | None:
        """The ``node_modules`` to look into after the code's own, None when nothing is missing.

        Raises LaunchError when npm fails or ``package.json`` cannot be read.
        """
        manifest = read_manifest(root)
        wanted = section(manifest, "dependencies")
        if manifest is None or not without_installed(wanted, root):
            return None
        reduced = reduced_manifest(manifest, root)
        beside = _beside(root, with_lock=not _has_local(manifest))
        key = key_of(
            json.dumps(reduced, sort_keys=True),
            *(path.read_bytes() for path in beside.values()),
            f"{node.major} {platform.system()} {platform.machine()}",
        )
        made = await self._installs.folder(
            "node-packages",
            key,
            f"{who} (package.json)",
            lambda draft: self._npm.install(node, draft, reduced, beside),
        )
        return made / "node_modules"


def reduced_manifest(manifest: dict[str, Any], root: Path) -> dict[str, Any]:
    """The part of a manifest that decides what is installed; no scripts, and local packages by absolute path."""
    reduced: dict[str, Any] = {"name": "handler", "version": "0.0.0", "private": True}
    reduced.update({name: manifest[name] for name in _KEPT if name in manifest})
    for name in ("dependencies", "optionalDependencies"):
        if name in reduced:
            reduced[name] = {key: _absolute(value, root) for key, value in section(manifest, name).items()}
    return reduced


def _absolute(version: str, root: Path) -> str:
    if not _is_local(version):
        return version
    return f"file:{(root / version.removeprefix('file:').removeprefix('link:')).resolve()}"


def _is_local(version: str) -> bool:
    return version.startswith((*_LOCAL, "./", "../"))


def _has_local(manifest: dict[str, Any]) -> bool:
    return any(_is_local(value) for value in section(manifest, "dependencies").values())


def _beside(root: Path, *, with_lock: bool) -> dict[str, Path]:
    """The lock and npm's settings of the project. A lock with relative paths would not hold elsewhere."""
    names = [".npmrc"]
    if with_lock:
        names += [name for name in _LOCKS if (root / name).is_file()][:1]
    return {name: root / name for name in names if (root / name).is_file()}
