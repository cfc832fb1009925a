"""How many runs there are, and what a failed one tells. ``make simulate RUNS=5000`` runs as many, or ``SEED=7`` one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from simulation.world import World

RUNS: Final = int(os.environ.get("SIMULATED_RUNS", "100"))
FIRST_SEED: Final = int(os.environ.get("SIMULATED_SEED", "1"))
THOROUGH: Final = RUNS >= 2_000  # also where every single call is made to fail in turn


@contextmanager
def told(seed: int, about: str = "") -> Iterator[World]:
    """The world of one run; when it fails, its story is the error's note."""
    with World(seed) as world:
        try:
            yield world
        except BaseException as error:
            story = "\n".join(f"{ms:10.1f} {text}" for ms, text in world.trace)
            error.add_note(f"{story}\nseed {seed} {about} at {world.now_ms:.1f} ms")
            raise
