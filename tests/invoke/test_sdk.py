from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from fake_tools import fake_npm
from gateway.invoke.installs import Installs
from gateway.invoke.interpreters import Node
from gateway.invoke.npm import Npm
from gateway.invoke.programs import Programs
from gateway.invoke.runtimes import Family, Runtime
from gateway.invoke.sdk import NodeSdk
from gateway.invoke.store import Store
from local_processes import LocalProcesses

NODE20 = Runtime("nodejs20.x", Family.NODE, 20)
NODE16 = Runtime("nodejs16.x", Family.NODE, 16)
WHO = "function Chat"


class Laptop:
    def __init__(self, root: Path) -> None:
        self.processes = LocalProcesses()
        self.said: list[str] = []
        self.warnings: list[str] = []
        self.node = Node("/usr/bin/node", (22, 1, 0), str(fake_npm(root / "bin")))
        store = Store(root / "cache")
        installs = Installs(store, self.said.append)
        self.sdk = NodeSdk(store, installs, Npm(Programs(self.processes, dict(os.environ))), self.warnings.append)

    async def modules(self, *needed: str, runtime: Runtime = NODE20) -> Path | None:
        return await self.sdk.modules(set(needed), self.node, runtime, WHO)


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path)


def test_what_code_needs_and_does_not_have(laptop: Laptop, tmp_path: Path) -> None:
    src, packages = tmp_path / "src", tmp_path / "packages" / "node_modules"
    for place, name in ((src / "node_modules", "@aws-sdk/own"), (packages, "@aws-sdk/installed")):
        (place / name).mkdir(parents=True)
        (place / name / "package.json").write_text("{}")
    (src / "index.mjs").write_text(
        "import '@aws-sdk/own'; import '@aws-sdk/installed'; import '@aws-sdk/absent'; import 'express'"
    )
    (src / "package.json").write_text('{"devDependencies": {"@aws-sdk/for-tests": "1", "jest": "1"}}')
    assert laptop.sdk.needed(src, [packages]) == {"@aws-sdk/absent", "@aws-sdk/for-tests"}


async def test_packages_are_installed_once_and_shared(laptop: Laptop) -> None:
    assert await laptop.modules() is None
    both = await laptop.modules("@aws-sdk/a", "@aws-sdk/b")
    assert both is not None and (both / "@aws-sdk" / "a" / "package.json").is_file()
    assert await laptop.modules("@aws-sdk/b") == both
    assert await laptop.modules("@aws-sdk/c") != both
    assert len(laptop.processes.started) == 2
    assert laptop.said[0] == "installing dependencies of function Chat (AWS SDK: @aws-sdk/a, @aws-sdk/b)…"
    assert laptop.warnings == []


async def test_functions_that_wait_are_served_together(laptop: Laptop) -> None:
    found = await asyncio.gather(*(laptop.modules(f"@aws-sdk/{name}") for name in "abcd"))
    assert len(laptop.processes.started) == 2
    assert found[1] == found[2] == found[3] != found[0]


async def test_one_that_asks_for_what_does_not_exist_spoils_nothing_for_others(laptop: Laptop) -> None:
    found = await asyncio.gather(*(laptop.modules(name) for name in ("@aws-sdk/a", "@aws-sdk/b", "fail")))
    assert [modules is not None for modules in found] == [True, True, False]


async def test_another_node_gets_its_own(laptop: Laptop) -> None:
    first = await laptop.modules("@aws-sdk/a", "@smithy/b")
    laptop.node = Node("/usr/bin/node", (18, 1, 0), laptop.node.npm)
    second = await laptop.modules("@aws-sdk/a", "@smithy/b")
    assert first is not None and second is not None and first != second
    texts = [(modules / "@aws-sdk/a/package.json").read_text() for modules in (first, second)]
    assert '"version": "latest"' in texts[0] and '"version": "<3.968.0"' in texts[1]


async def test_a_failed_install_is_a_warning(laptop: Laptop) -> None:
    assert await laptop.modules("fail") is None
    assert laptop.warnings[-1] == (
        "the dependencies of function Chat (AWS SDK: fail) cannot be installed: npm error 404 Not Found - fail"
    )


@pytest.mark.parametrize(
    ("name", "runtime", "warned"),
    [
        ("aws-sdk", NODE20, True),
        ("aws-sdk", NODE16, False),
        ("@aws-sdk/a", NODE16, True),
        ("@aws-sdk/a", NODE20, False),
    ],
)
async def test_what_lambda_would_not_bring_is_told_once(
    laptop: Laptop, name: str, runtime: Runtime, warned: bool
) -> None:
    for _ in range(2):
        assert await laptop.modules(name, runtime=runtime) is not None
    text = f"function Chat imports {name}, which {runtime.name} does not bring on Lambda: add it to package.json"
    assert laptop.warnings == [text] * warned
