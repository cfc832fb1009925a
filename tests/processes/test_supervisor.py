"""Against real processes: what is started runs as asked, and nothing that was started ever stays behind."""

from __future__ import annotations

import ast
import asyncio
import errno
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.ports import Confinement, Exit, Process
from gateway.processes.supervisor import ProcessSupervisor
from process_watch import LINUX, Watch, children_of

DEADLINE_S = 20.0
ENV = {"PATH": os.environ["PATH"]}
SH = "/bin/sh"
# A leader, a child of its group, and a daemon: in a session of its own, its parent gone. Each prints its pid.
TREE = "(setsid sh -c 'echo $$; exec sleep 600' &); sh -c 'echo $$; exec sleep 600' & echo $$; wait"
TREE_SIZE = 3

linux = pytest.mark.skipif(not LINUX, reason="needs sub-reapers and pidfds")


class Output:
    """Collects lines, and wakes who waits for a number of them."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self._changed = asyncio.Event()

    def __call__(self, stream: str, line: str) -> None:
        self.lines.append((stream, line))
        self._changed.set()

    async def first(self, count: int) -> list[str]:
        async with asyncio.timeout(DEADLINE_S):
            while len(self.lines) < count:
                self._changed.clear()
                await self._changed.wait()
        return [line for _, line in self.lines]

    async def tree(self) -> list[int]:
        return [int(line) for line in await self.first(TREE_SIZE)]


@pytest.fixture
async def supervisor() -> AsyncIterator[ProcessSupervisor]:
    one = ProcessSupervisor()
    yield one
    await one.close()


async def shell(supervisor: ProcessSupervisor, script: str, output: Output) -> Process:
    return await supervisor.start([SH, "-c", script], env=ENV, cwd="/", output=output)


async def ended(process: Process) -> Exit:
    async with asyncio.timeout(DEADLINE_S):
        return await process.wait()


async def test_output_is_delivered_before_the_exit(supervisor: ProcessSupervisor) -> None:
    output = Output()
    process = await shell(supervisor, "echo one; echo two >&2; printf three; exit 7", output)
    assert await ended(process) == Exit(7)
    assert sorted(output.lines) == [("stderr", "two"), ("stdout", "one"), ("stdout", "three")]
    assert await ended(process) == Exit(7)


async def test_environment_and_folder_are_exactly_those_given(supervisor: ProcessSupervisor, tmp_path: Path) -> None:
    output = Output()
    env = {"ONLY": "this", "UNDECODABLE": "\udcff"}
    script = "import os; print(sorted(os.environ.items())); print(os.getcwd()); print(repr(os.read(0, 1)))"
    argv = [sys.executable, "-I", "-c", script]
    await ended(await supervisor.start(argv, env=env, cwd=str(tmp_path), output=output))
    seen = [line for _, line in output.lines]
    assert env.items() <= dict(ast.literal_eval(seen[0])).items()
    assert "PATH" not in seen[0]
    assert seen[1:] == [str(tmp_path), "b''"]


async def test_descriptors_are_inherited_under_the_number_that_a_variable_holds(supervisor: ProcessSupervisor) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    script = "import os; [os.write(int(os.environ[name]), name.encode()) for name in ('ONE', 'TWO')]"
    descriptors = {"ONE": pairs[0][1].fileno(), "TWO": pairs[1][1].fileno()}
    argv = [sys.executable, "-I", "-c", script]
    process = await supervisor.start(argv, env=ENV, cwd="/", output=Output(), descriptors=descriptors)
    assert await ended(process) == Exit(0)
    for (near, far), name in zip(pairs, descriptors, strict=True):
        far.close()  # stays open here until its owner closes it, and nowhere else
        assert near.makefile("rb").read() == name.encode()
        near.close()


async def test_a_descriptor_may_be_closed_while_the_request_waits(supervisor: ProcessSupervisor) -> None:
    near, far = socket.socketpair()
    script = "import os; os.write(int(os.environ['ONE']), b'here')"
    argv = [sys.executable, "-I", "-c", script]
    env = {f"V{i}": "x" * 100_000 for i in range(8)}  # more than the socket of the guardian takes at once
    before = asyncio.ensure_future(shell_with(supervisor, env))
    starting = supervisor.start(argv, env=env, cwd="/", output=Output(), descriptors={"ONE": far.fileno()})
    process = asyncio.ensure_future(starting)
    await asyncio.sleep(0)
    far.close()
    assert await ended(await process) == await ended(await before) == Exit(0)
    assert near.makefile("rb").read() == b"here"
    near.close()


async def shell_with(supervisor: ProcessSupervisor, env: dict[str, str]) -> Process:
    return await supervisor.start([SH, "-c", "exit 0"], env=env, cwd="/", output=Output())


async def test_a_descriptor_that_is_not_open_is_an_os_error(supervisor: ProcessSupervisor) -> None:
    with pytest.raises(OSError):
        await supervisor.start([SH], env=ENV, cwd="/", output=Output(), descriptors={"ONE": 1_000_000})
    assert await ended(await shell(supervisor, "exit 0", Output())) == Exit(0)


async def test_many_large_environments_at_once(supervisor: ProcessSupervisor) -> None:
    env = {f"V{i}": "x" * 100_000 for i in range(8)}
    outputs = [Output() for _ in range(6)]
    script = "import os; print(sum(map(len, os.environ.values())))"
    argv = [sys.executable, "-I", "-S", "-c", script]
    started = [supervisor.start(argv, env=env, cwd="/", output=output) for output in outputs]
    for process in await asyncio.gather(*started):
        assert await ended(process) == Exit(0)
    assert all(int(output.lines[0][1]) >= 800_000 for output in outputs)


@pytest.mark.parametrize(
    ("argv", "cwd", "code"),
    [
        (["/nowhere/program"], "/", errno.ENOENT),
        ([SH], "/nowhere", errno.ENOENT),
        (["/"], "/", errno.EACCES),
        ([SH, "x" * 200_000], "/", errno.E2BIG),
        ([SH, "nul\0"], "/", errno.EINVAL),
    ],
)
async def test_what_cannot_be_started_is_an_os_error(
    supervisor: ProcessSupervisor, argv: list[str], cwd: str, code: int
) -> None:
    with pytest.raises(OSError) as caught:
        await supervisor.start(argv, env=ENV, cwd=cwd, output=Output())
    assert caught.value.errno == code
    assert await ended(await shell(supervisor, "exit 0", Output())) == Exit(0)


async def test_drain_delivers_what_was_written_until_now(supervisor: ProcessSupervisor, tmp_path: Path) -> None:
    go, done = tmp_path / "go", tmp_path / "done"
    os.mkfifo(go)
    os.mkfifo(done)
    output = Output()
    process = await shell(supervisor, f"read x < {go}; echo written; echo > {done}; sleep 600", output)
    without_the_loop(go, done)
    assert output.lines == []
    process.drain()
    assert output.lines == [("stdout", "written")]
    process.kill()
    process.kill()
    assert await ended(process) == Exit(-signal.SIGKILL)
    process.drain()


def without_the_loop(go: Path, done: Path) -> None:
    """Blocks until the process has written: nobody but ``drain`` can deliver the line."""
    go.write_text("\n")
    assert done.read_text() == "\n"


async def test_terminate_asks(supervisor: ProcessSupervisor) -> None:
    output = Output()
    script = "import signal as s, sys; s.pthread_sigmask(s.SIG_BLOCK, {s.SIGTERM}); print('ready', flush=True)"
    argv = [sys.executable, "-I", "-c", f"{script}; s.sigwait({{s.SIGTERM}}); print('asked'); sys.exit(3)"]
    process = await supervisor.start(argv, env=ENV, cwd="/", output=output)
    await output.first(1)
    process.terminate()
    assert await ended(process) == Exit(3)
    assert output.lines[-1] == ("stdout", "asked")
    process.terminate()
    process.kill()


@linux
async def test_kill_takes_the_group_and_a_daemon_along(supervisor: ProcessSupervisor) -> None:
    output = Output()
    process = await shell(supervisor, TREE, output)
    with Watch(await output.tree()) as watch:
        process.kill()
        assert await ended(process) == Exit(-signal.SIGKILL)
        assert not watch.left_after(DEADLINE_S)


@linux
async def test_nothing_outlives_its_leader_and_others_are_left_alone(
    supervisor: ProcessSupervisor, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    os.mkfifo(go)
    other, output = Output(), Output()
    await shell(supervisor, TREE, other)
    others = await other.tree()
    process = await shell(supervisor, TREE.replace("wait", f"read x < {go}"), output)
    with Watch(await output.tree()) as watch, Watch(others) as alive:
        await asyncio.to_thread(go.write_text, "\n")
        assert await ended(process) == Exit(0)
        assert not watch.left_after(DEADLINE_S)
        assert alive.left_after(0) == set(others)


@linux
async def test_close_leaves_nothing(supervisor: ProcessSupervisor) -> None:
    output = Output()
    process = await shell(supervisor, TREE, output)
    assert supervisor.guardian_pid is not None
    with Watch([*await output.tree(), supervisor.guardian_pid]) as watch:
        await supervisor.close()
        assert not watch.left_after(0)
    assert await ended(process) == Exit(-signal.SIGKILL)
    with pytest.raises(OSError, match="stopping"):
        await shell(supervisor, "exit 0", Output())


async def test_close_without_a_start_is_nothing() -> None:
    await ProcessSupervisor().close()


@linux
async def test_a_cancelled_start_leaves_no_process(supervisor: ProcessSupervisor) -> None:
    start = asyncio.ensure_future(shell(supervisor, "sleep 600", Output()))
    await asyncio.sleep(0)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    other = await shell(supervisor, "sleep 600", Output())  # answered after both requests before it
    assert supervisor.guardian_pid is not None
    (guardian,) = children_of(supervisor.guardian_pid)
    with Watch(set(children_of(guardian)) - {other.pid}) as watch:
        assert not watch.left_after(DEADLINE_S)


@linux
@pytest.mark.parametrize("victim", ["guardian", "warden"])
async def test_a_killed_guardian_takes_everything_along_and_is_replaced(
    supervisor: ProcessSupervisor, victim: str
) -> None:
    output = Output()
    process = await shell(supervisor, TREE, output)
    warden = supervisor.guardian_pid
    assert warden is not None
    with Watch(await output.tree()) as watch:
        os.kill(warden if victim == "warden" else children_of(warden)[0], signal.SIGKILL)
        again = await shell(supervisor, "exit 5", Output())  # at once: its end may not have been noticed yet
        assert await ended(process) == Exit(-signal.SIGKILL)
        assert await ended(again) in (Exit(5), Exit(-signal.SIGKILL))  # the old guardian may still have started it
        assert not watch.left_after(DEADLINE_S)
    assert await ended(await shell(supervisor, "exit 6", Output())) == Exit(6)
    assert supervisor.guardian_pid != warden


GATEWAY = f"""
import asyncio, os, signal, sys
from gateway.processes.supervisor import ProcessSupervisor

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in a shell's background is started without one

