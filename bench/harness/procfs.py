"""What the kernel says of processes: memory, CPU, descendants. Linux only."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


def rss_in(status: str, name: str = "VmRSS") -> int:
    """Resident bytes, from the text of ``/proc/PID/status``. Raises ValueError when it says nothing of them."""
    for line in status.splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"no {name}")


def pss_in(rollup: str) -> int:
    """Proportional bytes (shared pages divided), from ``/proc/PID/smaps_rollup``. Raises ValueError."""
    for line in rollup.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError("no Pss")


def stat_cpu_s(stat: str, ticks_per_s: int = _TICKS_PER_S) -> float:
    """User and system seconds, from ``/proc/PID/stat``; the command in it may contain anything, also parentheses."""
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / ticks_per_s


def schedstat_cpu_s(text: str) -> float:
    """Seconds on a processor of one thread, from ``/proc/PID/task/TID/schedstat``."""
    return int(text.split()[0]) / 1e9


def rss(pids: Iterable[int]) -> int:
    """Of all of them together; shared pages count in each."""
    return sum(rss_in((PROC / str(pid) / "status").read_text(encoding="ascii", errors="replace")) for pid in pids)


def peak_rss(pid: int) -> int:
    """The most resident bytes since ``forget_peak``."""
    return rss_in((PROC / str(pid) / "status").read_text(encoding="ascii", errors="replace"), "VmHWM")


def forget_peak(pid: int) -> None:
    """What is resident now is the most that ever was."""
    (PROC / str(pid) / "clear_refs").write_text("5", encoding="ascii")


def pss(pids: Iterable[int]) -> int:
    return sum(pss_in((PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii")) for pid in pids)


def cpu_s(pids: Iterable[int]) -> float:
    """Seconds of processor time until now, of all of them; of threads that live where the kernel counts nanoseconds."""
    return sum(map(_cpu_s, pids))


def _cpu_s(pid: int) -> float:
    stat = stat_cpu_s((PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace"))
    fine = 0.0
    for task in (PROC / str(pid) / "task").glob("*/schedstat"):
        with suppress(OSError):  # a thread that ended meanwhile
            fine += schedstat_cpu_s(task.read_text(encoding="ascii"))
    return fine if abs(fine - stat) < 0.05 else stat  # threads that ended are in the second alone


def descendants(pid: int) -> list[int]:
    """Every process below this one."""
    found: list[int] = []
    pending = [pid]
    while pending:
        for path in (PROC / str(pending.pop()) / "task").glob("*/children"):
            with suppress(OSError):
                children = [int(child) for child in path.read_text(encoding="ascii").split()]
                found += children
                pending += children
    return found


def descriptors(pid: int) -> int:
    """How many a process has open."""
    return len(os.listdir(PROC / str(pid) / "fd"))


def threads(pid: int) -> int:
    return len(os.listdir(PROC / str(pid) / "task"))
