from __future__ import annotations

import pytest

from gateway.sharing import MAX_MAPPINGS, SharedMappings, shared_text


def test_equal_texts_are_one_object() -> None:
    one, other = ("".join(["agent", "/1.0"]) for _ in range(2))
    assert one is not other
    assert shared_text(one) is shared_text(other)


def test_equal_mappings_are_one_object() -> None:
    shared = SharedMappings()
    first = shared.of({"principalId": "u", "level": "3"})
    assert shared.of({"principalId": "u", "level": "3"}) is first
    assert shared.of({"principalId": "v", "level": "3"}) is not first
    assert shared.of(None) is None


def test_another_order_is_another_mapping() -> None:
    """Events show members in the authorizer's order."""
    shared = SharedMappings()
    assert list(shared.of({"a": "1", "b": "2"}) or ()) == ["a", "b"]
    assert list(shared.of({"b": "2", "a": "1"}) or ()) == ["b", "a"]


@pytest.mark.parametrize("extra", [1, 50])
def test_only_so_many_are_remembered(extra: int) -> None:
    shared = SharedMappings()
    first = shared.of({"n": "0"})
    for number in range(1, MAX_MAPPINGS + extra):
        shared.of({"n": str(number)})
    assert shared.of({"n": "0"}) is not first
