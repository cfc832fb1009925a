from __future__ import annotations

from gateway.engine.line import Line


def test_who_came_first_is_next() -> None:
    line = Line()
    assert line.next() is None
    for content in ("a", b"b", ""):
        line.join(content)
    assert [line.next() for _ in range(4)] == ["a", b"b", "", None]
    assert line.farewell is None
