"""Results survive being written, and become the page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bench.harness.borrowed import IN_C
from bench.harness.figure import Figure, Spread, at_least
from bench.harness.machine import Machine
from bench.harness.pages import BEGINS, ENDS, write_pages
from bench.harness.profile import Profile
from bench.harness.results import Results, document, merged, read
from bench.harness.scenario import Measured, Row, Scenario

MACHINE = Machine(
    "AMD EPYC", 2, 24.0, "Linux 6.18", 20_000, 0.1, "abc1234", "2026-11-28 01:00 UTC", {"Python": "3.11.7"}
)
FIGURES = (
    Figure("dormant.bytes.1000", "bytes", "B", Spread.of([700.0])),
    Figure("dormant.bytes.100000", "bytes", "B", Spread.of([650.0])),
    Figure("broadcast.cpu.1000", "cpu", "µs", Spread.of([15.0]), details={IN_C: 12.0}),
    Figure("post.rate", "posts", "1/s", Spread.of([1.0, 2.0, 3.0]), at_least(2), "so", 0.5, {"more": 1.0}),
    Figure("wsfleet.rss", "wsfleet: memory", "MB", Spread.of([100.0]), note="the product"),
    Figure("wsfleet.post.rate", "wsfleet: posts", "1/s", Spread.of([9.0])),
    Figure("pushpin.rss", "Pushpin: memory", "MB", None, note="not installed: needs root"),
)
PROFILE = Profile(
    "connect", 150.0, 40.0, {"server": 0.75, "engine": 0.248, "model": 0.002}, {"server/lot:2 _read": 0.5}
)
RESULTS = Results(MACHINE, False, 12.3, FIGURES, ("a note",), (PROFILE,))
GATEWAYS = {"wsfleet": "wsfleet", "pushpin": "Pushpin"}
SCENARIO = Scenario("posts", (Row("post.rate", "posts", "1/s"),), lambda bench: {}, "All of it.", (1, 1))


def test_results_are_read_as_they_were_written() -> None:
    assert read(json.loads(json.dumps(document(RESULTS)))) == RESULTS


def test_a_part_that_is_measured_anew_takes_its_place_in_the_whole() -> None:
    anew = Figure("post.rate", "posts", "1/s", Spread.of([5.0]))
    more = Figure("batch.rate", "batches", "1/s", Spread.of([7.0]))
    part = Results(replace(MACHINE, commit="def5678"), False, 1.0, (anew, more))
    names = ["batch.rate", "dormant.bytes.1000", "post.rate", "never.measured"]
    found = merged(RESULTS, part, names)
    assert [figure.name for figure in found.figures] == names[:3]
    assert found.by_name["post.rate"] == replace(anew, commit="def5678")
    assert found.by_name["post.rate"].notes == "of commit def5678"
    assert found.by_name["dormant.bytes.1000"] == FIGURES[0]
    assert (found.machine, found.notes) == (MACHINE, RESULTS.notes)
    assert read(json.loads(json.dumps(document(found)))) == found


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format"):
        read({"format": 99})


def test_a_measurement_of_less_is_not_judged() -> None:
    row = Row("a", "A", "1/s", at_least(5))
    assert Measured([1.0], is_judged=False).as_figure(row).goal is None
    assert Measured([1.0]).as_figure(row).goal == at_least(5)
    assert row.unmeasured("why").note == "why"


def test_the_page_keeps_its_words_and_gets_its_figures(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# Performance\n\n{BEGINS}\nold\n{ENDS}\n\nLast words.\n", encoding="utf-8")
    written = write_pages(tmp_path, RESULTS, [SCENARIO], GATEWAYS)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Performance\n") and text.endswith("\nLast words.\n") and "old" not in text
    assert "| posts | 2 1/s | 1-3 | ≥ 2 | yes | so; more 1 |" in text
    assert "* Pushpin: not measured: not installed: needs root" in text
    assert "**posts**: All of it." in text
    assert "| a connect: 150 µs, 40 of them in the kernel | µs | share | functions | share |" in text
    assert "| server | 112.5 | 75% | `server/lot:2 _read` | 50% |" in text
    assert "| engine | 37.2 | 25% |  |  |" in text
    assert "model" not in text
    assert read(json.loads((tmp_path / "plots" / "figures.json").read_text(encoding="utf-8"))) == RESULTS
    plots = [path for path in written if path.suffix == ".svg"]
    assert {path.name for path in plots} == {"broadcast-by-sockets.svg", "bytes-by-sockets.svg", "posts.svg"}
    assert IN_C in (tmp_path / "plots" / "broadcast-by-sockets.svg").read_text(encoding="utf-8")
    for plot in plots:
        ElementTree.parse(plot)
        assert f"plots/{plot.name}" in text


def test_a_page_without_a_place_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "performance.md").write_text("# Performance\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no place"):
        write_pages(tmp_path, RESULTS, [SCENARIO], GATEWAYS)


def test_the_projects_page_has_the_place() -> None:
    text = (Path(__file__).parents[2] / "docs" / "performance.md").read_text(encoding="utf-8")
    assert text.count(BEGINS) == text.count(ENDS) == 1
