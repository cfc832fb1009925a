"""The AWS SDK for JavaScript, which managed runtimes bring and machines do not: what code imports, installed once.

Only packages that the sources name (or ``package.json`` mentions in any section) and that are found nowhere else are
installed, into a cache that functions with the same needs share. The code's own ``node_modules`` always win. As the
search may see more than what runs, a failed install is a warning: the import itself fails as it would on Lambda.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from gateway.invoke.installs import Installs
from gateway.invoke.interpreters import Node
from gateway.invoke.launch import LaunchError
from gateway.invoke.node_packages import is_managed, managed_imports, read_manifest, section, without_installed
from gateway.invoke.npm import Npm
from gateway.invoke.runtimes import Runtime
from gateway.invoke.store import Store, key_of

V2: Final = "aws-sdk"
FIRST_WITH_V3: Final = 18  # nodejs16.x and older bring v2 only, nodejs18.x and newer v3 only
_SECTIONS: Final = ("dependencies", "devDependencies", "peerDependencies")
_CLIENT_PREFIX: Final = "@aws-sdk/"
# By the SDK's own "engines"; for Node 20 what there was before it announced to need 22 from January 2027 on.
_NEWEST_FOR: Final = ((22, "latest"), (20, "<3.1170.0"), (18, "<3.968.0"), (0, "<3.723.0"))


class NodeSdk:
    """``warn`` hears of failed installs, and once per function of packages that its runtime lacks on Lambda."""

    def __init__(self, store: Store, installs: Installs, npm: Npm, warn: Callable[[str], None]) -> None:
        self._store = store
        self._installs = installs
        self._npm = npm
        self._warn = warn
        self._warned: set[tuple[str, str]] = set()
        self._turn = asyncio.Lock()
        self._waiting: set[str] = set()

    def needed(self, root: Path, modules: Iterable[Path]) -> set[str]:
        """The SDK packages that code in ``root`` needs and does not have. Reads files: not for the event loop."""
        manifest = read_manifest(root)
        mentioned = {name for part in _SECTIONS for name in section(manifest, part) if is_managed(name)}
        return without_installed(managed_imports(root) | mentioned, root, modules)

    async def modules(self, needed: set[str], node: Node, runtime: Runtime, who: str) -> Path | None:
        """The ``node_modules`` with these packages, None when nothing is needed or could be installed."""
        if not needed:
            return None
        self._warn_of_absent(needed, runtime, who)
        try:
            found = self._with_all(needed, node) or await self._install_in_turn(needed, node, who)
        except LaunchError as error:
            self._warn(f"{error.message}: {error.hint}")
            return None
        return found / "node_modules"

    async def _install_in_turn(self, needed: set[str], node: Node, who: str) -> Path:
        """Functions that wait for their turn are served together: one install for what all of them need."""
        self._waiting |= needed
        async with self._turn:
            if found := self._with_all(needed, node):
                return found
            together = needed | self._waiting
            self._waiting.clear()
            try:
                return await self._install(together, node, who)
            except LaunchError:
                if together == needed:
                    raise
                return await self._install(needed, node, who)  # what another one needs may not exist

    async def _install(self, needed: set[str], node: Node, who: str) -> Path:
        versions = {name: _version(name, node) for name in sorted(needed)}
        manifest = {"name": "managed-sdk", "version": "0.0.0", "private": True, "dependencies": versions}
        what = f"{who} (AWS SDK: {', '.join(versions)})"
        return await self._installs.folder(
            "node-sdk", _key(versions, node), what, lambda draft: self._npm.install(node, draft, manifest, {})
        )

    def _with_all(self, needed: set[str], node: Node) -> Path | None:
        """A finished install that has at least these packages, made for the same major version of Node."""
        for folder in self._store.all("node-sdk"):
            if folder.name.endswith(f"-{node.major}") and not without_installed(
                needed, Path("/"), [folder / "node_modules"]
            ):
                return folder
        return None

    def _warn_of_absent(self, needed: set[str], runtime: Runtime, who: str) -> None:
        has_v3 = runtime.version >= FIRST_WITH_V3
        for name in sorted(needed):
            if (name == V2) is has_v3 and (who, name) not in self._warned:
                self._warned.add((who, name))
                self._warn(
                    f"{who} imports {name}, which {runtime.name} does not bring on Lambda: add it to package.json"
                )


def _key(versions: dict[str, str], node: Node) -> str:
    return f"{key_of(json.dumps(versions))}-{node.major}"


def _version(name: str, node: Node) -> str:
    if not name.startswith(_CLIENT_PREFIX):
        return "latest"
    return next(version for major, version in _NEWEST_FOR if node.major >= major)
