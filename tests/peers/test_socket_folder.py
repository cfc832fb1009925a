"""The folder of the sockets: ours alone, and none of the dead in it."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.errors import UserError
from gateway.peers.socket_folder import MAX_PATH_BYTES, listen_in


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:  # pytest's own would be too long a path
        yield Path(made) / "nodes"


def connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as trial:
        return trial.connect_ex(os.fspath(path)) == 0


def dead(folder: Path, name: str) -> Path:
    """What a node leaves behind that was killed."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.fspath(folder / name))
        listening.listen()
    return folder / name


def test_a_socket_listens_in_a_folder_for_this_user_only(folder: Path) -> None:
    listening, path = listen_in(folder / "deeper")
    with listening:
        assert connects(path)
        assert path.parent == folder / "deeper"
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_folder_that_others_may_enter_is_closed_to_them(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    listen_in(folder)[0].close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_the_dead_left_is_removed_and_the_living_stay(folder: Path) -> None:
    old = dead(folder, "0badf00d.sock")
    alive, alive_path = listen_in(folder)
    with alive:
        new, new_path = listen_in(folder)
        with new:
            assert not old.exists()
            assert set(folder.iterdir()) == {alive_path, new_path}
            assert connects(alive_path)


def test_a_full_queue_is_not_death(folder: Path) -> None:
    alive, path = listen_in(folder)
    with alive:
        alive.listen(0)
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(os.fspath(path))
        listen_in(folder)[0].close()
        assert path.exists()
        for each in waiting:
            each.close()


def test_a_draft_stays_for_a_minute(folder: Path) -> None:
    fresh, old = dead(folder, "11111111.new"), dead(folder, "22222222.new")
    os.utime(old, (0, 0))
    listen_in(folder)[0].close()
    assert fresh.exists()
    assert not old.exists()


def test_other_files_are_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    listen_in(folder)[0].close()
    assert (folder / "notes.txt").exists()


def test_a_path_too_long_for_a_socket_is_said_before_anything_is_made(folder: Path) -> None:
    name = "x" * (MAX_PATH_BYTES - len(os.fsencode(folder)) - len("//12345678.sock"))
    with listen_in(folder / name)[0]:
        pass
    with pytest.raises(UserError, match=f"{MAX_PATH_BYTES + 1} bytes, at most {MAX_PATH_BYTES}") as told:
        listen_in(folder / (name + "x"))
    assert told.value.hint
    assert not (folder / (name + "x")).exists()


def test_a_folder_that_cannot_be_made_is_said(folder: Path) -> None:
    folder.write_text("a file")
    with pytest.raises(UserError, match="cannot hold sockets"):
        listen_in(folder)
    with pytest.raises(UserError, match="cannot hold sockets"):
        listen_in(folder / "below")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to make a folder of another user")
def test_somebody_elses_folder_is_not_used(folder: Path) -> None:
    folder.mkdir()
    os.chown(folder, 12345, -1)
    with pytest.raises(UserError, match="belongs to another user"):
        listen_in(folder)
