"""npm, installing into a folder of the cache: no audit, no funding notes, no scripts of the application itself.

The user's configuration of registries, proxies and certificates applies, as in a terminal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.invoke.interpreters import Node
from gateway.invoke.programs import Ended, Programs

INSTALL_TIMEOUT_S: Final = 900.0  # a package with native code may have to be compiled
_OPTIONS: Final = ("--omit=dev", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")


@dataclass(frozen=True, slots=True)
class Npm:
    """Runs the npm that belongs to a node."""

    programs: Programs

    async def install(self, node: Node, target: Path, manifest: Mapping[str, Any], beside: Mapping[str, Path]) -> Ended:
        """Install what ``manifest`` depends on into ``target/node_modules``; ``beside`` are files npm shall find next
        to it, by name. Only ``node_modules`` is left in ``target``."""
        if node.npm is None:
            return Ended(None, ("npm is not on PATH: install it (it comes with Node.js), or build the code first",))
        (target / "package.json").write_text(json.dumps(manifest))
        for name, source in beside.items():
            (target / name).write_bytes(source.read_bytes())
        ended = await self.programs.run((node.npm, "install", *_OPTIONS), cwd=target, timeout_s=INSTALL_TIMEOUT_S)
        for name in ("package.json", "package-lock.json", *beside):  # .npmrc may hold a token
            (target / name).unlink(missing_ok=True)
        (target / "node_modules").mkdir(exist_ok=True)
        return ended
