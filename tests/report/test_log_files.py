from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.model.ids import ApiId, StageName
from gateway.model.now import Now
from gateway.report.console import Console
from gateway.report.log_files import (
    ACCESS,
    EXECUTION,
    LogFiles,
    LogOutput,
    append,
    dated,
    log_file,
    rotate,
)

API, DEV = ApiId("a1b2c3d4e5"), StageName("dev")
DEADLINE_S = 10.0


class Told:
    """What a person was told, from whichever thread."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.came = threading.Event()

    def __call__(self, text: str) -> None:
        self.texts.append(text)
        self.came.set()


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < end, "it never came about"
        threading.Event().wait(0.005)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def logs(tmp_path: Path, told: Told) -> Iterator[LogFiles]:
    made = LogFiles(tmp_path, told)
    yield made
    made.close()
    assert told.texts == []


@pytest.mark.parity("P-465", "P-475")
def test_each_stage_has_its_files(logs: LogFiles, tmp_path: Path) -> None:
    logs.access(API, DEV, "one")
    logs.execution(API, DEV, [(1_790_328_005_217, "(r) a"), (1_790_328_005_218, "(r) b")])
    logs.access(API, StageName("prod"), "two")
    logs.access(API, DEV, "three ünïcödé")
    logs.close()
    assert files_in(tmp_path / API / "dev") == {
        "access.log": "one\nthree ünïcödé\n".encode(),
        "execution.log": b"2026-09-25T09:20:05.217Z (r) a\n2026-09-25T09:20:05.218Z (r) b\n",
    }
    assert files_in(tmp_path / API / "prod") == {"access.log": b"two\n"}


def test_lines_are_there_soon_and_not_only_at_the_end(logs: LogFiles, tmp_path: Path) -> None:
    path = log_file(tmp_path, API, DEV, ACCESS)
    logs.access(API, DEV, "one")
    until(lambda: path.exists() and path.read_bytes() == b"one\n")
    logs.access(API, DEV, "two")
    until(lambda: path.read_bytes() == b"one\ntwo\n")


def test_what_was_there_stays(logs: LogFiles, tmp_path: Path) -> None:
    append(log_file(tmp_path, API, DEV, ACCESS), [b"before\n"], 1000, 1)
    logs.access(API, DEV, "after")
    logs.close()
    assert files_in(tmp_path / API / DEV) == {"access.log": b"before\nafter\n"}


def test_a_file_that_somebody_moved_is_begun_anew(logs: LogFiles, tmp_path: Path) -> None:
    path = log_file(tmp_path, API, DEV, ACCESS)
    logs.access(API, DEV, "one")
    until(lambda: size_of(path) == 4)
    path.rename(path.with_name("moved"))
    logs.access(API, DEV, "two")
    until(lambda: size_of(path) == 4)
    assert files_in(path.parent) == {"moved": b"one\n", "access.log": b"two\n"}


def test_nothing_is_started_for_stages_that_log_nothing(tmp_path: Path, told: Told) -> None:
    count = threading.active_count()
    logs = LogFiles(tmp_path / "logs", told)
    logs.close()
    assert threading.active_count() == count
    assert not (tmp_path / "logs").exists()


def test_what_comes_after_the_end_is_lost_and_not_an_error(logs: LogFiles, tmp_path: Path) -> None:
    logs.access(API, DEV, "one")
    logs.close()
    logs.access(API, DEV, "two")
    assert files_in(tmp_path / API / DEV) == {"access.log": b"one\n"}


def test_many_lines_keep_their_order(logs: LogFiles, tmp_path: Path) -> None:
    lines = [f"line {number}" for number in range(5_000)]
    for line in lines:
        logs.access(API, DEV, line)
    logs.close()
    assert (tmp_path / API / DEV / ACCESS).read_text(encoding="utf-8").splitlines() == lines


def test_what_does_not_fit_is_counted(tmp_path: Path, told: Told) -> None:
    logs = LogFiles(tmp_path, told, max_pending_bytes=10)
    for line in ("12345", "67890", "1234"):
        logs.access(API, DEV, line)
    logs.close(DEADLINE_S)
    assert files_in(tmp_path / API / DEV) == {"access.log": b"12345\n"}
    assert told.texts == [f"2 entries are missing in {tmp_path}: they came faster than they could be written"]


def test_a_place_that_cannot_be_written_is_told_once_and_tried_again(tmp_path: Path, told: Told) -> None:
    blocked = tmp_path / API
    blocked.write_text("a file where a folder must be", encoding="utf-8")
    logs = LogFiles(tmp_path, told)
    logs.access(API, DEV, "lost")
    assert told.came.wait(DEADLINE_S)
    logs.access(API, DEV, "lost too")
    logs.access(ApiId("zzzzzzzzzz"), DEV, "written after it")
    until(log_file(tmp_path, ApiId("zzzzzzzzzz"), DEV, ACCESS).exists)
    blocked.unlink()
    logs.access(API, DEV, "kept")
    logs.close(DEADLINE_S)
    (text,) = told.texts
    assert text.startswith(f"{log_file(tmp_path, API, DEV, ACCESS)} cannot be written, its lines are lost: ")
    assert (tmp_path / API / DEV / ACCESS).read_bytes().endswith(b"kept\n")


def test_files_are_set_aside_when_they_are_full(tmp_path: Path) -> None:
    path = tmp_path / "a" / "access.log"
    for number in range(5):
        append(path, [b"%d-34567\n" % number, b"%d-ab\n" % number], max_file_bytes=14, kept_files=2)
    assert files_in(path.parent) == {
        "access.log": b"4-34567\n4-ab\n",
        "access.log.1": b"3-34567\n3-ab\n",
        "access.log.2": b"2-34567\n2-ab\n",
    }


@pytest.mark.parametrize(
    ("chunks", "files"),
    [
        ([b"12345\n", b"6789\n"], {"access.log": b"6789\n", "access.log.1": b"12345\n"}),
        ([b"123\n", b"456\n", b"7\n"], {"access.log": b"123\n456\n7\n"}),
        ([b"longer than a file may be\n"], {"access.log": b"longer than a file may be\n"}),
        (
            [b"longer than a file may be\n", b"1\n"],
            {"access.log": b"1\n", "access.log.1": b"longer than a file may be\n"},
        ),
        ([], {}),
    ],
)
def test_an_entry_is_never_divided(tmp_path: Path, chunks: list[bytes], files: dict[str, bytes]) -> None:
    append(tmp_path / "access.log", chunks, max_file_bytes=10, kept_files=3)
    assert files_in(tmp_path) == files


def test_a_gap_among_the_old_files_is_closed_up_to_it(tmp_path: Path) -> None:
    path = tmp_path / EXECUTION
    path.write_bytes(b"0")
    path.with_name("execution.log.2").write_bytes(b"2")
    rotate(path, 3)
    assert files_in(tmp_path) == {"execution.log.1": b"0", "execution.log.3": b"2"}


def test_rotating_without_keeping_any(tmp_path: Path) -> None:
    path = tmp_path / ACCESS
    path.write_bytes(b"0")
    rotate(path, 0)
    rotate(path, 0)
    assert files_in(tmp_path) == {}


class Noon:
    def now(self) -> Now:
        return Now(0, 0)


def test_output_is_tagged() -> None:
    out, err = io.StringIO(), io.StringIO()
    logs = LogOutput(Console(out, err, Noon()))
    logs.access(API, DEV, '{"a":"b"}')
    logs.execution(API, DEV, [(0, "(r) a"), (1, "(r) b")])
    assert err.getvalue() == ""
    assert out.getvalue().splitlines() == [
        '[a1b2c3d4e5/dev access] {"a":"b"}',
        "[a1b2c3d4e5/dev execution] 1970-01-01T00:00:00.000Z (r) a",
        "[a1b2c3d4e5/dev execution] 1970-01-01T00:00:00.001Z (r) b",
    ]


def test_times() -> None:
    assert dated(1_790_328_005_007, "x") == "2026-09-25T09:20:05.007Z x"
