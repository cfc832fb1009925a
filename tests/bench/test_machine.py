"""Where a benchmark ran."""

from __future__ import annotations

from bench.harness.machine import cpu_model_in, memory_gib_in


def test_the_model_of_the_processor() -> None:
    assert (
        cpu_model_in("processor\t: 0\nmodel name\t: AMD EPYC 7763 64-Core Processor\n")
        == "AMD EPYC 7763 64-Core Processor"
    )
    assert cpu_model_in("processor\t: 0\nBogoMIPS\t: 50.00\n") == ""


def test_the_memory() -> None:
    assert memory_gib_in("MemTotal:       25165824 kB\nMemFree: 1 kB\n") == 24.0
