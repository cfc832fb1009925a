"""A limit of open files as narrow as a test wants it, for as long as it wants it."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def room_for(descriptors: int) -> Iterator[None]:
    """So many more can be opened; what is open stays usable."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)  # every number below is in use
    os.close(lowest)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + descriptors, hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def no_descriptors_left() -> Iterator[None]:
    """Nothing more can be opened."""
    with room_for(0):
        yield
