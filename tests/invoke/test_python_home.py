from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

import pytest

from fake_tools import program, says
from gateway.invoke.interpreters import Interpreters, own_python
from gateway.invoke.pip import Pip
from gateway.invoke.programs import Ended, Programs
from gateway.invoke.python_home import PythonHome, PythonHomes, closure
from gateway.invoke.runtimes import Family, Runtime
from gateway.invoke.store import Store
from local_processes import LocalProcesses

OWN = own_python()
ANOTHER = OWN.minor + 50
BROUGHT = (
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "dateutil",
    "urllib3",
    "six",
    "awslambdaric",
    "runtime_client",
)


class Laptop:
    """A machine whose PATH holds what a test puts into ``bin``."""

    def __init__(self, root: Path) -> None:
        self.bin = root / "bin"
        self.processes = LocalProcesses()
        self.said: list[str] = []
        self.warnings: list[str] = []
        programs = Programs(self.processes, {**os.environ, "PATH": f"{self.bin}:/usr/bin:/bin", "PIP_NO_INDEX": "1"})
        interpreters = Interpreters(programs, self.warnings.append)
        self.homes = PythonHomes(Store(root / "cache"), Pip(programs), interpreters, self.said.append)
        self.programs = programs

    async def home(self, minor: int) -> PythonHome:
        return await self.homes.home(Runtime(f"python3.{minor}", Family.PYTHON, minor))

    async def run(self, home: PythonHome, code: str) -> Ended:
        programs = Programs(self.processes, {})
        return await programs.run((str(home.program), "-c", code), cwd=Path("/"), timeout_s=60)


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path)


async def test_handlers_see_the_managed_packages_and_nothing_else(laptop: Laptop) -> None:
    home = await laptop.home(OWN.minor)
    code = f"""
import importlib.util, sys
print([name for name in {BROUGHT!r} if importlib.util.find_spec(name) is None])
print([name for name in ("moto", "aiohttp", "click", "pytest", "pip", "gateway") if importlib.util.find_spec(name)])
import boto3; print(boto3.__version__, sys.version_info[:2])
"""
    ended = await laptop.run(home, code)
    assert ended.lines == ("[]", "[]", f"{metadata.version('boto3')} {OWN.version[:2]}")
    assert laptop.said == laptop.warnings == []


async def test_homes_are_made_once(laptop: Laptop, tmp_path: Path) -> None:
    home = await laptop.home(OWN.minor)
    assert await laptop.home(OWN.minor) == await Laptop(tmp_path).home(OWN.minor) == home


async def test_the_closure_is_of_what_is_installed() -> None:
    found = closure()
    assert {"boto3", "botocore", "awslambdaric", "python-dateutil", "snapshot-restore-py"} <= set(found)
    assert {"awscrt", "moto", "pytest"} & set(found) == set()


async def test_another_version_gets_its_own_runtime_client(laptop: Laptop, tmp_path: Path) -> None:
    """An interpreter that says it is another version, and a pip of its own that installs what it is told."""
    (tmp_path / "real").mkdir()
    real = program(tmp_path / "real", "python", f'#!/bin/sh\nexec "{OWN.program}" "$@"\n')
    says(laptop.bin, f"python3.{ANOTHER}", f'["{real}", 3, {ANOTHER}, 0]')
    home = await laptop.home(ANOTHER)
    # Without an index nothing can be installed: both attempts were made, then the gateway's own version is used.
    asked = [argv[argv.index("--target") + 2 :] for argv in laptop.processes.started if "--target" in argv]
    pinned = tuple(f"{name}=={metadata.version(name)}" for name in ("boto3", "awslambdaric"))
    assert asked == [pinned, ("boto3", "awslambdaric")]
    assert home.python == OWN
    assert laptop.said == [f"installing the Lambda runtime client for Python 3.{ANOTHER} (once)…"]
    [warning] = laptop.warnings
    assert warning.startswith(f"python3.{ANOTHER} functions run on Python 3.{OWN.minor}: the runtime client cannot be")
    await laptop.home(ANOTHER)
    assert len(laptop.said) == len(laptop.warnings) == 1
