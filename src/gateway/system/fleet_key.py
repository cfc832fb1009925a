"""The secret in every connection ID, kept between runs: IDs of an earlier one are known to be gone, not forged."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from gateway.model.errors import UserError
from gateway.model.ids import MAX_NODE_NUMBER, NodeNumber
from gateway.system.private_file import check_private

KEY_BYTES = 32


def fleet_key(path: Path) -> bytes:
    """The key in ``path``, made on first use, readable by this user only. Raises UserError when it is damaged, or
    others may read it."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path)
        check_private(path)
        key = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be used: {error.strerror}", "make it readable for this user only") from error
    if len(key) != KEY_BYTES:
        raise UserError(
            f"{path} is damaged",
            "restore it; for a fleet copy another node's. Deleted, it is made anew: IDs of before are then unknown",
        )
    return key


def fresh_node_number() -> NodeNumber:
    """A number for one incarnation of a node that is alone: 32 random bits."""
    return NodeNumber(secrets.randbelow(MAX_NODE_NUMBER) + 1)


def _make(path: Path) -> None:
    """Several gateways that start at once agree: the file appears whole, and only once."""
    if path.exists():
        return
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # for this user only
    try:
        with open(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)
