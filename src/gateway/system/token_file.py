"""A secret that an operator put into a file: one line, read once."""

from __future__ import annotations

from pathlib import Path

from gateway.model.errors import UserError
from gateway.system.private_file import check_private


def read_token(path: Path | None) -> str | None:
    """What the file holds without white space around it; None where there is no file. Raises UserError, also where
    others can read or change it."""
    if path is None:
        return None
    check_private(path)
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not ASCII"
        raise UserError(f"the token in {path} cannot be read: {why}", "name a file that holds one line") from error
    if not token:
        raise UserError(f"the token in {path} is empty", "write a long random one into it")
    if len(token.split()) > 1:
        raise UserError(f"the token in {path} is more than one word", "write one line without blanks into it")
    return token
