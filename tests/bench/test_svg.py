"""Plots are well-formed, and as large as what they show."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from bench.harness.svg import Bar, Line, bars, lines

SVG = "{http://www.w3.org/2000/svg}"


def test_bars_are_as_long_as_their_values() -> None:
    drawn = ElementTree.fromstring(
        bars("a < b & c", [Bar("one", 50.0), Bar("two", 100.0), Bar("<none>", None, "why & how")], "1/s")
    )
    widths = [float(each.attrib["width"]) for each in drawn.iter(f"{SVG}rect")]
    assert len(widths) == 2
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.01)
    assert "why & how" in [each.text for each in drawn.iter(f"{SVG}text")]
    assert drawn.findtext(f"{SVG}title") == "a < b & c"


def test_nothing_measured_is_still_a_picture() -> None:
    assert not list(ElementTree.fromstring(bars("t", [Bar("one", None)], "s")).iter(f"{SVG}rect"))


def test_lines_go_through_their_points() -> None:
    points = [(1_000.0, 500.0), (10_000.0, 500.0), (100_000.0, 250.0)]
    drawn = ElementTree.fromstring(lines("t", [Line("wsfleet", points)], "sockets", "B"))
    places = [(float(each.attrib["cx"]), float(each.attrib["cy"])) for each in drawn.iter(f"{SVG}circle")]
    assert places[0][1] == places[1][1] < places[2][1]
    assert places[1][0] - places[0][0] == pytest.approx(places[2][0] - places[1][0], abs=0.2)
    assert "100,000" in [each.text for each in drawn.iter(f"{SVG}text")]


def test_one_point_is_a_line() -> None:
    assert len(list(ElementTree.fromstring(lines("t", [Line("a", [(5.0, 5.0)])], "x", "y")).iter(f"{SVG}circle"))) == 1
