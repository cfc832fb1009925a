"""Files that hold secrets: nobody but their user reads them, or a program that is given the right by their group."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

from gateway.model.errors import UserError

PRIVATE_UMASK: Final = 0o077  # of whatever this program creates
_TOO_MUCH: Final = stat.S_IWGRP | stat.S_IRWXO  # a group may read: that is how Kubernetes and systemd hand secrets over


def check_private(path: Path) -> None:
    """Raises UserError when others may read ``path``, or its group may change it. What is not there is no problem."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"{path} cannot be used: {error.strerror}", "make it readable for this user only") from error
    if mode & _TOO_MUCH:
        what = "changed" if mode & (stat.S_IWGRP | stat.S_IWOTH) else "read"
        raise UserError(
            f"{path} is a secret, and can be {what} by other users of this machine (mode {stat.S_IMODE(mode):04o})",
            f"chmod 600 {path}; where others have had the time to read it, make a new one",
        )
