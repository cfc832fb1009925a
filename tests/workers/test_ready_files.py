from __future__ import annotations

from pathlib import Path

import pytest

from gateway.workers.ready_files import merged, read_ready


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
        0: {"websocket_url": "ws://x", "pid": 10, "node": 9, "workers": [{"pid": 10, "node": 9}]},
    }
    assert merged(documents, 5) == {
        "websocket_url": "ws://x",
        "pid": 5,
        "workers": [{"pid": 10, "node": 9}, {"pid": 12, "node": 7}],
    }
