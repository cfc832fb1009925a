"""How words are cut is tested with the command line, in tests/cli/test_run.py."""

from __future__ import annotations

import pytest

from gateway.settings.pairs import pairs_of


def test_pairs_come_in_order_with_repeats() -> None:
    assert list(pairs_of('A=1 B="x y" A=2')) == [("A", "1"), ("B", "x y"), ("A", "2")]


def test_what_is_no_pair_is_told_when_it_is_reached() -> None:
    with pytest.raises(ValueError, match="'=1' is not K=V"):
        list(pairs_of("=1"))
