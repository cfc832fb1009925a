"""Programs in C that the benchmark needs beside it."""

from __future__ import annotations

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path


class Uncompiled(Exception):
    """There is no such program here, and the text says why."""


def program_of(source: Path, cache: Path) -> Path:
    """What ``source`` compiles to, once for each version of it. Raises Uncompiled."""
    program = cache / f"{source.stem}-{sha256(source.read_bytes()).hexdigest()[:16]}"
    if program.exists():
        return program
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise Uncompiled("no C compiler")
    cache.mkdir(parents=True, exist_ok=True)
    made = program.with_suffix(".new")
    ended = subprocess.run([compiler, "-O2", "-o", str(made), str(source)], capture_output=True, text=True)
    if ended.returncode:
        raise Uncompiled(f"{source.name} does not compile ({ended.stderr.strip().splitlines()[:1]})")
    made.replace(program)
    return program
