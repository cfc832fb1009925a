"""Changes on disk, gathered until they rest for a moment: of the template itself, or of the code of functions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

SETTLE_MS = 200  # an editor's save is several changes; those within this time belong together


def template_changes(template: Path, stop: asyncio.Event) -> AsyncIterator[None]:
    """Once per batch of changes to this one file. Its folder is watched, for editors replace files."""
    template = template.absolute()

    def is_template(change: Change, path: str) -> bool:
        return Path(path) == template

    return _batches(
        awatch(template.parent, watch_filter=is_template, debounce=SETTLE_MS, stop_event=stop, recursive=False)
    )


def code_changes(paths: Iterable[Path], stop: asyncio.Event) -> AsyncIterator[None]:
    """Once per batch of changes in these folders and files; what tools leave behind (caches, .git) does not count."""
    wanted = {path.absolute() for path in paths if path.exists()}
    files = {path for path in wanted if path.is_file()}
    folders = wanted - files
    tidy = DefaultFilter()

    def is_code(change: Change, path: str) -> bool:
        found = Path(path)
        return found in files or (tidy(change, path) and any(folder in found.parents for folder in folders))

    watched = folders | {path.parent for path in files}
    return _batches(awatch(*watched, watch_filter=is_code, debounce=SETTLE_MS, stop_event=stop))


async def _batches(changes: AsyncIterator[object]) -> AsyncIterator[None]:
    async for _ in changes:
        yield
