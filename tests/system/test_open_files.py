"""The limit of open files, on this process's own, put back afterwards."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from gateway.system.open_files import raise_open_files

FILES = resource.RLIMIT_NOFILE


@pytest.fixture
def hard() -> Iterator[int]:
    soft, hard = resource.getrlimit(FILES)
    resource.setrlimit(FILES, (200, hard))
    yield hard
    resource.setrlimit(FILES, (soft, hard))


def test_it_is_raised_to_what_is_wanted(hard: int) -> None:
    assert raise_open_files(300) == 300
    assert resource.getrlimit(FILES) == (300, hard)


def test_it_is_raised_as_far_as_allowed(hard: int) -> None:
    reached = raise_open_files()
    assert reached > 200
    assert hard == resource.RLIM_INFINITY or reached == min(hard, 1_048_576)


def test_it_is_never_lowered(hard: int) -> None:
    assert raise_open_files(100) == 200
    assert resource.getrlimit(FILES) == (200, hard)
