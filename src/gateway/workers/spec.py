"""What a worker is told by its parent, and how it learns that its parent is gone.

Both go through the worker's standard input: one line of JSON, so that nothing secret stands on a command line, and
then nothing any more until it ends, which it does with the parent, however that dies.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from gateway.settings import ServeSettings, document_of, from_document

STDIN: Final = 0
LEFT: Final = 0  # exit status of a worker that drained and left, whoever asked: it is not replaced
_READ_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """``index`` counts from 0; ``ready_file`` is this worker's own. ``settings`` are those of all of them; their ports
    are numbers by now, which somebody keeps, and to be bound ``shared``."""

    index: int
    ready_file: Path
    settings: ServeSettings

    def line(self) -> bytes:
        """What ``read_spec`` reads."""
        document = {
            "index": self.index,
            "ready_file": str(self.ready_file),
            "settings": document_of(self.settings),
        }
        return json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"


def read_spec(stream: BinaryIO) -> WorkerSpec:
    """From a worker's standard input, unbuffered. Raises ValueError for what no parent of this version has written."""
    try:
        document = json.loads(stream.readline())
        return WorkerSpec(int(document["index"]), Path(document["ready_file"]), from_document(document["settings"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not from a parent: {error}") from error


async def parents_end(fd: int = STDIN) -> None:
    """Returns once the parent has closed its end, or died."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def readable() -> None:
        try:
            data = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            ended.set()

    loop.add_reader(fd, readable)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(fd)
