"""Figures as text."""

from __future__ import annotations

from bench.harness.figure import Figure, Spread, at_most
from bench.harness.table import compared, markdown, padded, ratio, row_of, terminal

MISSED = Figure(
    "connect.cpu", "CPU per connect", "µs", Spread(130.0, 99.0, 140.0, 5), at_most(120), "so", 0.9, {"x": 2.0}
)
ABSENT = Figure("post.rate", "posts per second", "1/s", None, at_most(1), "no compiler")


def figure(name: str, value: float | None) -> Figure:
    return Figure(name, name, "µs", None if value is None else Spread.of([value]))


def test_a_row_says_figure_range_goal_and_verdict() -> None:
    assert row_of(MISSED) == (
        "CPU per connect",
        "130 µs",
        "99-140",
        "≤ 120",
        "no",
        "so; the client took 90% of a core: it may be the bottleneck; x 2",
    )


def test_what_was_not_measured_is_a_row_with_its_reason() -> None:
    assert row_of(ABSENT) == ("posts per second", "not measured", "", "≤ 1", "-", "no compiler")


def test_a_figure_of_one_run_has_no_range() -> None:
    assert row_of(figure("a", 3.0))[2] == "1 run"


def test_columns_of_the_terminal_stand_below_each_other() -> None:
    lines = terminal([MISSED, ABSENT]).splitlines()
    assert len(lines) == 5
    assert lines[0].index("goal") + len("goal") == lines[1].index("≤ 120") + len("≤ 120")
    assert "no compiler" in lines[4]


def test_bars_within_cells_are_escaped() -> None:
    assert markdown(("a", "b"), [("x|y", "z")]) == "| a | b |\n| --- | --- |\n| x\\|y | z |"


def test_peers_are_shown_as_multiples_of_the_product() -> None:
    figures = {each.name: each for each in (figure("wsfleet.post.cpu", 50.0), figure("aiohttp.post.cpu", 100.0))}
    row = next(row for row in compared(figures, ("wsfleet", "aiohttp", "pushpin")) if row[0].startswith("CPU per post"))
    assert row[1:] == ["50", "100 (2x)", "not run"]


def test_without_a_figure_of_its_own_the_product_has_no_ratios() -> None:
    figures = {each.name: each for each in (figure("wsfleet.post.cpu", None), figure("aiohttp.post.cpu", 100.0))}
    assert ratio(figures, "post.cpu", "aiohttp") is None
    assert ratio({}, "post.cpu", "aiohttp") is None


def test_padding() -> None:
    assert padded(("a", "b"), [("long", "1")]) == "a     b\nlong  1"
