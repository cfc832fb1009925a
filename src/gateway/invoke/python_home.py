"""The Python that handlers see: an interpreter, its standard library, the runtime client and boto3, nothing else.

Managed runtimes bring boto3 and what it needs; whatever else this gateway or the machine has installed must stay
invisible, so that an import which fails on Lambda fails here. So each interpreter gets a home in the cache, laid out as
a virtual environment whose ``site-packages`` holds just those distributions: links to the gateway's own for the
gateway's interpreter, an install made once for another (the runtime client is compiled for one version of Python).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from gateway.invoke.interpreters import Interpreters, Python
from gateway.invoke.launch import LaunchError
from gateway.invoke.pip import Pip
from gateway.invoke.programs import Ended
from gateway.invoke.runtimes import Runtime
from gateway.invoke.store import Store, key_of

MANAGED: Final = ("boto3", "awslambdaric")  # boto3 brings botocore, s3transfer, jmespath, dateutil, urllib3, six
_REQUIREMENT: Final = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)[^;]*(?:;(.*))?")
_LAYOUT: Final = "1"  # changes when the layout of a home does


@dataclass(frozen=True, slots=True)
class PythonHome:
    """``program`` is the interpreter to start; ``python`` the one behind it."""

    program: Path
    python: Python


class PythonHomes:
    """Makes homes when first needed; ``say`` takes one line of progress."""

    def __init__(self, store: Store, pip: Pip, interpreters: Interpreters, say: Callable[[str], None]) -> None:
        self._store = store
        self._pip = pip
        self._interpreters = interpreters
        self._say = say
        self._unusable: set[Python] = set()

    async def home(self, runtime: Runtime) -> PythonHome:
        """Raises LaunchError when not even the gateway's own interpreter can be used."""
        python = await self._interpreters.python(runtime)
        if python != self._interpreters.own and python not in self._unusable:
            try:
                return await self._installed(python)
            except LaunchError as error:
                self._unusable.add(python)
                own = self._interpreters.own
                used = f"Python {own.version[0]}.{own.version[1]}"
                self._interpreters.warn_once(runtime, f"{error.message} ({error.hint})", used)
        return await self._linked(self._interpreters.own)

    async def _linked(self, python: Python) -> PythonHome:
        distributions = [metadata.distribution(name) for name in closure()]
        places = [f"{found.name} {found.version} {found.locate_file('')}" for found in distributions]

        async def build(draft: Path) -> None:
            site = _lay_out(draft, python)
            for found in distributions:
                _link(found, site)

        key = key_of(_LAYOUT, python.program, str(python.version), *places)
        return _home(await self._store.folder("python", key, build), python)

    async def _installed(self, python: Python) -> PythonHome:
        pinned = [f"{name}=={metadata.version(name)}" for name in MANAGED]

        async def build(draft: Path) -> None:
            site = _lay_out(draft, python)
            version = f"{python.version[0]}.{python.version[1]}"
            self._say(f"installing the Lambda runtime client for Python {version} (once)…")
            ended = await self._install_any(python, site, pinned)
            if not ended.is_success:
                tail = ended.lines[-1] if ended.lines else "no output"
                raise LaunchError(f"the runtime client cannot be installed for Python {version}", tail)
            self._say(f"installed the Lambda runtime client for Python {version}")

        key = key_of(_LAYOUT, python.program, str(python.version), *pinned)
        return _home(await self._store.folder("python", key, build), python)

    async def _install_any(self, python: Python, site: Path, pinned: list[str]) -> Ended:
        ended = await self._pip.install(python, site, pinned, cwd=site)
        if ended.is_success:
            return ended
        return await self._pip.install(python, site, MANAGED, cwd=site)  # an older Python takes older versions


def closure() -> list[str]:
    """The installed distributions that handlers may import, by normalized name."""
    pending, found = list(MANAGED), dict[str, None]()
    while pending:
        name = _normal(pending.pop())
        if name in found:
            continue
        try:
            required = metadata.distribution(name).requires or []
        except metadata.PackageNotFoundError:
            continue  # required elsewhere only, by another platform or version
        found[name] = None
        pending.extend(_names(required))
    return sorted(found)


def _names(required: list[str]) -> Iterator[str]:
    for text in required:
        match = _REQUIREMENT.match(text)
        if match and "extra" not in (match[2] or ""):
            yield match[1]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _lay_out(root: Path, python: Python) -> Path:
    """Make an empty virtual environment; returns its ``site-packages``."""
    version = ".".join(str(part) for part in python.version)
    site = root / "lib" / f"python{python.version[0]}.{python.version[1]}" / "site-packages"
    site.mkdir(parents=True)
    (root / "bin").mkdir()
    for name in ("python", "python3", f"python3.{python.minor}"):
        (root / "bin" / name).symlink_to(python.program)
    home = Path(python.program).parent
    (root / "pyvenv.cfg").write_text(f"home = {home}\ninclude-system-site-packages = false\nversion = {version}\n")
    return site


def _link(found: metadata.Distribution, site: Path) -> None:
    tops = {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}
    for top in sorted(tops):
        source = Path(str(found.locate_file(top)))
        if source.exists() and not source.name.endswith(".pth"):
            (site / top).symlink_to(source)


def _home(root: Path, python: Python) -> PythonHome:
    return PythonHome(root / "bin" / "python", python)
