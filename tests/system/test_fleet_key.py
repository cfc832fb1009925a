from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gateway.model.errors import UserError
from gateway.model.ids import MAX_NODE_NUMBER
from gateway.system.fleet_key import KEY_BYTES, fleet_key, fresh_node_number


def test_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "state" / "wsfleet" / "key"
    key = fleet_key(path)
    assert len(key) == KEY_BYTES
    assert fleet_key(path) == key
    assert [found.name for found in path.parent.iterdir()] == ["key"]


def test_each_is_another(tmp_path: Path) -> None:
    assert fleet_key(tmp_path / "a") != fleet_key(tmp_path / "b")


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "key"
    fleet_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_one_that_others_could_have_read_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "key"
    fleet_key(path)
    path.chmod(0o644)
    with pytest.raises(UserError, match="can be read by other users"):
        fleet_key(path)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * (KEY_BYTES + 1)])
def test_a_damaged_one_is_not_used(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(UserError, match="is damaged") as raised:
        fleet_key(path)
    assert "restore it" in raised.value.hint
    assert path.read_bytes() == content


def test_a_place_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be used: "):
        fleet_key(tmp_path / "file" / "key")


def test_several_at_once_agree(tmp_path: Path) -> None:
    path = tmp_path / "key"
    together = threading.Barrier(8)
    found: list[bytes] = []

    def start() -> None:
        together.wait(10)
        found.append(fleet_key(path))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_a_node_number_fits_32_bits() -> None:
    drawn = {fresh_node_number() for _ in range(100)}
    assert len(drawn) == 100
    assert all(0 < number <= MAX_NODE_NUMBER for number in drawn)
