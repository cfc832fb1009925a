"""Small files, read whole: what stands in them, what they look like, and whether others may read or change them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from stat import S_IMODE, S_ISREG
from typing import Final

MAX_BYTES: Final = 1024 * 1024
_OTHERS_READ: Final = 0o004
_OTHERS_CHANGE: Final = 0o022

Look = tuple[int, int, int, int, int] | None
"""Device, inode, permissions, size and time of change; None for what cannot be looked at."""


class Unreadable(Exception):
    """The message is the end of a sentence that begins with the file's name."""


@dataclass(frozen=True, slots=True)
class Text:
    """``mode`` are the permissions."""

    text: str
    mode: int

    @property
    def is_others(self) -> bool:
        """Whether somebody else may change it, who would then decide who may do what."""
        return bool(self.mode & _OTHERS_CHANGE)

    @property
    def fault(self) -> str | None:
        """Why nothing secret may stand here."""
        if self.mode & _OTHERS_READ:
            return f"everybody on this machine may read it (mode {self.mode:04o}): chmod 600"
        return None


def look_at(path: Path) -> Look:
    """Changes whenever the file does."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns


def read_text(path: Path) -> Text:
    """UTF-8. Raises Unreadable."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            found = os.fstat(file.fileno())
            if not S_ISREG(found.st_mode):
                raise Unreadable("is no file")
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise Unreadable(f"is larger than {MAX_BYTES // 2**20} MiB")
    try:
        return Text(data.decode("utf-8-sig").replace("\r\n", "\n"), S_IMODE(found.st_mode))
    except UnicodeDecodeError:
        raise Unreadable("is not UTF-8 text") from None


def _without_waiting(path: str, flags: int) -> int:
    """A pipe that nobody writes to would be waited for."""
    return os.open(path, flags | os.O_NONBLOCK)
