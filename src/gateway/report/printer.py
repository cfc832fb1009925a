"""Standard output and standard error that never make the gateway wait.

A terminal stopped by Ctrl-S or a pager that shows its first page stops whoever writes to it; a gateway that stopped
would stop every socket. So lines are queued and a thread writes them: the first at once, then what gathers within a
moment together, for waking a thread costs whoever prints more than everything else about a line. When the reader does
not keep up, lines are dropped and counted; when it went away, they are dropped silently.
"""

from __future__ import annotations

import io
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import groupby
from operator import itemgetter
from types import TracebackType
from typing import Any, Final, TextIO

MAX_PENDING_BYTES: Final = 8 * 1024 * 1024  # a few seconds of a busy terminal
CLOSE_WITHIN_S: Final = 1.0  # for what is still pending at the end
_GATHER_S: Final = 0.01  # behind a write, for lines to come together in the next
_WRITE_BYTES: Final = 64 * 1024  # about as much is written at once
_RETRY_S: Final = 0.5  # how long to wait for a non-blocking terminal to take more

Sink = Callable[[bytes], None]


def missing(count: int) -> bytes:
    """What a person reads where lines were dropped."""
    return f"warning: {count} lines are missing here: they came faster than they were read\n".encode()


class Printer:
    """``out`` and ``err`` are text streams whose writes return at once and never raise; order between them is kept.

    A stream that is None (closed by whoever started us) swallows everything. ``lost`` says how many were dropped.
    """

    def __init__(
        self,
        out: TextIO | None,
        err: TextIO | None,
        max_pending_bytes: int = MAX_PENDING_BYTES,
        lost: Callable[[int], bytes] = missing,
    ) -> None:
        self._max_pending = max_pending_bytes
        self._lost = lost
        self._queue: deque[tuple[Sink, bytes]] = deque()
        self._pending = 0
        self._dropped: dict[Sink, int] = {}
        self._gone: set[Sink] = set()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._is_awaited = False  # the next line, by the thread
        self.out = self._stream(out)
        self.err = self._stream(err)
        self._thread = threading.Thread(target=self._run, name="printer", daemon=True)
        self._thread.start()

    def __enter__(self) -> Printer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self, within_s: float = CLOSE_WITHIN_S) -> None:
        """Write what is pending, for at most ``within_s``; what a reader has not taken by then is lost."""
        with self._lock:
            self._closing.set()
            self._changed.notify()
        self._thread.join(within_s)

    def _stream(self, real: TextIO | None) -> TextIO:
        encoding = getattr(real, "encoding", None) or "utf-8"
        queue = io.BufferedWriter(_Queue(partial(self._put, _sink(real))))
        return io.TextIOWrapper(queue, encoding, errors="backslashreplace", newline="\n", line_buffering=True)

    def _put(self, sink: Sink, data: bytes) -> None:
        with self._lock:
            if sink in self._gone or self._closing.is_set():
                return
            if self._pending + len(data) > self._max_pending:
                self._dropped[sink] = self._dropped.get(sink, 0) + 1
                return
            self._queue.append((sink, data))
            self._pending += len(data)
            if self._is_awaited:
                self._is_awaited = False
                self._changed.notify()

    def _run(self) -> None:
        while taken := self._take():
            for sink, lines in groupby(taken, itemgetter(0)):
                try:
                    sink(b"".join([line for _, line in lines]))
                except (OSError, ValueError):  # a closed pipe or stream: nobody is watching any more
                    with self._lock:
                        self._gone.add(sink)
            if not self._queue:
                self._closing.wait(_GATHER_S)

    def _take(self) -> list[tuple[Sink, bytes]]:
        """What to write next; what was dropped is told once there is room again. Nothing at the end."""
        taken: list[tuple[Sink, bytes]] = []
        with self._lock:
            self._is_awaited = True
            self._changed.wait_for(lambda: self._queue or self._dropped or self._closing.is_set())
            self._is_awaited = False
            size = 0
            while self._queue and size < _WRITE_BYTES:
                taken.append(self._queue.popleft())
                size += len(taken[-1][1])
            self._pending -= size
            if not taken and self._dropped:
                sink, count = self._dropped.popitem()
                taken.append((sink, self._lost(count)))
        return taken


class _Queue(io.RawIOBase):
    """What the text layer writes to."""

    def __init__(self, put: Sink) -> None:
        super().__init__()
        self._put = put

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        taken = bytes(data)
        self._put(taken)
        return len(taken)


def _sink(stream: TextIO | None) -> Sink:
    """Writes past the stream's own buffer: its lock must not be held by a thread when the interpreter ends."""
    if stream is None:
        return _nowhere
    try:
        stream.flush()
        return partial(_write_whole, stream.fileno())
    except (OSError, ValueError):  # not a file of the system: an embedder's own
        return partial(_write_text, stream)


def _nowhere(data: bytes) -> None:
    del data


def _write_whole(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:  # whoever shares the terminal made it non-blocking
            select.select([], [fd], [], _RETRY_S)


def _write_text(stream: TextIO, data: bytes) -> None:
    stream.write(data.decode(getattr(stream, "encoding", None) or "utf-8"))
    stream.flush()
