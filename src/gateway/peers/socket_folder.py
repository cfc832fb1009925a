"""The folder in which the nodes of one machine listen: for this user only, a socket file for each, none of the dead.

A file gets its name when its socket listens already. So a file that refuses to be connected to is of a dead node, and
several nodes may start, and tidy up, at once.
"""

from __future__ import annotations

import errno
import os
import secrets
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from gateway.model.errors import UserError

MAX_PATH_BYTES: Final = 103  # what fits sun_path and its final zero on macOS (104); Linux has 108
BACKLOG: Final = 128  # peers that wait to be accepted; each other node of the machine connects once

_SUFFIX: Final = ".sock"
_DRAFT: Final = ".new"
_NAME_BYTES: Final = 4  # random, as hexadecimal digits
_DRAFT_S: Final = 60.0  # binding and listening take a millisecond; an older draft is of a node that died between


def listen_in(folder: Path) -> tuple[socket.socket, Path]:
    """A listening socket and its path, which is new each time. Makes the folder, or takes it over, with mode 0700.

    Raises UserError when the path is too long, the folder is somebody else's or cannot be used.
    """
    path = folder / (secrets.token_hex(_NAME_BYTES) + _SUFFIX)
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise UserError(
            f"{path} is too long for a Unix socket: {len(os.fsencode(path))} bytes, at most {MAX_PATH_BYTES}",
            "choose a folder with a shorter name",
        )
    try:
        _own(folder)
        _tidy(folder)
        return _listen(path), path
    except OSError as error:
        raise UserError(f"{folder} cannot hold sockets: {error.strerror}", "choose another folder") from error


def _own(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise UserError(f"{folder} belongs to another user", "choose another folder")
    folder.chmod(0o700)


def _tidy(folder: Path) -> None:
    """Remove the files of nodes that are dead."""
    for path in folder.glob(f"*{_SUFFIX}"):
        if _refuses(path):
            path.unlink(missing_ok=True)
    for draft in folder.glob(f"*{_DRAFT}"):
        with suppress(FileNotFoundError):
            if time.time() - draft.stat().st_mtime > _DRAFT_S:
                draft.unlink()


def _refuses(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.setblocking(False)
        return trial.connect_ex(os.fspath(path)) == errno.ECONNREFUSED


def _listen(path: Path) -> socket.socket:
    draft = path.with_suffix(_DRAFT)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        listening.bind(os.fspath(draft))
        listening.listen(BACKLOG)
        draft.rename(path)
    except OSError:
        listening.close()
        draft.unlink(missing_ok=True)
        raise
    return listening
