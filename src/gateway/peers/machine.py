"""Which machine this is, for choosing Unix sockets: nodes with the same identity can reach each other by one."""

from __future__ import annotations

import hashlib
import os
import platform
import uuid
from pathlib import Path
from typing import Final

IDENTITY_BYTES: Final = 16
_PROC: Final = Path("/proc")


def machine_identity(proc: Path = _PROC) -> str:
    """32 hexadecimal digits, the same until the next boot and for every process of this host and network namespace.

    Two namespaces differ, so containers use TCP between them. Without ``/proc`` the network card's address stands in
    for the boot; where there is none either, each process is a machine of its own and nodes use TCP.
    """
    parts = (_boot(proc), _network(proc), platform.node())
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=IDENTITY_BYTES).hexdigest()


def _boot(proc: Path) -> str:
    try:
        return (proc / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeError):
        return f"{uuid.getnode():012x}"


def _network(proc: Path) -> str:
    """``net:[4026531840]``; empty where there are no namespaces."""
    try:
        return os.readlink(proc / "self/ns/net")
    except OSError:
        return ""
