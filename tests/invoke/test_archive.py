from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.invoke import archive
from gateway.invoke.archive import ArchiveError, digest, unzip


def entry(name: str, mode: int = 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFREG | mode) << 16
    return info


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def make(path: Path, *entries: tuple[zipfile.ZipInfo, str]) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for info, content in entries:
            made.writestr(info, content)
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "inner" / "target"
    folder.mkdir(parents=True)
    return folder


def test_files_folders_bits_and_links_are_kept(tmp_path: Path, target: Path) -> None:
    made = make(
        tmp_path / "a.zip",
        (link("bin/latest"), "tool"),
        (entry("bin/tool", 0o755), "#!"),
        (entry("deep/er/data.txt"), "text"),
        (zipfile.ZipInfo("empty/"), ""),
    )
    unzip(made, target)
    assert (target / "bin/tool").stat().st_mode & 0o777 == 0o755
    assert (target / "deep/er/data.txt").stat().st_mode & 0o777 == 0o644
    assert (target / "bin/latest").read_text() == "#!"
    assert (target / "empty").is_dir()


def test_archives_without_unix_bits_are_readable(tmp_path: Path, target: Path) -> None:
    made = make(tmp_path / "a.zip", (zipfile.ZipInfo("app.py"), "x"))
    unzip(made, target)
    assert (target / "app.py").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "entries",
    [
        [(entry("../evil"), "x")],
        [(entry("a/../../evil"), "x")],
        [(entry("/evil"), "x")],
        [(entry("a\\..\\..\\evil"), "x")],
        [(link("evil"), "/etc/passwd")],
        [(link("evil"), "../..")],
        [(link("evil"), "..")],
        [(link("a/evil"), "../../x")],
        [(link("a"), "."), (link("a/../../evil"), "x")],
        [(link("evil"), "x" * 5000)],
    ],
)
def test_nothing_lands_outside(tmp_path: Path, target: Path, entries: list[tuple[zipfile.ZipInfo, str]]) -> None:
    with pytest.raises(ArchiveError, match=r"outside|too long"):
        unzip(make(tmp_path / "a.zip", *entries), target)
    assert [path.name for path in target.parent.iterdir()] == ["target"]


def test_files_are_never_written_through_a_link(tmp_path: Path, target: Path) -> None:
    made = make(tmp_path / "a.zip", (link("door"), "inside"), (entry("door/file"), "x"))
    with pytest.raises(FileExistsError):
        unzip(made, target)
    assert not (target / "inside").exists()


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 but cut"])
def test_what_is_no_zip_is_an_archive_error(tmp_path: Path, target: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(ArchiveError, match="not a readable zip"):
        unzip(tmp_path / "a.zip", target)


def test_a_damaged_entry_is_an_archive_error(tmp_path: Path, target: Path) -> None:
    path = make(tmp_path / "a.zip", (entry("a"), "content-that-is-here"))
    path.write_bytes(path.read_bytes().replace(b"content-that-is-here", b"content-that-is-gone"))
    with pytest.raises(ArchiveError, match="CRC"):
        unzip(path, target)


def test_more_than_lambda_takes_is_refused(tmp_path: Path, target: Path) -> None:
    path = tmp_path / "a.zip"
    half = bytes(archive.MAX_UNZIPPED_BYTES // 2 + 1)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        made.writestr("a", half)
        made.writestr("b", half)
    with pytest.raises(ArchiveError, match="262144000 bytes"):
        unzip(path, target)
    assert list(target.iterdir()) == []


@given(content=st.binary(max_size=300))
def test_random_bytes_raise_nothing_else(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("zip")
    (folder / "a.zip").write_bytes(content)
    with pytest.raises(ArchiveError):
        unzip(folder / "a.zip", folder)


def test_digests_are_of_the_content(tmp_path: Path) -> None:
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / name).write_bytes(content)
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")
