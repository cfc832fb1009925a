"""Where a benchmark ran, and what: without it a figure says nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

_DISTRIBUTIONS: Final = ("wsfleet", "aiohttp", "httptools", "awslambdaric", "botocore")


@dataclass(frozen=True, slots=True)
class Machine:
    """``load`` is the one-minute average before the first scenario; ``descriptors`` the hard limit of a process."""

    cpu: str
    cores: int
    memory_gib: float
    system: str
    descriptors: int
    load: float
    commit: str
    date: str
    versions: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return asdict(self)


def cpu_model_in(cpuinfo: str) -> str:
    """From the text of ``/proc/cpuinfo``; empty where it has none."""
    for line in cpuinfo.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip() in ("model name", "Model"):
            return value.strip()
    return ""


def memory_gib_in(meminfo: str) -> float:
    """From the text of ``/proc/meminfo``."""
    line = next(line for line in meminfo.splitlines() if line.startswith("MemTotal:"))
    return int(line.split()[1]) / 2**20


def this_machine(root: Path) -> Machine:
    """``root`` is the project's folder."""
    import resource

    return Machine(
        cpu=cpu_model_in(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")) or platform.processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(memory_gib_in(Path("/proc/meminfo").read_text(encoding="ascii")), 1),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        descriptors=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        load=round(os.getloadavg()[0], 2),
        commit=_commit(root),
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        versions={"Python": platform.python_version()} | _versions(),
    )


def _commit(root: Path) -> str:
    """Short, with a ``+`` where the tree differs from it."""
    try:
        name = subprocess.run(
            ["git", "rev-parse", "--short=10", "HEAD"], cwd=root, capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name + ("+" if changed.strip() else "")


def _versions() -> dict[str, str]:
    found = {}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "source tree"
    return found
