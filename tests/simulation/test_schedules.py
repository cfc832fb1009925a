"""Random schedules over a whole fleet: after each run everything is healed, and the invariants hold."""

from __future__ import annotations

import pytest

from simulation.runs import FIRST_SEED, RUNS, told
from simulation.scene import Simulation
from simulation.schedule import LASTS_MS, Schedule

CHUNKS = 10


def run(seed: int) -> int:
    """One seed; its fingerprint."""
    with told(seed, f"(again: make simulate SEED={seed})") as world:
        simulation = Simulation(world, nodes=world.rng.randint(2, 4))
        Schedule(simulation)
        world.run(LASTS_MS)
        simulation.calm_down()
        simulation.check()
        return world.fingerprint


@pytest.mark.parametrize("chunk", range(min(CHUNKS, RUNS)))
def test_nothing_is_lost_told_twice_or_left(chunk: int) -> None:
    for seed in range(FIRST_SEED + chunk, FIRST_SEED + RUNS, CHUNKS):
        run(seed)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_seed_is_a_run(seed: int) -> None:
    assert run(seed) == run(seed)
