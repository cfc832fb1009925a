from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.model.errors import UserError
from gateway.system.ready_file import write_ready_file


def test_writing_leaves_no_draft(tmp_path: Path) -> None:
    write_ready_file(tmp_path / "ready.json", {"a": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["ready.json"]
    assert json.loads((tmp_path / "ready.json").read_text(encoding="utf-8")) == {"a": 1}


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written: No such file or directory"):
        write_ready_file(tmp_path / "nope" / "ready.json", {})
