"""Real changes of real files; every wait is for the iterator, with a deadline."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from gateway.control.watch import code_changes, is_code, template_changes
from gateway.model.errors import UserError

DEADLINE_S = 20.0

Watch = Callable[[asyncio.Event], AsyncIterator[None]]


class Told:
    """How often an iterator has told of a change; ``ended`` once it has stopped by itself."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.count = 0  # since the last more()
        self.total = 0
        self._moved = asyncio.Condition()
        self._follower: asyncio.Task[None] | None = None

    async def more(self) -> None:
        """Wait until something is told, then forget it."""
        async with self._moved, asyncio.timeout(DEADLINE_S):
            await self._moved.wait_for(lambda: self.count > 0)
            self.count = 0

    async def ended(self) -> None:
        assert self._follower is not None
        await asyncio.wait_for(self._follower, DEADLINE_S)

    def follow(self, changes: AsyncIterator[None]) -> None:
        self._follower = asyncio.create_task(self._follow(changes))

    async def cancel(self) -> None:
        assert self._follower is not None
        self._follower.cancel()
        await asyncio.wait([self._follower], timeout=DEADLINE_S)

    async def _follow(self, changes: AsyncIterator[None]) -> None:
        async for _ in changes:
            async with self._moved:
                self.count += 1
                self.total += 1
                self._moved.notify_all()


@asynccontextmanager
async def watching(watch: Watch) -> AsyncIterator[Told]:
    """The watch is in place when the body runs: it is, after the first step of the follower."""
    told = Told()
    told.follow(watch(told.stop))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    try:
        yield told
    finally:
        told.stop.set()
        await told.ended()


