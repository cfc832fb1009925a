"""The workers' ready files made into one, for whoever waits for the whole of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

Document = Mapping[str, Any]
_OWN: Final = ("pid", "node")  # of each worker


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
