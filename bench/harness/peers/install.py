"""Peers are fetched once, by the ordinary clients, into the benchmark's cache: never into the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.harness.scenario import Bench, Unmeasured

WITHIN_S: Final = 300.0
NPM: Final = {"serverless-offline": "14.8.2", "osls": "4.3.1"}
PYPI: Final = {"ministack": "1.5.33"}


def node_modules(bench: Bench) -> Path:
    """With ``NPM`` in it. Raises Unmeasured."""
    folder = bench.cache / "npm"
    modules = folder / "node_modules"
    if all((modules / name).exists() for name in NPM):
        return modules
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise Unmeasured("not installed: there is no Node.js here")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    wanted = [f"{name}@{version}" for name, version in NPM.items()]
    _run(bench, [npm, "install", "--no-audit", "--no-fund", "--loglevel=error", *wanted], folder)
    return modules


def python_environment(bench: Bench, name: str) -> Path:
    """The folder of programs of a virtual environment with one package. Raises Unmeasured."""
    folder = bench.cache / name
    programs = folder / "bin"
    if (programs / name).exists():
        return programs
    _run(bench, [sys.executable, "-m", "venv", "--clear", str(folder)], bench.folder)
    pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run(bench, [*pip, f"{name}=={PYPI[name]}"], bench.folder)
    return programs


def debian_package(bench: Bench, name: str) -> None:
    """The programs of a package are on PATH. Raises Unmeasured."""
    if shutil.which(name) is not None:
        return
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise Unmeasured(f"not installed: apt-get install {name} needs root on Debian or Ubuntu")
    _run(bench, [apt, "install", "-y", "--no-install-recommends", name], bench.folder)


def _run(bench: Bench, command: Sequence[str], cwd: Path) -> None:
    if not bench.may_install:
        raise Unmeasured("not installed yet, and a quick run installs nothing: make bench does")
    bench.step("is installed")
    try:
        ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=WITHIN_S)
    except subprocess.TimeoutExpired:
        raise Unmeasured(f"{Path(command[0]).name} did not end within {WITHIN_S:g} s") from None
    if ended.returncode:
        last = (ended.stderr or ended.stdout).strip().splitlines()[-1:]
        raise Unmeasured(f"{Path(command[0]).name} failed: {' '.join(last)[:200]}")
