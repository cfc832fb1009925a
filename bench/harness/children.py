"""Processes that a benchmark starts, every one of which is gone when it ends, however it ends."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from bench.harness.procfs import descendants

STOP_S: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_LIBC: Final = ctypes.CDLL(None)


def _die_with_parent() -> None:
    """In the child: however the benchmark ends, this ends too."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class ChildFailed(Exception):
    """A process that was needed did not come up, or ended; the text says which, with the end of what it printed."""


class Child:
    """One process in a session of its own; what it prints goes to ``log``, or is read where ``pipes``."""

    def __init__(
        self, command: Sequence[str], log: Path, cwd: Path, env: Mapping[str, str] | None = None, *, pipes: bool = False
    ) -> None:
        self.command = command
        self._log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipes else file,
                stderr=file,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def tree(self) -> list[int]:
        """Its process ID and those of everything below it."""
        return [self.pid, *descendants(self.pid)]

    @property
    def printed(self) -> str:
        """The last lines."""
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:])

    def line(self) -> str:
        """The next line of its output. Raises ChildFailed when it has ended."""
        stream = self._process.stdout
        assert stream is not None
        line = stream.readline().decode()
        if not line:
            raise self.failure("ended")
        return line

    def say(self, line: str) -> None:
        """Raises ChildFailed when it has ended."""
        stream: IO[Any] | None = self._process.stdin
        assert stream is not None
        try:
            stream.write(line.encode() + b"\n")
            stream.flush()
        except OSError:
            raise self.failure("ended") from None

    def failure(self, what: str) -> ChildFailed:
        return ChildFailed(f"{Path(self.command[0]).name} {' '.join(self.command[1:4])} {what}: {self.printed}")

    def stop(self, *, hard: bool = False) -> None:
        """SIGTERM and, where that does not help within ``STOP_S`` or ``hard``, SIGKILL; its descendants too."""
        below = descendants(self.pid) if self.is_running else []
        if self.is_running and not hard:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for pid in below:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(STOP_S)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


class Children:
    """All that was started; ``stop`` ends whatever of it still runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._all: list[Child] = []

    def start(
        self, name: str, command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None, *, pipes: bool = False
    ) -> Child:
        log = self._folder / f"{len(self._all)}-{name}.log"
        self._all.append(Child(command, log, cwd, env, pipes=pipes))
        return self._all[-1]

    def stop(self) -> None:
        for child in reversed(self._all):
            child.stop(hard=True)
        self._all.clear()

    def sweep(self) -> None:
        """Also what those left behind who ended before their own children. Only after ``adopt_orphans``."""
        self.stop()
        for pid in descendants(os.getpid()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)

    def end(self, child: Child, *, hard: bool = False) -> None:
        child.stop(hard=hard)
        if child in self._all:
            self._all.remove(child)


def adopt_orphans() -> None:
    """From now on whatever loses its parent below this process becomes its child."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def wait_for(child: Child, path: Path, within_s: float) -> None:
    """Until the child has written ``path``. Raises ChildFailed."""
    end = time.monotonic() + within_s
    while not path.exists() or not path.stat().st_size:
        if not child.is_running:
            raise child.failure("ended")
        if time.monotonic() > end:
            raise child.failure(f"was not ready within {within_s:g} s")
        time.sleep(0.01)
