from __future__ import annotations

import pytest

from gateway.report.columns import columns


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([], []),
        ([("A", "B"), ("long", "x")], ["A     B", "long  x"]),
        ([("A", "B"), ("x", "")], ["A  B", "x"]),
        ([("名", "x"), ("ab", "y"), ("é", "z")], ["名  x", "ab  y", "é   z"]),
        ([("a\x1b[2J\tb", "x"), ("c", "y")], ["a\\x1b[2J\\tb  x", "c            y"]),
    ],
)
def test_cells_stand_below_each_other(rows: list[tuple[str, ...]], lines: list[str]) -> None:
    assert list(columns(rows)) == lines