async def main():
    supervisor = ProcessSupervisor()
    try:
        show = lambda stream, line: print(line, flush=True)
        process = await supervisor.start([{SH!r}, "-c", sys.argv[1]], env=dict(os.environ), cwd="/", output=show)
        print(supervisor.guardian_pid, flush=True)
        if "fork" in sys.argv and not os.fork():
            os.read(0, 1)
            os._exit(0)
        await process.wait()
    finally:
        await supervisor.close()
        print("closed", flush=True)

asyncio.run(main())
"""


@contextmanager
def gateway(*options: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A gateway in a process of its own, and the pids it printed: its guardian's and those of the tree."""
    process = subprocess.Popen(
        [sys.executable, "-c", GATEWAY, f"trap 'echo interrupted' INT; {TREE}", *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None
    with process:
        try:
            yield process, [int(process.stdout.readline()) for _ in range(TREE_SIZE + 1)]
        finally:
            process.stdin.close()
            process.kill()


@linux
@pytest.mark.parametrize("options", [(), ("fork",)], ids=["plain", "a fork of it holds the socket"])
def test_nothing_outlives_a_killed_gateway(options: tuple[str, ...]) -> None:
    with gateway(*options) as (process, pids), Watch(pids) as watch:
        process.kill()
        assert not watch.left_after(DEADLINE_S)


@linux
def test_ctrl_c_reaches_the_gateway_alone_and_leaves_nothing() -> None:
    with gateway() as (process, pids), Watch(pids) as watch:
        os.killpg(process.pid, signal.SIGINT)
        assert not watch.left_after(DEADLINE_S)
        assert process.stdout is not None
        assert process.stdout.read() == "closed\n"


MIB = 1 << 20
LIMITS = (
    "import os, resource; mask = os.umask(0); "
    "print(resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_CORE), oct(mask))"
)


async def test_a_confined_process_keeps_to_its_limits(supervisor: ProcessSupervisor) -> None:
    output, argv = Output(), [sys.executable, "-I", "-c", LIMITS]
    confinement = Confinement(256 * MIB, 1024)
    await ended(await supervisor.start(argv, env=ENV, cwd="/", output=output, confinement=confinement))
    assert await output.first(1) == ["(1024, 1024) (0, 0) 0o77"]


async def test_others_are_not_confined(supervisor: ProcessSupervisor) -> None:
    output, argv = Output(), [sys.executable, "-I", "-c", LIMITS]
    await ended(await supervisor.start(argv, env=ENV, cwd="/", output=output))
    mask = os.umask(0)
    os.umask(mask)
    assert await output.first(1) == [f"{resource.getrlimit(resource.RLIMIT_NOFILE)} (0, 0) {oct(mask)}"]


@linux
async def test_a_process_that_holds_more_memory_than_it_may_is_killed(supervisor: ProcessSupervisor) -> None:
    argv = [sys.executable, "-I", "-c", f"kept = b'x' * {96 * MIB}; __import__('signal').pause()"]
    process = await supervisor.start(argv, env=ENV, cwd="/", output=Output(), confinement=Confinement(64 * MIB, 1024))
    end = await ended(process)
    assert end.returncode == -signal.SIGKILL
    assert end.held_bytes is not None and end.held_bytes > 64 * MIB


@linux
async def test_the_guardian_has_nothing_of_this_environment(supervisor: ProcessSupervisor) -> None:
    await ended(await shell(supervisor, "exit 0", Output()))
    assert supervisor.guardian_pid is not None
    warden = supervisor.guardian_pid
    assert [first_environment_of(pid) for pid in (warden, *children_of(warden))] == [b"", b""]


def first_environment_of(pid: int) -> bytes:
    with open(f"/proc/{pid}/environ", "rb") as file:
        return file.read()


@linux
async def test_a_connection_of_a_process_is_told_from_others(supervisor: ProcessSupervisor) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    port = listener.getsockname()[1]
    script = f"import socket; socket.create_connection(('127.0.0.1', {port})).recv(1)"
    process = await supervisor.start([sys.executable, "-I", "-c", script], env=ENV, cwd="/", output=Output())
    other = await shell(supervisor, "exec sleep 600", Output())
    async with asyncio.timeout(DEADLINE_S):
        accepted, far = await asyncio.get_running_loop().sock_accept(listener)
    near = accepted.getsockname()
    assert process.is_at(far, near)
    assert not other.is_at(far, near)
    accepted.close()
    listener.close()
    assert await ended(process) == Exit(0)
