from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.model.errors import UserError
from gateway.workers.ready_files import merged, read_ready, write_whole


@pytest.mark.parametrize(
    ("content", "found"), [(None, None), ("", None), ("{", None), ("[]", None), ('{"pid": 1}', {"pid": 1})]
)
def test_reading(tmp_path: Path, content: str | None, found: dict[str, int] | None) -> None:
    path = tmp_path / "ready.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert read_ready(path) == found


def test_workers_stand_in_order_and_the_rest_is_said_once() -> None:
    documents = {
        2: {"websocket_url": "ws://x", "pid": 12, "node": 7},
        0: {"websocket_url": "ws://x", "pid": 10, "node": 9},
    }
    assert merged(documents, 5) == {
        "websocket_url": "ws://x",
        "pid": 5,
        "workers": [{"pid": 10, "node": 9}, {"pid": 12, "node": 7}],
    }


def test_writing_leaves_no_draft(tmp_path: Path) -> None:
    write_whole(tmp_path / "ready.json", {"a": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["ready.json"]
    assert json.loads((tmp_path / "ready.json").read_text(encoding="utf-8")) == {"a": 1}


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written: No such file or directory"):
        write_whole(tmp_path / "nope" / "ready.json", {})
