"""The workers' ready files made into one, for whoever waits for the whole of them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from gateway.model.errors import UserError

Document = Mapping[str, Any]
_OWN: Final = ("pid", "node")  # of each worker; everything else is the same for all


def read_ready(path: Path) -> Document | None:
    """None while a worker does not serve yet."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def merged(documents: Mapping[int, Document], pid: int) -> dict[str, Any]:
    """``documents`` by worker, at least one; ``pid`` is the parent's, which is the process to signal."""
    first = documents[min(documents)]
    common = {name: value for name, value in first.items() if name not in _OWN}
    workers = [{name: documents[index].get(name) for name in _OWN} for index in sorted(documents)]
    return {**common, "pid": pid, "workers": workers}


def write_whole(path: Path, document: Document) -> None:
    """Whoever waits for the file never reads half of it. Raises UserError when it cannot be written."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}", "choose another --ready-file") from error
