from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.invoke.installs import Installs
from gateway.invoke.launch import LaunchError
from gateway.invoke.programs import Ended
from gateway.invoke.store import Store


async def test_one_at_a_time_each_said(tmp_path: Path) -> None:
    said: list[str] = []
    at_once: list[int] = [0]
    clock = iter((100.0, 103.4, 200.0, 260.0))

    async def install(draft: Path) -> Ended:
        at_once[0] += 1
        await asyncio.sleep(0)
        assert at_once[0] == 1
        at_once[0] -= 1
        return Ended(0, ())

    installs = Installs(Store(tmp_path), said.append, lambda: next(clock))
    await asyncio.gather(*(installs.folder("kind", key, f"function {key}", install) for key in "AB"))
    await installs.folder("kind", "A", "function C", install)
    assert said == [
        "installing dependencies of function A…",
        "installed dependencies of function A in 3 s",
        "installing dependencies of function B…",
        "installed dependencies of function B in 60 s",
    ]


@pytest.mark.parametrize(
    ("lines", "hint"), [(("", "why", " "), "why"), ((), "the tool ended with status 1 and said nothing")]
)
async def test_failure_keeps_the_tool_s_last_words(tmp_path: Path, lines: tuple[str, ...], hint: str) -> None:
    async def install(draft: Path) -> Ended:
        return Ended(1, lines)

    with pytest.raises(LaunchError, match="the dependencies of function A cannot be installed") as caught:
        await Installs(Store(tmp_path), print).folder("kind", "key", "function A", install)
    assert caught.value.hint == hint
