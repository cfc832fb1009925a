"""What the kernel's texts mean."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from bench.harness.procfs import descendants, pss_in, rss_in, schedstat_cpu_s, stat_cpu_s

from process_watch import LINUX


def test_resident_memory() -> None:
    assert rss_in("Name:\tpython\nVmPeak:\t  900 kB\nVmRSS:\t    123456 kB\nRssAnon:\t 1 kB\n") == 123456 * 1024


def test_the_most_that_was_resident() -> None:
    assert rss_in("VmHWM:\t  200 kB\nVmRSS:\t    100 kB\n", "VmHWM") == 200 * 1024


def test_a_process_without_memory_is_an_error() -> None:
    with pytest.raises(ValueError, match="VmRSS"):
        rss_in("Name:\tkthreadd\n")


def test_proportional_memory() -> None:
    assert (
        pss_in("5580-7ffd ---p 00000000 00:00 0 [rollup]\nRss: 900 kB\nPss:        777 kB\nPss_Dirty: 1 kB\n")
        == 777 * 1024
    )


def test_processor_time_whatever_the_command_is_called() -> None:
    stat = "12 (a) R (b 9 9) S 1 12 12 0 -1 4194560 100 200 0 0 250 50 7 7 20 0 1 0 100 1 1"
    assert stat_cpu_s(stat, ticks_per_s=100) == 3.0


def test_processor_time_of_a_thread() -> None:
    assert schedstat_cpu_s("1500000000 42 7\n") == 1.5


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_children_of_children_are_found() -> None:
    script = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=0);"
        "print(child.pid, flush=True); child.wait()"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None and parent.stdin is not None
    grandchild = int(parent.stdout.readline())
    found = descendants(os.getpid())
    parent.stdin.close()
    parent.wait(10)
    parent.stdout.close()
    assert {parent.pid, grandchild} <= set(found)
