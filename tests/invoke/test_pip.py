from __future__ import annotations

from pathlib import Path

import pytest

from fake_tools import program
from gateway.invoke.interpreters import Python
from gateway.invoke.pip import Pip
from gateway.invoke.programs import Programs
from local_processes import LocalProcesses

WORKS = "#!/bin/sh\nexit 0\n"
NO_PIP = '#!/bin/sh\necho "No module named pip"\nexit 1\n'
OWN_PIP_ONLY = '#!/bin/sh\ncase "$*" in *--python*) exit 2;; esac\n'  # older than 22.3


@pytest.mark.parametrize(
    ("own", "target", "uv", "command"),
    [
        (WORKS, NO_PIP, None, ["own", "-m", "pip", "--python", "target", "install"]),
        (NO_PIP, WORKS, None, ["target", "-m", "pip", "install"]),
        (OWN_PIP_ONLY, WORKS, WORKS, ["target", "-m", "pip", "install"]),
        (NO_PIP, NO_PIP, WORKS, ["uv", "pip", "install", "--quiet", "--python", "target", "--target"]),
    ],
)
async def test_the_pip_that_there_is_installs(
    tmp_path: Path, own: str, target: str, uv: str | None, command: list[str]
) -> None:
    processes = LocalProcesses()
    paths = {name: program(tmp_path, name, text) for name, text in (("own", own), ("target", target))}
    if uv is not None:
        paths["uv"] = program(tmp_path, "uv", uv)
    pip = Pip(Programs(processes, {"PATH": str(tmp_path)}), str(paths["own"]))
    python = Python(str(paths["target"]), (3, 12, 0))
    for _ in range(2):
        ended = await pip.install(python, tmp_path / "into", ("-r", "x.txt"), cwd=tmp_path)
        assert ended.is_success
    *_, first, second = processes.started
    assert first == second
    assert list(first[: len(command)]) == [str(paths.get(word, word)) for word in command]
    assert first[-4:] == ("--target", str(tmp_path / "into"), "-r", "x.txt")


async def test_without_any_pip_it_is_said(tmp_path: Path) -> None:
    own, target = program(tmp_path, "own", NO_PIP), program(tmp_path, "target", NO_PIP)
    pip = Pip(Programs(LocalProcesses(), {"PATH": str(tmp_path)}), str(own))
    ended = await pip.install(Python(str(target), (3, 12, 0)), tmp_path / "into", ("x",), cwd=tmp_path)
    assert (ended.returncode, ended.lines) == (None, (f"there is no pip for {target}",))
