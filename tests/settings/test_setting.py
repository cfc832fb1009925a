from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from gateway.settings.kinds import Json, Pairs, Whole, Word
from gateway.settings.setting import about, settings_of, shown


@dataclass(frozen=True, slots=True)
class Sample:
    max_items: int = field(default=3, metadata=about(Whole(1, 9), "How many.", "items", also=("ITEMS",)))
    name: str | None = field(default=None, metadata=about(Word(), "Whose.", default="yours"))
    pairs: Mapping[str, str] = field(default_factory=dict, metadata=about(Pairs(), "What."))


def test_a_field_says_what_it_is() -> None:
    items, name, pairs = settings_of(Sample)
    assert (items.name, items.variable, items.flag) == ("max_items", "WSFLEET_MAX_ITEMS", "--max-items")
    assert (items.about.doc, items.about.unit, items.about.also) == ("How many.", "items", ("ITEMS",))
    assert [each.default for each in (items, name, pairs)] == [3, None, {}]
    assert [each.shown_default for each in (items, name, pairs)] == ["3", "yours", "-"]


def test_the_class_itself_is_an_ordinary_one() -> None:
    assert Sample() == Sample(3, None, {})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (1_000_000, "1000000"),
        (0.5, "0.5"),
        (10.0, "10"),
        ("x", "x"),
        ({}, "-"),
        ({"A": "1", "B": "2"}, "A=1 B=2"),
    ],
)
def test_values_for_a_person(value: Json, text: str) -> None:
    assert shown(value) == text
