"""The cache on disk: folders named by what they hold, each there whole or not at all.

A folder is built beside its place and moved into it, so a half-finished one is never taken for a finished one, and
what is in place never changes. Two that want the same one build it once; a failed build is not tried again at once.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

from gateway.invoke.launch import LaunchError

RETRY_FAILED_AFTER_S: Final = 30.0  # an install that failed would fail again; long enough to spare every invocation
UNUSED_AFTER_S: Final = 90 * 24 * 3600.0  # longer than a gateway on a laptop runs without starting a process
ABANDONED_AFTER_S: Final = 24 * 3600.0  # a draft this old belongs to nobody who is still building


def key_of(*parts: str | bytes) -> str:
    """A short name for content; different parts never give the same one."""
    digest = sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(b"%d:" % len(raw))
        digest.update(raw)
    return digest.hexdigest()[:24]


class Store:
    """``root`` is made when first needed. ``clock`` reads seconds that never jump."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.root = root
        self._clock = clock
        self._locks: dict[Path, asyncio.Lock] = {}
        self._failures: dict[Path, tuple[float, LaunchError]] = {}

    def find(self, kind: str, key: str) -> Path | None:
        """The finished folder, None when it was never built."""
        path = self.root / kind / key
        return path if path.is_dir() else None

    def all(self, kind: str) -> list[Path]:
        """Every finished folder of a kind."""
        parent = self.root / kind
        return [path for path in parent.iterdir() if not path.name.startswith(".")] if parent.is_dir() else []

    def remove_unused(self) -> None:
        """Delete what nobody has asked for in months; content that has changed since, most of all."""
        for path in self.root.glob("*/*"):
            if path.is_dir() and _age_s(path) > UNUSED_AFTER_S:
                shutil.rmtree(path, ignore_errors=True)

    async def folder(self, kind: str, key: str, build: Callable[[Path], Awaitable[None]]) -> Path:
        """The folder of this key; ``build`` fills an empty one when there is none yet.

        Raises LaunchError when ``build`` does, or when the disk refuses.
        """
        final = self.root / kind / key
        async with self._locks.setdefault(final, asyncio.Lock()):
            if final.is_dir():
                os.utime(final)  # in use: see remove_unused
                return final
            self._raise_recent_failure(final)
            try:
                await self._build(final, build)
            except OSError as error:
                raise LaunchError(
                    f"the cache cannot be written: {error}", f"free some space, or delete {self.root}"
                ) from error
            except LaunchError as error:
                self._failures[final] = (self._clock(), error)
                raise
        return final

    async def _build(self, final: Path, build: Callable[[Path], Awaitable[None]]) -> None:
        final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_abandoned(final)
        draft = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
        try:
            await build(draft)
            _move(draft, final)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _raise_recent_failure(self, final: Path) -> None:
        when, error = self._failures.get(final, (0.0, None))
        if error is not None and self._clock() - when < RETRY_FAILED_AFTER_S:
            raise LaunchError(error.message, error.hint)


def _move(draft: Path, final: Path) -> None:
    try:
        draft.rename(final)
    except OSError:
        if not final.is_dir():  # otherwise another gateway was faster, with the same content
            raise


def _remove_abandoned(final: Path) -> None:
    for draft in final.parent.glob(f".{final.name}.*"):
        if _age_s(draft) > ABANDONED_AFTER_S:
            shutil.rmtree(draft, ignore_errors=True)


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:  # gone meanwhile
        return 0.0
