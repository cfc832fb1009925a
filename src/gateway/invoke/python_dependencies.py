"""What ``requirements.txt`` beside unbuilt Python code asks for, installed once into the cache.

Built code (``sam build``, ``pip install -t``) has its distributions inside the folder and needs nothing; so does code
that asks only for what managed runtimes bring anyway. The application's folder is read and never written.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.invoke.installs import Installs
from gateway.invoke.interpreters import Python
from gateway.invoke.pip import Pip
from gateway.invoke.store import key_of

_NAMED: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*([^;#]*)")
_INCLUDED: Final = re.compile(r"\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)")
_AT_LEAST: Final = re.compile(r">=\s*(\d+(?:\.\d+)*)\s*")
_INSTALLED: Final = re.compile(r"(.+?)-[^-]+\.(?:dist|egg)-info")
MAX_INCLUDED_FILES: Final = 50


@dataclass(frozen=True, slots=True)
class Requirements:
    """``names`` are the distributions asked for with their version clauses; ``others`` are lines only pip understands
    (paths, URLs, options). ``text`` is everything that was read, included files too."""

    names: tuple[tuple[str, str], ...]
    others: tuple[str, ...]
    text: str


class PythonDependencies:
    """``managed`` maps the normalized names of what every handler can import to their versions."""

    def __init__(self, installs: Installs, pip: Pip, managed: Callable[[], dict[str, str | None]]) -> None:
        self._installs = installs
        self._pip = pip
        self._managed = managed

    async def folder(self, root: Path, python: Python, who: str) -> Path | None:
        """The folder to import from, None when nothing is missing. Raises LaunchError when pip fails."""
        source = root / "requirements.txt"
        if not source.is_file():
            return None
        wanted = read_requirements(source)
        if not missing(wanted, {**self._managed(), **installed_in(root)}):
            return None
        key = key_of(wanted.text, python.program, str(python.version), platform.machine())
        return await self._installs.folder(
            "python-packages",
            key,
            f"{who} (requirements.txt)",
            lambda draft: self._pip.install(python, draft, ("-r", str(source)), cwd=root),
        )


def read_requirements(path: Path) -> Requirements:
    """Read a requirements file and those it includes. What cannot be read is left for pip to complain about."""
    names: list[tuple[str, str]] = []
    others: list[str] = []
    texts: list[str] = []
    pending, seen = [path], set[Path]()
    while pending and len(seen) < MAX_INCLUDED_FILES:
        current = pending.pop().resolve()
        if current in seen or not current.is_file():
            continue
        seen.add(current)
        text = current.read_text(encoding="utf-8-sig", errors="replace")
        texts.append(text)
        for line in _lines(text):
            if included := _INCLUDED.match(line):
                pending.append(current.parent / included[1])
            elif (match := _NAMED.match(line)) and not _is_place(line):
                names.append((normal(match[1]), match[2].strip()))
            else:
                others.append(line)
    return Requirements(tuple(names), tuple(others), "\0".join(texts))


def missing(wanted: Requirements, present: dict[str, str | None]) -> list[str]:
    """What pip would have to install. ``present`` maps names to versions, None for one that satisfies any clause."""
    absent = [name for name, clause in wanted.names if name not in present or not _satisfies(present[name], clause)]
    return absent + [line for line in wanted.others if not line.startswith("--")]


def installed_in(root: Path) -> dict[str, str | None]:
    """The distributions and packages inside a folder; a build or a person put them there, so any clause is met."""
    found: dict[str, str | None] = {}
    for entry in root.iterdir():
        match = _INSTALLED.fullmatch(entry.name)
        found[normal(match[1] if match else entry.name.removesuffix(".py"))] = None
    return found


def normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _lines(text: str) -> Iterator[str]:
    for line in text.replace("\\\n", " ").splitlines():
        line = re.sub(r"(?:^|\s)#.*", "", line).strip()
        if line:
            yield line


def _is_place(line: str) -> bool:
    """Whether a requirement is a path or URL rather than a name."""
    head = line.split(";")[0]
    return head.startswith((".", "/", "-")) or "@" in head or "/" in head or head.endswith((".whl", ".zip", ".gz"))


def _satisfies(version: str | None, clause: str) -> bool:
    if version is None or not clause:
        return True
    match = _AT_LEAST.fullmatch(clause)
    return bool(match) and _numbers(version) >= _numbers(match[1] if match else "")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
