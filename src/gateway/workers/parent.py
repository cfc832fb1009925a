"""The parent of workers: holds the ports, starts the processes, replaces those that die, ends them in good order.

The first worker starts alone. What is wrong with template or settings is told once, by it, and what has to be installed
is installed once; when it serves, the others follow. A worker that ends with status 0 has left on purpose (drained by
an operator, or by our signal) and is not replaced; when all have left, so does the parent.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from gateway.model.errors import UserError
from gateway.model.surprise import one_line
from gateway.report import event_names as names
from gateway.report.report import WARNING, Report
from gateway.server.listener import reserve
from gateway.settings import ServeSettings
from gateway.sources.backoff import Backoff, pause
from gateway.system.ready_file import write_ready_file
from gateway.workers.child import Child
from gateway.workers.ready_files import Document, merged, read_ready
from gateway.workers.spec import LEFT, WorkerSpec

PROGRAM: Final = (sys.executable, "-P", "-m", "gateway", "serve-worker")
FAILED: Final = 1
INTERRUPTED: Final = 130  # 128 and SIGINT, as shells count
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. ``first_s`` and ``longest_s``: between the death of a worker and its replacement; ``steady_s``: one that
    served so long has not failed; ``poll_s`` and, once all serve, ``idle_s``: between two looks at the workers' ready
    files; ``end_s``: how long a worker may take to end at once."""

    first_s: float = 0.5
    longest_s: float = 30.0
    steady_s: float = 60.0
    poll_s: float = 0.1
    idle_s: float = 1.0
    end_s: float = 3.0


def serve_workers(
    settings: ServeSettings, report: Report, program: Sequence[str] = PROGRAM, pace: Pace | None = None
) -> int:
    """Serve until every worker has left; returns the exit status. Raises UserError, before any worker is started."""
    return asyncio.run(_serve(settings, report, program, pace or Pace()))


async def _serve(settings: ServeSettings, report: Report, program: Sequence[str], pace: Pace) -> int:
    async with AsyncExitStack() as stack:
        plain = await reserve(settings.host, settings.port)
        stack.callback(plain.close)
        settings = replace(settings, port=plain.port)
        if settings.tls_port is not None:
            secure = await reserve(settings.host, settings.tls_port)
            stack.callback(secure.close)
            settings = replace(settings, tls_port=secure.port)
        if settings.ready_file is not None:
            settings.ready_file.unlink(missing_ok=True)  # whoever waits for it must not read an earlier run's
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="wsfleet-workers-", ignore_cleanup_errors=True)))
        parent = Parent(settings, report, program, pace, folder)
        stack.push_async_callback(parent.close)
        with _signals(parent, reloads=settings.reloads):
            return await parent.run()


@dataclass(frozen=True, slots=True)
class _Ended:
    """The end of one process; ``pid`` None when there never was one."""

    pid: int | None
    status: int
    how: str


