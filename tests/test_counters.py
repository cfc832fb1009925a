from __future__ import annotations

from gateway.counters import Counters, Limit


def test_limits_have_names_of_their_own() -> None:
    labels = [limit.label for limit in Limit]
    assert len(set(labels)) == len(labels)
    assert all(label.replace("_", "").isalpha() for label in labels)
    assert all(limit.consequence for limit in Limit)


def test_counting() -> None:
    counters = Counters()
    assert set(counters.exceeded) == set(Limit)
    counters.exceed(Limit.ORIGIN)
    counters.refuse(403)
    counters.refuse(403)
    assert counters.exceeded[Limit.ORIGIN] == 1
    assert counters.refused == {403: 2}
