from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.hot_value import hot_value


@hot_value
class Point:
    x: int
    y: int = 0


def test_it_is_a_value() -> None:
    assert Point(1) == Point(1, 0) != Point(1, 2)
    assert len({Point(1), Point(1, 0), Point(2)}) == 2
    assert repr(Point(1)) == "Point(x=1, y=0)"
    assert replace(Point(1), y=3) == Point(1, 3)


def test_it_matches_by_place() -> None:
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)


def test_it_has_no_room_for_more() -> None:
    with pytest.raises(AttributeError):
        Point(1).z = 1  # type: ignore[attr-defined]


def test_the_type_checker_holds_it_frozen() -> None:
    """Without the complaint that is silenced here mypy would complain of the silencing."""
    Point(1).x = 2  # type: ignore[misc]
