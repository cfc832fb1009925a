from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from gateway.system.collector import YOUNG, spare_collector


@pytest.fixture(autouse=True)
def _collector_as_it_was() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


class Cycle:
    def __init__(self) -> None:
        self.itself = self


def test_what_is_there_is_not_looked_through() -> None:
    spare_collector()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold()[0] == YOUNG


def test_garbage_is_not_kept_with_it_and_later_garbage_is_found() -> None:
    early = weakref.ref(Cycle())
    spare_collector()
    assert early() is None
    late = weakref.ref(Cycle())
    gc.collect()
    assert late() is None
