from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from fake_tools import says
from gateway.invoke.interpreters import Interpreters, Node, Python, own_python
from gateway.invoke.launch import LaunchError
from gateway.invoke.programs import Programs
from gateway.invoke.runtimes import Family, Runtime
from local_processes import LocalProcesses

OWN = Python("/own/python3.11", (3, 11, 2))


class Machine:
    """A PATH of two folders, everything that was warned of, and every program that was started."""

    def __init__(self, root: Path) -> None:
        self.first, self.second = root / "first", root / "second"
        self.processes = LocalProcesses()
        self.warnings: list[str] = []
        programs = Programs(self.processes, {"PATH": f"{self.first}:{self.second}:/usr/bin:/bin"})
        self.interpreters = Interpreters(programs, self.warnings.append, OWN)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def python(minor: int) -> Runtime:
    return Runtime(f"python3.{minor}", Family.PYTHON, minor)


def node(major: int) -> Runtime:
    return Runtime(f"nodejs{major}.x", Family.NODE, major)


def test_our_own_interpreter_is_outside_of_environments() -> None:
    own = own_python()
    assert Path(own.program).is_file()
    assert not (Path(own.program).parent.parent / "pyvenv.cfg").exists()


async def test_the_gateway_s_own_version_needs_no_search(machine: Machine) -> None:
    assert await machine.interpreters.python(python(11)) == OWN
    assert (machine.processes.started, machine.warnings) == ([], [])


async def test_the_declared_version_is_used_where_there_is_one(machine: Machine) -> None:
    says(machine.second, "python3.77", '["/real/python3.77", 3, 77, 1]')
    found = await asyncio.gather(*(machine.interpreters.python(python(77)) for _ in range(3)))
    assert set(found) == {Python("/real/python3.77", (3, 77, 1))}
    assert (len(machine.processes.started), machine.warnings) == (1, [])


@pytest.mark.parametrize(
    "lie",
    [
        lambda folder: says(folder, "python3.77", "pyenv: python3.77: command not found", 127),
        lambda folder: says(folder, "python3.77", '["/real/python3.76", 3, 76, 1]'),
        lambda folder: says(folder, "python3.77", "not json"),
        lambda folder: says(folder, "python3.77", '["/real/python3.77", 3, 77, 1]', 1),
        lambda folder: says(folder, "python3.77", ""),
    ],
    ids=["shim", "other version", "babble", "fails", "silent"],
)
async def test_a_name_proves_nothing(machine: Machine, lie: Callable[[Path], Path]) -> None:
    lie(machine.first)
    assert await machine.interpreters.exact_python(77) is None
    other = Machine(machine.first.parent)
    says(machine.second, "python3.77", '["/real/python3.77", 3, 77, 1]')
    assert await other.interpreters.exact_python(77) == Python("/real/python3.77", (3, 77, 1))


async def test_the_nearest_is_used_with_one_warning_per_runtime(machine: Machine) -> None:
    for minor in (77, 77, 78, 77):
        assert await machine.interpreters.python(python(minor)) == OWN
    assert machine.warnings == [
        "python3.77 functions run on Python 3.11: no working python3.77 is on PATH",
        "python3.78 functions run on Python 3.11: no working python3.78 is on PATH",
    ]


async def test_node_is_asked_for_its_version(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    says(machine.first, "node", "nodenv: node: command not found", 127)
    real = says(machine.second, "node", "v20.11.3")
    npm = says(machine.second, "npm", "10")
    expected = Node(str(real), (20, 11, 3), str(npm))
    assert await machine.interpreters.node(node(20), "Chat") == expected
    assert machine.warnings == []
    for _ in range(2):
        assert await machine.interpreters.node(node(24), "Chat") == expected
    assert machine.warnings == ["nodejs24.x functions run on Node.js 20.11.3: node on PATH is version 20"]


async def test_without_node_the_function_is_named(tmp_path: Path) -> None:
    programs = Programs(LocalProcesses(), {"PATH": str(tmp_path)})
    with pytest.raises(LaunchError) as caught:
        await Interpreters(programs, print, OWN).node(node(20), "Chat")
    assert caught.value.message == (
        "function Chat: nodejs20.x needs Node.js, and this machine has no working node on PATH"
    )
    assert "install Node.js 20" in caught.value.hint
