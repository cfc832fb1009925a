"""The real ``wsfleet run`` in a process of its own: started, read, stopped, and nothing of it left behind.

Output arrives by a thread and is waited for by a condition. Every process that belongs to a gateway is known twice: as
its descendant, and by the state folder, which is this gateway's alone and in the environment or arguments of each.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext, create_default_context
from threading import Condition, Thread
from types import MappingProxyType
from typing import IO

from process_watch import LINUX, Watch

DEADLINE_S = 30.0
START_S = 300.0  # dependencies are installed when they are not in the cache yet
STOP_S = 20.0
GONE_S = 10.0
APPLICATIONS = Path(__file__).parent / "e2e" / "applications"
COMMAND = str(Path(sys.executable).with_name("wsfleet"))
OWN_RUNTIME = f"python3.{sys.version_info.minor}"
_FOREIGN = ("AWS_", "PYTEST_", "PYTHON", "MAKE", "MFLAGS", "ARGS")


class Transcript:
    """All that a program prints, as it comes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._text = ""
        self._changed = Condition()
        self._ended = False
        self._reader = Thread(target=self._read, name="transcript", daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        with self._changed:
            return self._text

    @property
    def end(self) -> int:
        """Where the text ends now: what is waited for ``since`` here comes later."""
        return len(self.text)

    def shows(self, pattern: str, since: int = 0, within_s: float = DEADLINE_S) -> re.Match[str]:
        """Wait until a line matches; fails with all that was printed."""
        found = self.shows_all(pattern, 1, since, within_s)
        return found[0]

    def shows_all(self, pattern: str, count: int, since: int = 0, within_s: float = DEADLINE_S) -> list[re.Match[str]]:
        """Wait until at least so many lines match."""
        wanted = re.compile(pattern, re.M)
        with self._changed:
            self._changed.wait_for(lambda: self._count(wanted, since) >= count or self._ended, within_s)
            found = list(wanted.finditer(self._text, since))
        assert len(found) >= count, f"{pattern!r} came {len(found)} times, not {count}; what came was:\n{self.text}"
        return found

    def close(self) -> None:
        self._reader.join(GONE_S)
        self._stream.close()

    def _count(self, wanted: re.Pattern[str], since: int) -> int:
        return sum(1 for _ in wanted.finditer(self._text, since))

    def _read(self) -> None:
        for line in self._stream:
            with self._changed:
                self._text += line.decode("utf-8", "replace")
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class Ready:
    """What ``--ready-file`` holds."""

    api_id: str
    stage: str
    websocket_url: str
    secure_websocket_url: str
    management_url: str
    ca_bundle: str
    aws_endpoint_url: str
    lambda_endpoint_url: str
    region: str
    pid: int

    @property
    def port(self) -> int:
        return int(self.websocket_url.rpartition("/")[0].rpartition(":")[2])

    @property
    def secure_port(self) -> int:
        return int(self.secure_websocket_url.rpartition("/")[0].rpartition(":")[2])

    @property
    def secure_management_url(self) -> str:
        return self.secure_websocket_url.replace("wss://", "https://")

    @property
    def tls(self) -> SSLContext:
        return create_default_context(cafile=self.ca_bundle)


class CommandProcess:
    """``wsfleet`` with these words and a ready file, run in ``folder``; ``state`` is its own."""

    def __init__(self, words: Sequence[str], folder: Path, state: Path, ready_file: Path) -> None:
        self.state = state
        self.ready_file = ready_file
        self.process = subprocess.Popen(
            [*words, "--ready-file", str(ready_file)],
            cwd=folder,
            env=environment(state),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.output = Transcript(self.process.stdout)

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def wait_ready(self) -> None:
        end = time.monotonic() + START_S
        while not self.ready_file.exists():
            assert self.is_running and time.monotonic() < end, f"it does not serve:\n{self.output.text}"
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)

    def kill_alone(self) -> None:
        """Without a word; what it started has to notice."""
        self.process.kill()
        self.process.wait(STOP_S)

    def close(self) -> None:
        """However the test ended: nothing stays."""
        if self.is_running:
            self.kill_alone()
        for pid in mentioning(str(self.state)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.output.close()


class GatewayProcess(CommandProcess):
    """``folder`` is the application's, which the test may change; ``state`` the gateway's own."""

    def __init__(self, arguments: list[str], folder: Path, state: Path) -> None:
        self.folder = folder
        words = [COMMAND, "run", *arguments, "--port", "0", "--tls-port", "0"]
        super().__init__(words, folder, state, state.with_name("ready.json"))

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def ready(self) -> Ready:
        return Ready(**json.loads(self.ready_file.read_text(encoding="utf-8")))

    @property
    def cpu_s(self) -> float:
        """Processor time of the gateway's own process until now; 0 where nobody says."""
        if not LINUX:
            return 0.0
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def interrupt(self) -> int:
        """Ctrl-C, as a terminal does it: SIGINT to the whole process group. Returns the exit status."""
        os.killpg(self.pid, signal.SIGINT)
        return self.process.wait(STOP_S)

    @contextmanager
    def leaving_nothing(self) -> Iterator[None]:
        """The gateway ends inside, however; afterwards no process of it must be left."""
        with Watch(descendants(self.pid)) as watch:
            yield
            left = watch.left_after(GONE_S)
        assert not left, f"left behind: {list(map(command_of, left))}"
        with Watch(mentioning(str(self.state))) as watch:
            left = watch.left_after(GONE_S)
        assert not left, f"left behind: {list(map(command_of, left))}"

    def stop(self) -> None:
        """Ctrl-C unless it has ended already; it must end well, and with everything it started."""
        with self.leaving_nothing():
            status = self.interrupt() if self.is_running else 0
        assert status == 0, f"exit status {status}:\n{self.output.text}"


@contextmanager
def started(
    application: str, folder: Path, *options: str, parameters: Mapping[str, str] = MappingProxyType({})
) -> Iterator[GatewayProcess]:
    """Run a copy of an application of these tests in ``folder`` until it serves; stop it and look for what is left."""
    copy = folder / application
    shutil.copytree(APPLICATIONS / application, copy)
    wants_python = "\n  Python:\n" in (copy / "template.yaml").read_text(encoding="utf-8")
    values = {**({"Python": OWN_RUNTIME} if wants_python else {}), **parameters}
    overrides = ("--parameter-overrides", *(f"{name}={value}" for name, value in values.items()))
    process = GatewayProcess(["template.yaml", *overrides, *options], copy, folder / "state")
    RUNNING.append(process)
    try:
        process.wait_ready()
        yield process
        process.stop()
    finally:
        process.close()
        RUNNING.remove(process)


RUNNING: list[GatewayProcess] = []  # whose output is shown when a test fails


def environment(state: Path) -> dict[str, str]:
    """A user's shell without what the test run itself was started with; the cache is the user's usual one."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
    return {**kept, "WSFLEET_STATE_DIR": str(state)}


def node_runtime() -> str:
    """Lambda's name for the Node of this machine, so that none is missing; any when there is none."""
    node = shutil.which("node")
    if node is None:
        return "nodejs20.x"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return f"nodejs{version.lstrip('v').partition('.')[0]}.x"


def until(condition: Callable[[], bool], what: str, within_s: float = DEADLINE_S) -> None:
    """Ask again and again, where nobody tells of a change: the question takes time of its own, so this never waits."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, f"never came true: {what}"


def descendants(pid: int) -> set[int]:
    """Every process below this one, by the kernel's word."""
    found: set[int] = set()
    pending = [pid]
    while LINUX and pending:
        for path in Path(f"/proc/{pending.pop()}/task").glob("*/children"):
            with suppress(OSError):
                children = {int(child) for child in path.read_text(encoding="ascii").split()}
                pending += children - found
                found |= children
    return found


def mentioning(text: str) -> set[int]:
    """Every process with this text in its environment or arguments."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*") if LINUX else ():
        with suppress(OSError):
            if text.encode() in (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes():
                found.add(int(folder.name))
    return found


def command_of(pid: int) -> str:
    with suppress(OSError):
        return f"{pid} " + Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    return str(pid)


def run_node(script: str, folder: Path, env: Mapping[str, str]) -> str:
    """What a Node program prints; it must end well."""
    node = shutil.which("node")
    assert node is not None
    ended = subprocess.run(
        [node, "-e", script], cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
