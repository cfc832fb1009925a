from __future__ import annotations

from sys import getsizeof

from gateway.engine.line import Line


def test_who_came_first_is_next() -> None:
    line = Line()
    assert line.next() is None
    for content in ("a", b"b", ""):
        line.join(content)
    assert [line.next() for _ in range(4)] == ["a", b"b", "", None]
    assert line.farewell is None


def test_its_size_is_the_memory_of_what_waits() -> None:
    line = Line()
    wide, narrow = "\N{ROCKET}" + "x" * 1_000, "x" * 1_000
    line.join(wide)
    assert line.size == getsizeof(wide) > 4_000, "a text with one such character takes four bytes for each"
    line.join(narrow)
    line.next()
    assert line.size == getsizeof(narrow) < 1_100
    line.next()
    assert line.size == 0


def test_who_is_given_up_is_counted() -> None:
    line = Line()
    for content in ("a", "b", "c"):
        line.join(content)
    line.next()
    assert line.give_up() == 2
    assert (line.next(), line.size, line.give_up()) == (None, 0, 0)
