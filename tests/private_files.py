"""Who may do what with files that a program has made."""

from __future__ import annotations

import stat
from pathlib import Path


def open_to_others(folder: Path) -> list[str]:
    """What others than its user may do anything with; links lead to what has a mode of its own."""
    found = [folder, *folder.rglob("*")]
    return [f"{path} {stat.filemode(path.lstat().st_mode)}" for path in found if _is_open(path.lstat().st_mode)]


def _is_open(mode: int) -> bool:
    return not stat.S_ISLNK(mode) and bool(mode & 0o077)
