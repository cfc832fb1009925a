"""Random schedules over a whole fleet: after each run everything is healed, and the invariants hold."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from simulation.runs import FIRST_SEED, RUNS, told
from simulation.scene import Simulation
from simulation.schedule import LASTS_MS, Schedule

CHUNKS = max(10, RUNS // 100)  # a test has its two minutes


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


def test_a_seed_is_a_run_in_every_process() -> None:
    """Whatever the order of sets and the addresses of objects there."""
    seeds = range(FIRST_SEED, FIRST_SEED + 5)
    programme = f"from simulation.test_schedules import run\nprint(*map(run, {seeds}))"
    environ = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "7"}
    other = subprocess.run([sys.executable, "-c", programme], env=environ, capture_output=True, text=True, check=True)
    assert other.stdout.split() == [str(run(seed)) for seed in seeds]
