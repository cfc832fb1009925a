"""Changes on disk, gathered until they rest for a moment: of the template itself, or of the code of functions.

The system reports what happens inside folders, but says nothing more once such a folder itself was replaced, which is
what `sam build`, bundlers and `git checkout` do. So the watched paths are also looked at once a second: what is there
again, or is another thing now, counts as changed and is watched anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Set
from contextlib import aclosing, suppress
from pathlib import Path
from stat import S_ISDIR
from typing import Final

from watchfiles import Change, DefaultFilter, awatch
from watchfiles._rust_notify import WatchfilesRustInternalError  # its documented place

from gateway.model.errors import UserError

SETTLE_MS: Final = 200  # an editor's save is several changes; those within this time belong together
LOOK_AGAIN_MS: Final = 1_000  # one stat() per path
_LEFT_BY_TOOLS: Final = DefaultFilter(ignore_dirs=(*DefaultFilter.ignore_dirs, ".aws-sam", ".ruff_cache"))

_Look = tuple[int, ...] | None


def template_changes(template: Path, stop: asyncio.Event) -> AsyncIterator[None]:
    """Once per changed state of this one file, counted from this call; while it is missing nothing is told.

    Ends when ``stop`` is set.
    """
    template = template.absolute()
    watched = _Watched({template}, lambda: _existing({template.parent, template.resolve().parent}), recursive=False)
    return watched.changes(lambda path: False, stop)


def code_changes(paths: Iterable[Path], stop: asyncio.Event) -> AsyncIterator[None]:
    """Once per batch of changes in these folders and files; what tools leave behind (caches, .git) does not count.

    Paths may come into being later. Ends when ``stop`` is set. Raises UserError when the system cannot watch so much.
    """
    wanted = {path.absolute() for path in paths}
    watched = _Watched(wanted, lambda: {path.resolve() for path in wanted if path.is_dir()}, recursive=True)
    return watched.changes(is_code, stop)


def is_code(path: Path) -> bool:
    """Whether a file is one that somebody works on; ``path`` is relative to the folder of code."""
    return _LEFT_BY_TOOLS(Change.modified, str(path))


class _Watched:
    """``folders`` gives what the system is to report on: existing folders, without symbolic links."""

    def __init__(self, paths: Set[Path], folders: Callable[[], set[Path]], *, recursive: bool) -> None:
        self._folders = folders
        self._recursive = recursive
        self._looks = {path: _look(path) for path in paths}

    async def changes(self, counts: Callable[[Path], bool], stop: asyncio.Event) -> AsyncGenerator[None, None]:
        unseen = False  # whether something inside a folder may have changed while it was not watched
        while not stop.is_set():
            folders = self._folders()
            async with aclosing(self._ticks(folders, stop)) as ticks:
                async for reported in ticks:
                    differ, exist = self._look_again()
                    if unseen or exist or any(map(counts, _relative(reported, folders))):
                        yield
                    unseen = False
                    if differ or not reported.isdisjoint(folders):  # one was replaced: watch the one there is now
                        break
            unseen = self._recursive

    def _look_again(self) -> tuple[bool, bool]:
        """Whether any path is not what it was, and whether such a one exists."""
        now = {path: _look(path) for path in self._looks}
        differing = [path for path in now if now[path] != self._looks[path]]
        self._looks = now
        return bool(differing), any(now[path] is not None for path in differing)

    async def _ticks(self, folders: set[Path], stop: asyncio.Event) -> AsyncGenerator[set[Path], None]:
        """What the system reports, and nothing once a second. Ends when other folders should be watched, or these anew.

        Raises UserError.
        """
        if folders:
            try:
                async with aclosing(self._reports(folders, stop)) as batches:
                    async for batch in batches:
                        yield {Path(path) for _, path in batch}
            except FileNotFoundError:  # gone since it was found
                folders = set()
            except (OSError, WatchfilesRustInternalError) as error:  # too many watches, too many open files
                if self._recursive:
                    raise _too_much(error) from error
            except ExceptionGroup as group:  # while watching, as a folder came or went
                if group.split((OSError, WatchfilesRustInternalError))[1] is not None:
                    raise
                folders = set()
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_AGAIN_MS / 1000)
            yield set()
            if self._folders() != folders:
                return

    def _reports(self, folders: set[Path], stop: asyncio.Event) -> AsyncGenerator[set[tuple[Change, str]], None]:
        return awatch(
            *folders,
            watch_filter=None,
            debounce=SETTLE_MS,
            rust_timeout=LOOK_AGAIN_MS,
            yield_on_timeout=True,
            stop_event=_Following(stop),
            recursive=self._recursive,
            ignore_permission_denied=True,
        )


def _too_much(error: Exception) -> UserError:
    hint = "raise fs.inotify.max_user_watches and max_user_instances, or use --no-watch"
    return UserError(f"changed code cannot be noticed: {error}", hint)


class _Following(asyncio.Event):
    """Set with another event, never setting it: ``awatch`` sets the one it is given when it is cancelled."""

    def __init__(self, leader: asyncio.Event) -> None:
        super().__init__()
        self._leader = leader

    def is_set(self) -> bool:
        return super().is_set() or self._leader.is_set()


def _relative(reported: Iterable[Path], folders: Iterable[Path]) -> set[Path]:
    return {path.relative_to(folder) for folder in folders for path in reported if path.is_relative_to(folder)}


def _existing(folders: Iterable[Path]) -> set[Path]:
    return {folder.resolve() for folder in folders if folder.is_dir()}


def _look(path: Path) -> _Look:
    """What a path is now: for a folder which one, for a file also which content. None when there is nothing."""
    try:
        found = path.stat()
    except OSError:
        return None
    which = (found.st_dev, found.st_ino)
    return which if S_ISDIR(found.st_mode) else (*which, found.st_size, found.st_mtime_ns)
