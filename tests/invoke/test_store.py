from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from gateway.invoke.launch import LaunchError
from gateway.invoke.store import RETRY_FAILED_AFTER_S, Store, key_of


class Builder:
    """Counts builds; ``gate`` holds them until it is set, ``error`` makes them fail."""

    def __init__(self) -> None:
        self.count = 0
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Semaphore(0)

    async def __call__(self, draft: Path) -> None:
        self.count += 1
        self.begun.release()
        (draft / "begun").write_text("")
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        (draft / "done").write_text("")


class Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def build() -> Builder:
    return Builder()


async def test_a_folder_is_built_once(tmp_path: Path, build: Builder) -> None:
    store = Store(tmp_path / "cache")
    first = await store.folder("kind", "key", build)
    assert (first / "done").is_file()
    assert await store.folder("kind", "key", build) == first
    assert await Store(tmp_path / "cache").folder("kind", "key", build) == first
    assert build.count == 1


async def test_two_that_want_the_same_build_it_once(tmp_path: Path, build: Builder) -> None:
    store = Store(tmp_path)
    found = await asyncio.gather(*(store.folder("kind", "key", build) for _ in range(5)))
    assert (len(set(found)), build.count) == (1, 1)


async def test_two_gateways_may_build_the_same(tmp_path: Path, build: Builder) -> None:
    build.gate.clear()
    both = [asyncio.create_task(Store(tmp_path).folder("kind", "key", build)) for _ in range(2)]
    for _ in both:
        await build.begun.acquire()
    build.gate.set()
    first, second = await asyncio.gather(*both)
    assert first == second
    assert [path.name for path in first.parent.iterdir()] == ["key"]


@pytest.mark.parametrize("error", [LaunchError("no", "hint"), RuntimeError("bug")])
async def test_a_failed_build_leaves_nothing(tmp_path: Path, build: Builder, error: Exception) -> None:
    build.error = error
    with pytest.raises(type(error)):
        await Store(tmp_path).folder("kind", "key", build)
    assert list((tmp_path / "kind").iterdir()) == []


async def test_a_cancelled_build_leaves_nothing(tmp_path: Path, build: Builder) -> None:
    build.gate.clear()
    task = asyncio.create_task(Store(tmp_path).folder("kind", "key", build))
    await build.begun.acquire()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list((tmp_path / "kind").iterdir()) == []


async def test_a_failed_build_is_tried_again_after_a_while(tmp_path: Path, build: Builder) -> None:
    clock = Seconds()
    store = Store(tmp_path, clock)
    build.error = LaunchError("no network", "plug in")
    for _ in range(3):
        with pytest.raises(LaunchError, match="no network") as caught:
            await store.folder("kind", "key", build)
        assert caught.value.hint == "plug in"
    assert build.count == 1
    build.error = None
    clock.now += RETRY_FAILED_AFTER_S
    assert (await store.folder("kind", "key", build)).is_dir()


async def test_a_disk_that_refuses_is_a_clear_error(tmp_path: Path, build: Builder) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(LaunchError, match="the cache cannot be written"):
        await Store(tmp_path / "cache").folder("kind", "key", build)


async def test_drafts_of_the_dead_are_removed(tmp_path: Path, build: Builder) -> None:
    old, young = tmp_path / "kind" / ".key.old", tmp_path / "kind" / ".key.young"
    for draft in (old, young):
        draft.mkdir(parents=True)
    os.utime(old, (1, 1))
    await Store(tmp_path).folder("kind", "key", build)
    assert (old.exists(), young.exists()) == (False, True)


async def test_what_nobody_asks_for_in_months_is_removed(tmp_path: Path, build: Builder) -> None:
    store = Store(tmp_path)
    used, unused = await store.folder("kind", "used", build), await store.folder("kind", "unused", build)
    (tmp_path / "home").mkdir()
    for path in (used, unused, tmp_path / "home"):
        os.utime(path, (1, 1))
    await store.folder("kind", "used", build)
    store.remove_unused()
    assert (used.exists(), unused.exists(), (tmp_path / "home").exists()) == (True, False, True)


async def test_only_finished_folders_are_listed(tmp_path: Path, build: Builder) -> None:
    store = Store(tmp_path)
    assert store.all("kind") == []
    made = await store.folder("kind", "key", build)
    (tmp_path / "kind" / ".key.draft").mkdir()
    assert store.all("kind") == [made]


def test_keys_do_not_run_into_each_other() -> None:
    keys = {key_of("ab", "c"), key_of("a", "bc"), key_of("abc"), key_of("abc", ""), key_of("", "abc"), key_of()}
    assert len(keys) == 6
    assert key_of("a") == key_of(b"a")
