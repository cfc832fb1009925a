from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.invoke.programs import TAIL_LINES, Ended, Programs
from gateway.processes.supervisor import ProcessSupervisor
from local_processes import LocalProcesses

ROOT = Path("/")


@pytest.fixture(params=["double", "real"])
async def programs(request: pytest.FixtureRequest) -> AsyncIterator[Programs]:
    env = {"PATH": "/usr/bin:/bin", "A": "outer"}
    if request.param == "double":
        processes = LocalProcesses()
        yield Programs(processes, env)
        await processes.settle()
        return
    supervisor = ProcessSupervisor()
    yield Programs(supervisor, env)
    await supervisor.close()


async def python(programs: Programs, code: str, timeout_s: float = 30, **env: str) -> Ended:
    return await programs.run((sys.executable, "-c", code), cwd=ROOT, timeout_s=timeout_s, env=env)


async def test_the_end_of_what_is_printed_is_kept(programs: Programs) -> None:
    ended = await python(programs, "for n in range(100): print(n)")
    assert ended == Ended(0, tuple(str(n) for n in range(100 - TAIL_LINES, 100)))
    assert ended.is_success


async def test_a_program_gets_exactly_its_environment(programs: Programs) -> None:
    ended = await python(
        programs, "import os; print(sorted(set(os.environ) - {'LC_CTYPE'}), os.environ['A'])", A="inner"
    )
    assert ended.lines == ("['A', 'PATH'] inner",)


async def test_failure_is_a_value(programs: Programs) -> None:
    ended = await python(programs, "import sys; sys.exit('why')")
    assert (ended, ended.is_success) == (Ended(1, ("why",)), False)


async def test_a_missing_program_is_a_value(programs: Programs) -> None:
    ended = await programs.run(("/no/such/program",), cwd=ROOT, timeout_s=1)
    assert ended.returncode is None
    assert ended.lines[-1].startswith("/no/such/program: No such file or directory")


async def test_a_program_that_does_not_end_is_killed(programs: Programs) -> None:
    ended = await python(programs, "import os, time; print(os.getpid(), flush=True); time.sleep(1000)", timeout_s=1)
    assert ended.returncode is None
    pid, why = ended.lines
    assert why == f"{sys.executable} did not end within 1 s"
    await until(lambda: not is_running(int(pid)))


async def test_a_cancelled_program_is_killed(programs: Programs, tmp_path: Path) -> None:
    code = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(f'{{os.getpid()}}.'); time.sleep(1000)"
    task = asyncio.create_task(python(programs, code))
    await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().endswith("."))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    pid = int((tmp_path / "pid").read_text().rstrip("."))
    await until(lambda: not is_running(pid))


async def until(condition: Callable[[], bool], deadline_s: float = 10) -> None:
    for _ in range(int(deadline_s / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("waited in vain")


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_programs_are_found_on_path_in_order(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        (folder / "tool").write_text("")
        (folder / "tool").chmod(0o755)
    (first / "text").write_text("")
    (first / "tool.d").mkdir()
    programs = Programs(LocalProcesses(), {"PATH": f"{second}::/absent:{first}:{second}"})
    assert programs.all_named("tool") == (str(second / "tool"), str(first / "tool"))
    assert programs.named("tool") == str(second / "tool")
    assert programs.named("text") is None
    assert programs.named("tool.d") is None
