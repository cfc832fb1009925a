"""docs/parity.md and the markers of the tests agree: rows are shown, markers have rows, names lead somewhere."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
TESTS = PROJECT / "tests"
PACKAGE = PROJECT / "src" / "gateway"
SECTION = re.compile(r"^## (\d+)\. ", re.M)
ROW = re.compile(r"^\| (P-[^|]*?) \| (.+?) \| ([^|]+?) \| ([^|]+?) \| ([^|]+?) \| ([^|]+?) \|$", re.M)
SOURCE = re.compile(r"^\| ([SK]\d+) \| .+ \|$", re.M)
KEY = re.compile(r"\b[SK]\d+\b")
STATUS = re.compile(r"same|assumed|(?:differs on purpose|not built): \S.*")


@dataclass(frozen=True)
class Row:
    id: str
    behaviour: str
    source: str
    where: str
    tests: tuple[str, ...]
    status: str

    @property
    def is_built(self) -> bool:
        return not self.status.startswith("not built")


@cache
def text() -> str:
    return (PROJECT / "docs" / "parity.md").read_text(encoding="utf-8")


@cache
def rows() -> tuple[Row, ...]:
    return tuple(
        Row(id, behaviour, source, where.strip("`"), tuple(re.findall(r"`([^`]+)`", tests)), status)
        for id, behaviour, source, where, tests, status in ROW.findall(text().replace(r"\|", "¦"))
    )


def marks_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.parity":
            for argument in decorator.args:
                assert isinstance(argument, ast.Constant), f"{function.name}: a row's ID is written out"
                yield str(argument.value)


@cache
def marked() -> dict[str, set[str]]:
    """The tests of each row as ``path::name``, collected without running or importing any."""
    found = defaultdict(set)
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for row_id in marks_of(node):
                    found[row_id].add(f"{path.relative_to(TESTS).as_posix()}::{node.name}")
    return dict(found)


def test_the_table_covers_every_section_of_the_reference() -> None:
    assert [int(number) for number in SECTION.findall(text())] == list(range(1, 12))
    assert len(rows()) > 150
    assert len(rows()) == len(re.findall(r"^\| P-", text(), re.M)), "a row is not of six cells"


def test_ids_are_unique_and_ascend() -> None:
    ids = [row.id for row in rows()]
    assert [row_id for row_id in ids if not re.fullmatch(r"P-\d{3}", row_id)] == []
    assert ids == sorted(set(ids))


def test_every_row_has_a_status_of_the_four() -> None:
    assert [row.id for row in rows() if not STATUS.fullmatch(row.status)] == []


def test_every_row_that_is_built_has_a_test() -> None:
    assert [row.id for row in rows() if row.is_built and row.id not in marked()] == []


def test_no_row_that_is_not_built_has_one() -> None:
    assert [row.id for row in rows() if not row.is_built and (row.id in marked() or row.tests)] == []


def test_every_marker_has_its_row() -> None:
    assert set(marked()) - {row.id for row in rows()} == set()


def test_the_tests_a_row_names_show_it() -> None:
    wrong = {row.id: sorted(set(row.tests) - marked().get(row.id, set())) for row in rows() if row.is_built}
    assert {row_id: names for row_id, names in wrong.items() if names} == {}
    assert [row.id for row in rows() if row.is_built and not row.tests] == []


def test_the_modules_a_row_names_exist() -> None:
    named = {row.id: row.where for row in rows() if row.is_built}
    assert {row_id: where for row_id, where in named.items() if not (PACKAGE / where).is_file()} == {}


def test_sources_are_known_and_all_of_them_are_used() -> None:
    known = set(SOURCE.findall(text()))
    used = {key for row in rows() for key in KEY.findall(row.source)}
    assert used == known
    assert [row.id for row in rows() if not re.match(r"[CDEI?] |[I?-]$", row.source)] == []


def test_what_has_no_source_or_contradicting_ones_is_not_the_same() -> None:
    doubtful = [row for row in rows() if row.source.startswith(("?", "-"))]
    assert [row.id for row in doubtful if row.status == "same"] == []


@pytest.mark.parametrize(
    "decorated",
    ["@pytest.mark.parity('P-001', 'P-002')\ndef f(): ...", "@pytest.mark.parity('P-001')\nasync def f(): ..."],
)
def test_the_collector_reads_markers(decorated: str) -> None:
    (function,) = ast.parse(decorated).body
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    assert next(marks_of(function)) == "P-001"