class Parent:
    """``settings`` hold port numbers that are reserved already; ``folder`` is for the workers' ready files."""

    def __init__(
        self, settings: ServeSettings, report: Report, program: Sequence[str], pace: Pace, folder: Path
    ) -> None:
        self._settings = settings
        self._report = report
        self._program = program
        self._pace = pace
        self._folder = folder
        self._children: dict[int, Child] = {}
        self._ready: dict[int, Document] = {}
        self._told: list[int] | None = None  # who was in the ready file when it was last written
        self._left: set[int] = set()
        self._stopping = asyncio.Event()
        self._at_once = False

    async def run(self) -> int:
        """Until every worker has ended on purpose, or the first could not start; returns the exit status."""
        watching = asyncio.ensure_future(self._watch())
        try:
            status = await self._first()
            if status is None:
                async with asyncio.TaskGroup() as group:
                    for index in range(self._settings.workers):
                        group.create_task(self._keep(index), name=f"worker {index}")
                status = LEFT
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        if self._settings.ready_file is not None:
            self._settings.ready_file.unlink(missing_ok=True)
        return INTERRUPTED if self._at_once else status

    def signalled(self) -> None:
        """The first time drain and leave; the second time end at once."""
        if self._stopping.is_set():
            self._report.said("stopping at once")
            self._at_once = True
            asyncio.get_running_loop().call_later(self._pace.end_s, self._kill)
        else:
            self._report.said("stopping: every worker drains and leaves")
            self._stopping.set()
        for child in self._children.values():
            child.terminate()

    def reload(self) -> None:
        """Those that serve read again what may have changed; one that is just starting reads it anyway."""
        for index, child in self._children.items():
            if index in self._ready:
                child.reload()

    async def close(self) -> None:
        """Whatever happened: no worker stays."""
        self._kill()
        await asyncio.gather(*(child.wait() for child in self._children.values()))

    async def _first(self) -> int | None:
        """Start the first worker; None once it serves, else its exit status."""
        child = await self._start(0)
        ended = asyncio.ensure_future(child.wait())
        while not ended.done() and 0 not in self._ready:
            await asyncio.wait((ended,), timeout=self._pace.poll_s)
        if ended.done():
            status = ended.result()
            return status if status >= 0 else FAILED
        ended.cancel()
        return None

    async def _keep(self, index: int) -> None:
        """Until the worker leaves on purpose, or everybody shall."""
        backoff = Backoff(self._pace.first_s, self._pace.longest_s)
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set() or index in self._children:
            began = loop.time()
            ended = await self._one(index)
            if ended.status == LEFT or self._stopping.is_set():
                self._has_left(index, ended)
                break
            if loop.time() - began >= self._pace.steady_s:
                backoff.reset()
            wait_s = backoff.next_s()
            self._has_died(index, ended, wait_s)
            await pause(self._stopping, wait_s)
        self._left.add(index)

    async def _one(self, index: int) -> _Ended:
        """The life of one process: the one that runs already, or a new one."""
        try:
            child = self._children.get(index) or await self._start(index)
        except OSError as error:
            return _Ended(None, FAILED, f"it cannot be started: {error.strerror}")
        status = await child.wait()
        del self._children[index]
        self._ready.pop(index, None)
        self._ready_path(index).unlink(missing_ok=True)
        return _Ended(child.pid, status, f"signal {-status}" if status < 0 else f"exit status {status}")

    async def _start(self, index: int) -> Child:
        path = self._ready_path(index)
        path.unlink(missing_ok=True)
        child = await Child.start(self._program, WorkerSpec(index, path, self._settings))
        self._children[index] = child
        self._report.event(
            names.WORKER_STARTED, f"worker {index} is process {child.pid}", worker=index, worker_pid=child.pid
        )
        if self._stopping.is_set():  # the signal came while it was being started
            child.terminate()
        return child

    def _has_left(self, index: int, ended: _Ended) -> None:
        self._report.event(
            names.WORKER_ENDED,
            f"worker {index} (process {ended.pid}) has left",
            worker=index,
            worker_pid=ended.pid,
            status=ended.status,
        )

    def _has_died(self, index: int, ended: _Ended, wait_s: float) -> None:
        self._report.event(
            names.WORKER_ENDED,
            f"worker {index} (process {ended.pid or '-'}) died: {ended.how}; another is started in {wait_s:g} s",
            level=WARNING,
            worker=index,
            worker_pid=ended.pid,
            status=ended.status,
        )

    async def _watch(self) -> None:
        """Keep the merged ready file as the workers' own are: when all serve, and with every change after that."""
        while True:
            changed = False
            for index in tuple(self._children):
                found = read_ready(self._ready_path(index))
                if found is not None and found != self._ready.get(index):
                    self._ready[index] = found
                    self._is_ready(index, found)
                    changed = True
            is_whole = len(self._ready) + len(self._left) >= self._settings.workers
            if is_whole or self._told is not None:
                self._tell(changed)
            await asyncio.sleep(self._pace.idle_s if is_whole else self._pace.poll_s)

    def _tell(self, changed: bool) -> None:
        path, there = self._settings.ready_file, sorted(self._ready)
        if path is None or not there or not (changed or there != self._told):
            return
        self._told = there
        try:
            write_ready_file(path, merged(self._ready, os.getpid()))
        except UserError as error:
            self._report.failed(one_line(error))

    def _is_ready(self, index: int, ready: Document) -> None:
        node, pid = ready.get("node"), ready.get("pid")
        self._report.event(
            names.WORKER_READY,
            f"worker {index} (process {pid}) serves as node {node}",
            worker=index,
            worker_pid=pid,
            worker_node=node,
        )

    def _ready_path(self, index: int) -> Path:
        return self._folder / f"worker-{index}.json"

    def _kill(self) -> None:
        for child in self._children.values():
            child.kill()


@contextmanager
def _signals(parent: Parent, *, reloads: bool) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        is_reload = reloads and number == signal.SIGHUP
        loop.add_signal_handler(number, parent.reload if is_reload else parent.signalled)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
