"""The file that says that everything serves, for whoever waits for it: it appears whole, never half."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.model.errors import UserError


def write_ready_file(path: Path, document: Mapping[str, Any]) -> None:
    """Put the whole document in place at once. Raises UserError when it cannot be written."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}", "choose another --ready-file") from error
