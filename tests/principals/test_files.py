from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.principals.files import MAX_BYTES, Unreadable, look_at, read_text


def test_text_and_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo")
    path.chmod(0o640)
    found = read_text(path)
    assert (found.text, found.mode, found.fault) == ("one\ntwo", 0o640, None)
    assert not found.is_others
    for mode in (0o660, 0o602):
        path.chmod(mode)
        assert read_text(path).is_others
    path.chmod(0o604)
    assert read_text(path).fault == "everybody on this machine may read it (mode 0604): chmod 600"


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "cannot be read: No such file or directory"),
        (lambda path: path.mkdir(), "cannot be read: Is a directory"),
        (lambda path: os.mkfifo(path), "is no file"),
        (lambda path: path.write_bytes(b"\xff"), "is not UTF-8 text"),
        (lambda path: path.write_bytes(b"x" * (MAX_BYTES + 1)), "is larger than 1 MiB"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, make: object, told: str) -> None:
    path = tmp_path / "a"
    make(path)  # type: ignore[operator]
    with pytest.raises(Unreadable, match=told):
        read_text(path)


def test_a_look_changes_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert look_at(path) is None
    path.write_text("one")
    first = look_at(path)
    assert first == look_at(path) is not None
    other = tmp_path / "b"
    other.write_text("two")
    os.utime(other, ns=(path.stat().st_mtime_ns, path.stat().st_mtime_ns))
    other.replace(path)
    second = look_at(path)
    assert second != first
    path.chmod(0o600 if path.stat().st_mode & 0o077 else 0o644)
    assert look_at(path) != second
