from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from fake_tools import fake_npm
from gateway.invoke.installs import Installs
from gateway.invoke.interpreters import Node
from gateway.invoke.launch import LaunchError
from gateway.invoke.node_dependencies import NodeDependencies, reduced_manifest
from gateway.invoke.npm import Npm
from gateway.invoke.programs import Programs
from gateway.invoke.store import Store
from local_processes import LocalProcesses

WHO = "function Chat"


class Laptop:
    def __init__(self, root: Path, npm: str | None = None) -> None:
        self.processes = LocalProcesses()
        self.said: list[str] = []
        self.node = Node("/usr/bin/node", (20, 1, 0), npm or str(fake_npm(root / "bin")))
        npm_env = {**os.environ, "npm_config_registry": "http://127.0.0.1:1", "npm_config_fetch_retries": "0"}
        installs = Installs(Store(root / "cache"), self.said.append)
        self.dependencies = NodeDependencies(installs, Npm(Programs(self.processes, npm_env)))

    async def modules(self, root: Path) -> Path | None:
        return await self.dependencies.modules(root, self.node, WHO)


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path)


@pytest.fixture
def src(tmp_path: Path) -> Path:
    (tmp_path / "app" / "src").mkdir(parents=True)
    return tmp_path / "app" / "src"


def manifest(root: Path, **content: Any) -> None:
    (root / "package.json").write_text(json.dumps(content))


def installed(modules: Path | None, name: str) -> dict[str, Any]:
    assert modules is not None
    found: dict[str, Any] = json.loads((modules / name / "package.json").read_text())
    return found


async def test_dependencies_are_installed_once(laptop: Laptop, src: Path) -> None:
    manifest(src, name="chat", scripts={"prepare": "husky"}, dependencies={"a": "^1", "@s/b": "2"})
    (src / "package-lock.json").write_text("{}")
    (src / ".npmrc").write_text("registry=x")
    found = await asyncio.gather(laptop.modules(src), laptop.modules(src))
    assert found[0] == found[1] is not None
    expected = [".npmrc", "node_modules", "package-lock.json", "package.json"]
    assert installed(found[0], "@s/b") == {"name": "@s/b", "version": "2", "beside": expected}
    assert len(laptop.processes.started) == 1
    assert laptop.said[0] == "installing dependencies of function Chat (package.json)…"
    assert sorted(os.listdir(src)) == [".npmrc", "package-lock.json", "package.json"]


async def test_nothing_but_packages_stays_in_the_cache(laptop: Laptop, src: Path) -> None:
    manifest(src, dependencies={"a": "1"})
    (src / ".npmrc").write_text("//registry/:_authToken=secret")
    found = await laptop.modules(src)
    assert found is not None and os.listdir(found.parent) == ["node_modules"]


async def test_what_decides_the_install_decides_the_folder(laptop: Laptop, src: Path) -> None:
    folders = []
    for version, lock, other in (("1", "{}", "x"), ("2", "{}", "x"), ("2", "{ }", "x"), ("2", "{ }", "y")):
        manifest(src, dependencies={"a": version}, description=other, devDependencies={"jest": other})
        (src / "package-lock.json").write_text(lock)
        folders.append(await laptop.modules(src))
    assert len(set(folders)) == 3
    assert folders[2] == folders[3]


@pytest.mark.parametrize(
    "content",
    [{}, {"dependencies": {}}, {"devDependencies": {"jest": "1"}}, {"dependencies": {"own": "1", "above": "1"}}],
)
async def test_built_code_needs_nothing(laptop: Laptop, src: Path, content: dict[str, Any]) -> None:
    for place, name in ((src, "own"), (src.parent, "above")):
        (place / "node_modules" / name).mkdir(parents=True)
        (place / "node_modules" / name / "package.json").write_text("{}")
    assert await laptop.modules(src) is None
    manifest(src, **content)
    assert await laptop.modules(src) is None
    assert laptop.processes.started == []


async def test_a_failed_install_says_why(laptop: Laptop, src: Path) -> None:
    manifest(src, dependencies={"fail": "1"})
    with pytest.raises(LaunchError) as caught:
        await laptop.modules(src)
    assert caught.value.message == "the dependencies of function Chat (package.json) cannot be installed"
    assert caught.value.hint == "npm error 404 Not Found - fail"


async def test_without_npm_the_next_step_is_said(laptop: Laptop, src: Path) -> None:
    manifest(src, dependencies={"a": "1"})
    laptop.node = Node("/usr/bin/node", (20, 1, 0), None)
    with pytest.raises(LaunchError) as caught:
        await laptop.modules(src)
    assert "npm is not on PATH: install it" in caught.value.hint


def test_local_packages_are_found_from_elsewhere(tmp_path: Path) -> None:
    made = reduced_manifest(
        {
            "name": "chat",
            "main": "x",
            "dependencies": {"a": "file:../a", "b": "./b", "c": "link:../c", "d": "^1", "e": "npm:x@1"},
            "overrides": {"x": "1"},
        },
        tmp_path / "src",
    )
    assert made == {
        "name": "handler",
        "version": "0.0.0",
        "private": True,
        "dependencies": {
            "a": f"file:{tmp_path}/a", "b": f"file:{tmp_path}/src/b", "c": f"file:{tmp_path}/c", "d": "^1",
            "e": "npm:x@1",
        },
        "overrides": {"x": "1"},
    }  # fmt: skip


@pytest.mark.skipif(shutil.which("npm") is None, reason="no npm on this machine")
async def test_the_real_npm_installs_without_running_the_application_s_scripts(tmp_path: Path, src: Path) -> None:
    laptop = Laptop(tmp_path, str(shutil.which("npm")))
    (tmp_path / "app" / "lib").mkdir()
    manifest(tmp_path / "app" / "lib", name="lib", version="1.0.0", main="i.js")
    (tmp_path / "app" / "lib" / "i.js").write_text("exports.value = 'lib'")
    manifest(src, scripts={"prepare": "exit 1", "postinstall": "exit 1"}, dependencies={"lib": "file:../lib"})
    modules = await laptop.modules(src)
    assert installed(modules, "lib")["name"] == "lib"
    assert os.listdir(src) == ["package.json"]
