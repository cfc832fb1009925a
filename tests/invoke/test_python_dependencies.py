from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from gateway.invoke.installs import Installs
from gateway.invoke.interpreters import own_python
from gateway.invoke.launch import LaunchError
from gateway.invoke.pip import Pip
from gateway.invoke.programs import Programs
from gateway.invoke.python_dependencies import (
    PythonDependencies,
    Requirements,
    installed_in,
    missing,
    read_requirements,
)
from gateway.invoke.store import Store
from local_processes import LocalProcesses
from wheels import wheel


class Laptop:
    """Dependencies over a cache of the test's own; pip asks no index."""

    def __init__(self, root: Path) -> None:
        self.processes = LocalProcesses()
        self.said: list[str] = []
        self.cache = root / "cache"
        programs = Programs(self.processes, {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""})
        installs = Installs(Store(self.cache), self.said.append, iter(range(0, 1000, 12)).__next__)
        self.dependencies = PythonDependencies(installs, Pip(programs), lambda: {"boto3": "1.44.5"})

    async def folder(self, root: Path, who: str = "function Chat") -> Path | None:
        return await self.dependencies.folder(root, own_python(), who)

    def installs(self) -> int:
        return sum("install" in argv for argv in self.processes.started)


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path)


@pytest.fixture
def src(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    return tmp_path / "src"


async def test_requirements_are_installed_once(laptop: Laptop, src: Path, tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "chatlib", requires=("chatbase>=1",))
    wheel(tmp_path / "wheels", "chatbase")
    (src / "requirements.txt").write_text("--find-links ../wheels\nchatlib==1.0\n")
    found = await asyncio.gather(laptop.folder(src), laptop.folder(src, "function Other"))
    assert found[0] == found[1] is not None
    assert found[0] is not None and {path.name for path in found[0].glob("*.py")} == {"chatlib.py", "chatbase.py"}
    assert laptop.installs() == 1
    assert laptop.said == [
        "installing dependencies of function Chat (requirements.txt)…",
        "installed dependencies of function Chat (requirements.txt) in 12 s",
    ]
    assert os.listdir(src) == ["requirements.txt"]
    assert await Laptop(tmp_path).folder(src) == found[0]


async def test_changed_requirements_are_installed_again(laptop: Laptop, src: Path, tmp_path: Path) -> None:
    for version in ("1.0", "2.0"):
        wheel(tmp_path / "wheels", "chatlib", version)
    (src / "requirements.txt").write_text("-r more.txt\n")
    found = []
    for version in ("1.0", "2.0"):
        (src / "more.txt").write_text(f"--find-links ../wheels\nchatlib=={version}\n")
        folder = await laptop.folder(src)
        assert folder is not None
        found.append((folder / "chatlib.py").read_text())
    assert found == ["VERSION = '1.0'\n", "VERSION = '2.0'\n"]


async def test_a_failed_install_says_why_and_leaves_nothing(laptop: Laptop, src: Path) -> None:
    (src / "requirements.txt").write_text("chatlib-that-is-nowhere==1.0\n")
    for _ in range(2):
        with pytest.raises(LaunchError) as caught:
            await laptop.folder(src)
    assert caught.value.message == "the dependencies of function Chat (requirements.txt) cannot be installed"
    assert "No matching distribution found for chatlib-that-is-nowhere==1.0" in caught.value.hint
    assert laptop.installs() == 1
    assert list((laptop.cache / "python-packages").iterdir()) == []


@pytest.mark.parametrize("text", ["", "# nothing\n", "boto3\n", "boto3>=1.40\n", "-r absent.txt\n"])
async def test_what_managed_runtimes_bring_is_not_installed(laptop: Laptop, src: Path, text: str) -> None:
    assert await laptop.folder(src) is None
    (src / "requirements.txt").write_text(text)
    assert await laptop.folder(src) is None
    assert laptop.processes.started == []


async def test_built_code_needs_nothing(laptop: Laptop, src: Path) -> None:
    (src / "requirements.txt").write_text("Chat.Lib==1.0\nvendored>2; python_version > '3'\nsingle\n")
    (src / "chat_lib-1.0.dist-info").mkdir()
    (src / "vendored").mkdir()
    (src / "single.py").write_text("")
    assert await laptop.folder(src) is None


def test_requirements_are_read_with_what_they_include(src: Path) -> None:
    (src / "requirements.txt").write_text(
        "\ufeff# chat\nAWS_Lambda.Powertools[parser] >= 3.0, < 4 ; python_version > '3.8'  # why\n"
        "requests\\\n==2.0\n-r sub/more.txt\n-c=limits.txt\n--index-url https://example.com\n"
        "./local\n../up.whl\nname @ https://example.com/x.zip\ngit+https://example.com/x.git#egg=x\n-e .\n",
        encoding="utf-8",
    )
    (src / "sub").mkdir()
    (src / "sub" / "more.txt").write_text("-r ../requirements.txt\nsix\n")
    found = read_requirements(src / "requirements.txt")
    assert found.names == (("aws-lambda-powertools", ">= 3.0, < 4"), ("requests", "==2.0"), ("six", ""))
    assert found.others == (
        "--index-url https://example.com", "./local", "../up.whl", "name @ https://example.com/x.zip",
        "git+https://example.com/x.git#egg=x", "-e .",
    )  # fmt: skip
    assert "six" in found.text


@pytest.mark.parametrize(
    ("line", "present", "absent"),
    [
        (("a", ""), {"a": None}, []),
        (("a", "==9"), {"a": None}, []),
        (("a", ""), {"a": "1.0"}, []),
        (("a", ">=1.0"), {"a": "1.10.0"}, []),
        (("a", ">=1.9"), {"a": "1.10.0"}, []),
        (("a", ">=1.11"), {"a": "1.10.0"}, ["a"]),
        (("a", "==1.10.0"), {"a": "1.10.0"}, ["a"]),
        (("a", ">=1,<2"), {"a": "1.10.0"}, ["a"]),
        (("a", ""), {"b": None}, ["a"]),
    ],
)
def test_what_is_missing(line: tuple[str, str], present: dict[str, str | None], absent: list[str]) -> None:
    assert missing(Requirements((line,), (), ""), present) == absent


def test_lines_only_pip_understands_are_missing_unless_they_are_options() -> None:
    assert missing(Requirements((), ("--index-url x", "./local", "-e ."), ""), {}) == ["./local", "-e ."]


def test_installed_names_are_compared_as_pip_compares_them(tmp_path: Path) -> None:
    for name in ("Aws_Lambda.Powertools-3.1.dist-info", "six.py", "yaml", "old-1.egg-info"):
        (tmp_path / name).mkdir()
    assert installed_in(tmp_path).keys() == {"aws-lambda-powertools", "six", "yaml", "old"}
