"""Random schedules over a whole fleet: after each run everything is healed, and the invariants hold."""

from __future__ import annotations

import os

import pytest

from simulation.scene import Simulation
from simulation.schedule import LASTS_MS, Schedule
from simulation.world import World

RUNS = int(os.environ.get("SIMULATED_RUNS", "300"))
FIRST = int(os.environ.get("SIMULATED_SEED", "1"))
CHUNKS = 10


def run(seed: int) -> int:
    """One seed; its fingerprint."""
    with World(seed) as world:
        simulation = Simulation(world, nodes=world.rng.randint(2, 4))
        try:
            Schedule(simulation)
            world.run(LASTS_MS)
            simulation.calm_down()
            simulation.check()
        except BaseException as error:
            story = "\n".join(f"{ms:10.1f} {text}" for ms, text in world.trace)
            error.add_note(
                f"{story}\nseed {seed} at {world.now_ms:.1f} ms; again: SIMULATED_RUNS=1 SIMULATED_SEED={seed}"
            )
            raise
        return world.fingerprint


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_nothing_is_lost_told_twice_or_left(chunk: int) -> None:
    for seed in range(FIRST + chunk, FIRST + RUNS, CHUNKS):
        run(seed)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_seed_is_a_run(seed: int) -> None:
    assert run(seed) == run(seed)
