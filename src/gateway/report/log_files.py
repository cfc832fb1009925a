"""The logs of stages as files, ``{folder}/{apiId}/{stage}/access.log`` and ``execution.log``, or as tagged output.

Lines are queued and a thread writes them, many at a time, so a slow disk stops no socket. A file that would grow over
its size is set aside as ``access.log.1``, older ones move up, the oldest goes. Nothing is kept open between two
batches, so whoever moves or deletes a file has a new one written. What a line says is not known here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from gateway.model.ids import ApiId, StageName
from gateway.report.report import Report
from gateway.report.times import iso_ms

ACCESS: Final = "access.log"
EXECUTION: Final = "execution.log"
MAX_FILE_BYTES: Final = 10 * 1024 * 1024  # nginx' packages rotate daily, systemd's journal at 128 MiB
KEPT_FILES: Final = 5  # beside the one being written
MAX_PENDING_BYTES: Final = 8 * 1024 * 1024  # seconds of a busy gateway on a disk that stands still
LINGER_S: Final = 0.1  # what comes meanwhile is written together; nobody who follows a file notices
CLOSE_WITHIN_S: Final = 2.0  # for what is still pending at the end

Told = Callable[[str], None]


class LogFiles:
    """Implements ``ports.StageLogs``. ``told`` hears, from the writing thread, of what could not be written."""

    def __init__(
        self,
        folder: Path,
        told: Told,
        *,
        max_file_bytes: int = MAX_FILE_BYTES,
        kept_files: int = KEPT_FILES,
        max_pending_bytes: int = MAX_PENDING_BYTES,
    ) -> None:
        self._folder = folder
        self._told = told
        self._max_file_bytes = max_file_bytes
        self._kept_files = kept_files
        self._max_pending = max_pending_bytes
        self._paths: dict[tuple[ApiId, StageName, str], Path] = {}  # making one costs as much as a line
        self._entries: dict[Path, list[bytes]] = {}
        self._pending = 0
        self._dropped = 0
        self._failing: set[Path] = set()
        self._is_closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def access(self, api_id: ApiId, stage: StageName, line: str) -> None:
        self._put((api_id, stage, ACCESS), _bytes(line))

    def execution(self, api_id: ApiId, stage: StageName, lines: Sequence[tuple[int, str]]) -> None:
        self._put((api_id, stage, EXECUTION), b"".join(_bytes(dated(at_ms, line)) for at_ms, line in lines))

    def close(self, within_s: float = CLOSE_WITHIN_S) -> None:
        """Write what is pending, for at most ``within_s``; lines that come later are lost."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(within_s)

    def _put(self, name: tuple[ApiId, StageName, str], data: bytes) -> None:
        path = self._paths.get(name)
        if path is None:
            path = self._paths[name] = log_file(self._folder, *name)
        with self._changed:
            if self._is_closed or self._pending + len(data) > self._max_pending:
                self._dropped += 1
                return
            if not self._entries:
                self._changed.notify()
            self._entries.setdefault(path, []).append(data)
            self._pending += len(data)
            if self._thread is None:  # a gateway whose stages log nothing needs none
                self._thread = threading.Thread(target=self._run, name="stage logs", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while batch := self._next():
            for path, entries in batch.items():
                self._write(path, entries)
            self._tell_of_dropped()

    def _next(self) -> dict[Path, list[bytes]]:
        """All that has come by a moment after the first; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._entries or self._is_closed)
            self._changed.wait_for(lambda: self._is_closed, LINGER_S)
            batch, self._entries, self._pending = self._entries, {}, 0
            return batch

    def _write(self, path: Path, chunks: list[bytes]) -> None:
        try:
            append(path, chunks, self._max_file_bytes, self._kept_files)
        except OSError as error:
            if path not in self._failing:
                self._told(f"{path} cannot be written, its lines are lost: {error.strerror or error}")
            self._failing.add(path)
        else:
            self._failing.discard(path)

    def _tell_of_dropped(self) -> None:
        with self._changed:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            self._told(f"{dropped} entries are missing in {self._folder}: they came faster than they could be written")


class LogOutput:
    """Implements ``ports.StageLogs`` on standard output, each line tagged with its stage."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def access(self, api_id: ApiId, stage: StageName, line: str) -> None:
        self._report.output("stdout", f"[{api_id}/{stage} access] {line}")

    def execution(self, api_id: ApiId, stage: StageName, lines: Sequence[tuple[int, str]]) -> None:
        for at_ms, line in lines:
            self._report.output("stdout", f"[{api_id}/{stage} execution] {dated(at_ms, line)}")


def log_file(folder: Path, api_id: ApiId, stage: StageName, name: str) -> Path:
    """``name`` is ``access.log`` or ``execution.log``."""
    return folder / api_id / stage / name


def dated(at_ms: int, line: str) -> str:
    """As CloudWatch exports a log: the time to the millisecond, then the line."""
    return f"{iso_ms(at_ms)} {line}"


def append(path: Path, chunks: Iterable[bytes], max_file_bytes: int, kept_files: int) -> None:
    """Write ``chunks`` of whole lines at the end of ``path``; none of them is divided between two files.

    Raises OSError when it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        size = 0
    fitting: list[bytes] = []
    for chunk in chunks:
        if size and size + len(chunk) > max_file_bytes:
            _append(path, fitting)
            rotate(path, kept_files)
            fitting, size = [], 0
        fitting.append(chunk)
        size += len(chunk)
    _append(path, fitting)


def rotate(path: Path, kept_files: int) -> None:
    """``path`` becomes ``path.1``, that ``path.2``, and so on; the oldest is deleted."""
    aged = [path, *(path.with_name(f"{path.name}.{age}") for age in range(1, kept_files + 1))]
    aged[-1].unlink(missing_ok=True)
    for younger, older in reversed(list(pairwise(aged))):
        if younger.exists():
            younger.replace(older)


def _append(path: Path, chunks: list[bytes]) -> None:
    if chunks:
        with path.open("ab") as file:
            file.write(b"".join(chunks))


def _bytes(line: str) -> bytes:
    return line.encode("utf-8", "backslashreplace") + b"\n"
