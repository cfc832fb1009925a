"""The embedded AWS as the gateway starts it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from gateway.emulation.embedded import EmbeddedAws
from gateway.emulation.options import EmbeddedOptions
from gateway.model.errors import UserError
from gateway.ports import NO_DESCRIPTORS, Confinement, LineSink, Process
from local_processes import LocalProcesses

DEADLINE_S = 30.0
PLAIN = EmbeddedOptions()


class Instead:
    """Starts something else than the embedded AWS, or nothing."""

    def __init__(self, *argv: str) -> None:
        self._argv = argv
        self._processes = LocalProcesses()

    async def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        output: LineSink,
        descriptors: Mapping[str, int] = NO_DESCRIPTORS,
        confinement: Confinement | None = None,
    ) -> Process:
        if not self._argv:
            raise OSError("no processes left")
        return await self._processes.start(self._argv, env=env, cwd=cwd, output=output)


def quiet(stream: str, line: str) -> None: ...


def nobody(why: str) -> None:
    pytest.fail(f"reported a death: {why}")


def into(told: asyncio.Future[str]) -> Callable[[str], None]:
    return told.set_result


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_it_answers_when_started_and_is_gone_when_closed() -> None:
    embedded = await EmbeddedAws.start(LocalProcesses(), PLAIN, on_line=quiet, on_death=nobody)
    async with asyncio.timeout(DEADLINE_S):
        _, writer = await asyncio.open_connection("127.0.0.1", embedded.port)
        writer.close()
        assert embedded.url == f"http://127.0.0.1:{embedded.port}"
        assert embedded.tls_port is None
        await embedded.close()
        assert is_gone(embedded.pid)
        await embedded.close()


async def test_its_death_is_told_with_a_reason() -> None:
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    embedded = await EmbeddedAws.start(LocalProcesses(), PLAIN, on_line=quiet, on_death=into(told))
    os.kill(embedded.pid, signal.SIGKILL)
    async with asyncio.timeout(DEADLINE_S):
        assert await told == "the embedded AWS ended (exit status -9)"
        await embedded.close()


async def test_what_it_prints_is_passed_on_and_explains_why_it_ended(tmp_path: Path) -> None:
    lines: list[str] = []
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    with pytest.raises(UserError, match=r"ended \(exit status 2\): the embedded AWS cannot serve: ") as caught:
        await EmbeddedAws.start(
            LocalProcesses(),
            EmbeddedOptions(certificate=bad),
            on_line=lambda stream, line: lines.append(line),
            on_death=nobody,
        )
    assert "--endpoint-url" in caught.value.hint
    assert len(lines) == 1


async def test_a_port_in_use_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options = EmbeddedOptions(port=taken.getsockname()[1])
        with pytest.raises(UserError, match="Address already in use"):
            await EmbeddedAws.start(LocalProcesses(), options, on_line=quiet, on_death=nobody)


async def test_one_that_is_never_ready_is_ended() -> None:
    processes = Instead("/bin/sh", "-c", "echo $$; exec sleep 1000")
    lines: list[str] = []
    with pytest.raises(UserError, match="not ready after"):
        await EmbeddedAws.start(
            processes,
            PLAIN,
            on_line=lambda stream, line: lines.append(line),
            on_death=nobody,
            deadline_s=0.3,
        )
    assert lines and is_gone(int(lines[0]))


async def test_one_that_cannot_be_started_is_a_clear_error() -> None:
    with pytest.raises(UserError, match="no processes left"):
        await EmbeddedAws.start(Instead(), PLAIN, on_line=quiet, on_death=nobody)


async def test_nothing_of_the_surroundings_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "000000000000")
    processes = Instead("/bin/sh", "-c", "env; exit 3")
    lines: list[str] = []
    with pytest.raises(UserError, match="exit status 3"):
        await EmbeddedAws.start(processes, PLAIN, on_line=lambda stream, line: lines.append(line), on_death=nobody)
    names = {line.partition("=")[0] for line in lines}
    assert names <= {"PYTHONPATH", "PYTHONUNBUFFERED", "LC_ALL", "PWD", "SHLVL", "_", "OLDPWD"}