@pytest.fixture(params=["real", "link"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder by its own name, and through a symbolic link."""
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    found = tmp_path / str(request.param)
    assert found.is_dir()
    return found


class TestTemplate:
    async def test_written_again(self, folder: Path) -> None:
        path = folder / "template.yaml"
        path.write_text("1")
        async with watching(lambda stop: template_changes(path, stop)) as told:
            path.write_text("22")
            await told.more()
            path.write_text("333")
            await told.more()

    async def test_replaced_as_editors_do(self, folder: Path) -> None:
        path = folder / "template.yaml"
        path.write_text("1")
        async with watching(lambda stop: template_changes(path, stop)) as told:
            for content in ("22", "333"):
                draft = folder / ".template.yaml.swp"
                draft.write_text(content)
                draft.replace(path)
                await told.more()

    async def test_moved_away_and_written_anew(self, folder: Path) -> None:
        path = folder / "template.yaml"
        path.write_text("1")
        async with watching(lambda stop: template_changes(path, stop)) as told:
            path.rename(folder / "template.yaml~")
            path.write_text("22")
            await told.more()

    async def test_its_folder_built_anew(self, folder: Path) -> None:
        build = folder / ".aws-sam" / "build"
        build.mkdir(parents=True)
        path = build / "template.yaml"
        path.write_text("1")
        async with watching(lambda stop: template_changes(path, stop)) as told:
            for content in ("22", "333"):
                shutil.rmtree(build)
                build.mkdir()
                path.write_text(content)
                await told.more()

    async def test_changed_between_the_call_and_the_first_look(self, tmp_path: Path) -> None:
        path = tmp_path / "template.yaml"
        path.write_text("1")
        stop = asyncio.Event()
        changes = template_changes(path, stop)
        path.write_text("22")
        await asyncio.wait_for(anext(changes), DEADLINE_S)
        stop.set()
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(changes), DEADLINE_S)

    async def test_a_link_follows_its_target(self, tmp_path: Path) -> None:
        (tmp_path / "shared").mkdir()
        (tmp_path / "app").mkdir()
        target, path = tmp_path / "shared" / "t.yaml", tmp_path / "app" / "template.yaml"
        target.write_text("1")
        path.symlink_to(target)
        async with watching(lambda stop: template_changes(path, stop)) as told:
            target.write_text("22")
            await told.more()
            other = tmp_path / "app" / "other.yaml"
            other.write_text("333")
            path.unlink()
            path.symlink_to(other)
            await told.more()

    async def test_a_path_relative_to_the_working_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        path = tmp_path / "template.yaml"
        path.write_text("1")
        async with watching(lambda stop: template_changes(Path("template.yaml"), stop)) as told:
            path.write_text("22")
            await told.more()

    async def test_others_beside_it_do_not_count(self, tmp_path: Path) -> None:
        path = tmp_path / "template.yaml"
        path.write_text("1")
        async with (
            watching(lambda stop: template_changes(path, stop)) as told,
            watching(lambda stop: code_changes([tmp_path], stop)) as told_of_all,
        ):
            (tmp_path / "notes.txt").write_text("x")
            await told_of_all.more()
            path.write_text("22")
            await told.more()
            assert told.total == 1

    async def test_one_that_is_not_there_yet(self, tmp_path: Path) -> None:
        path = tmp_path / "app" / "template.yaml"
        async with watching(lambda stop: template_changes(path, stop)) as told:
            path.parent.mkdir()
            path.write_text("1")
            await told.more()


class TestCode:
    async def test_a_file_at_any_depth(self, folder: Path) -> None:
        (folder / "a" / "b").mkdir(parents=True)
        async with watching(lambda stop: code_changes([folder], stop)) as told:
            (folder / "app.py").write_text("x")
            await told.more()
            (folder / "a" / "b" / "c.py").write_text("x")
            await told.more()
            (folder / "app.py").unlink()
            await told.more()

    async def test_what_tools_leave_behind_does_not_count(self, folder: Path) -> None:
        cached = folder / "__pycache__" / "app.cpython-313.pyc"
        cached.parent.mkdir()
        async with (
            watching(lambda stop: code_changes([folder], stop)) as told,
            watching(lambda stop: template_changes(cached, stop)) as told_of_cache,
        ):
            cached.write_text("x")
            await told_of_cache.more()
            (folder / "app.py").write_text("x")
            await told.more()
            assert told.total == 1

    async def test_an_archive(self, tmp_path: Path) -> None:
        archive = tmp_path / "f.zip"
        archive.write_bytes(b"1")
        async with watching(lambda stop: code_changes([archive], stop)) as told:
            archive.write_bytes(b"22")
            await told.more()
            (tmp_path / "draft").write_bytes(b"333")
            (tmp_path / "draft").replace(archive)
            await told.more()

    async def test_a_folder_built_anew(self, folder: Path) -> None:
        build = folder / "build"
        built = build / "F"
        built.mkdir(parents=True)
        (built / "app.py").write_text("1")
        async with watching(lambda stop: code_changes([built], stop)) as told:
            for content in ("22", "333"):
                shutil.rmtree(build)
                await told.more()
                built.mkdir(parents=True)
                await told.more()
                (built / "app.py").write_text(content)
                await told.more()

    async def test_a_folder_exchanged_by_its_link(self, tmp_path: Path) -> None:
        for name in ("v1", "v2"):
            (tmp_path / name).mkdir()
        current = tmp_path / "current"
        current.symlink_to("v1")
        async with watching(lambda stop: code_changes([current], stop)) as told:
            (tmp_path / "next").symlink_to("v2")
            (tmp_path / "next").replace(current)
            await told.more()
            (tmp_path / "v2" / "app.py").write_text("x")
            await told.more()

    async def test_a_folder_that_is_not_there_yet(self, tmp_path: Path) -> None:
        async with watching(lambda stop: code_changes([tmp_path / "dist"], stop)) as told:
            (tmp_path / "dist").mkdir()
            await told.more()

    async def test_nothing_to_watch_waits_for_the_stop(self) -> None:
        async with watching(lambda stop: code_changes([], stop)) as told:
            told.stop.set()
            await told.ended()
            assert told.count == 0

    async def test_a_project_inside_a_folder_of_tools_is_code(self, tmp_path: Path) -> None:
        code = tmp_path / "node_modules" / "app" / ".git" / "src"
        code.mkdir(parents=True)
        async with watching(lambda stop: code_changes([code], stop)) as told:
            (code / "app.js").write_text("x")
            await told.more()


@contextmanager
def no_more_files() -> Iterator[None]:
    """The system opens nothing more for this process, so nothing new can be watched."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class TestNothingCanBeWatched:
    async def test_for_code_that_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("WATCHFILES_FORCE_POLLING", raising=False)
        changes = code_changes([tmp_path], asyncio.Event())
        with no_more_files(), pytest.raises(UserError, match="cannot be noticed: ") as raised:
            await asyncio.wait_for(anext(changes), DEADLINE_S)
        assert "--no-watch" in raised.value.hint

    async def test_a_template_is_looked_at_all_the_same(self, tmp_path: Path) -> None:
        path = tmp_path / "template.yaml"
        path.write_text("1")
        stop = asyncio.Event()
        with no_more_files():
            told = Told()
            told.follow(template_changes(path, stop))
            await asyncio.sleep(0)
        path.write_text("22")
        await told.more()
        stop.set()
        await told.ended()


class TestEnd:
    @pytest.mark.parametrize("watch", [template_changes, lambda path, stop: code_changes([path.parent], stop)])
    async def test_the_stop_ends_it(
        self, tmp_path: Path, watch: Callable[[Path, asyncio.Event], AsyncIterator[None]]
    ) -> None:
        stop = asyncio.Event()
        stop.set()
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(watch(tmp_path / "template.yaml", stop)), DEADLINE_S)

    async def test_cancelling_one_does_not_stop_the_others(self, tmp_path: Path) -> None:
        stop = asyncio.Event()
        told = Told()
        told.follow(code_changes([tmp_path], stop))
        await asyncio.sleep(0)
        await told.cancel()
        assert not stop.is_set()


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("app.py", True),
        ("index.mjs", True),
        ("lib/data.json", True),
        ("bootstrap", True),
        (".env", True),
        ("__pycache__", False),
        ("lib/__pycache__/app.cpython-313.pyc", False),
        (".git/index", False),
        ("node_modules/ws/index.js", False),
        (".venv/bin/python", False),
        (".aws-sam/build.toml", False),
        (".mypy_cache/x", False),
        (".ruff_cache/x", False),
        (".pytest_cache/x", False),
        ("app.py~", False),
        (".app.py.swp", False),
        (".#app.py", False),
        (".DS_Store", False),
    ],
)
def test_what_counts_as_code(path: str, counts: bool) -> None:
    assert is_code(Path(path.replace("/", os.sep))) is counts
