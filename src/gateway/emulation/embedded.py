"""Starts the embedded AWS as a process, knows where it answers, notices when it dies.

What it keeps is in that process's memory: a death loses every table, so it is not restarted behind anyone's back but
told, and whoever owns the gateway decides.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import gateway
from gateway.emulation.options import LOOPBACK, TOLD, EmbeddedOptions
from gateway.model.errors import UserError
from gateway.ports import Exit, LineSink, Process, Processes

START_DEADLINE_S: Final = 30.0  # it takes 0.6 s; a laptop that is busy or has cold disks takes longer
STOP_DEADLINE_S: Final = 3.0
KEPT_LINES: Final = 20  # of its output, to say why it died

_HINT: Final = "use --endpoint-url to name an AWS endpoint of your own"


class EmbeddedAws:
    """A running embedded AWS. ``url`` and ``tls_port`` (None without a certificate) are on loopback."""

    def __init__(self, process: Process, output: _Output, port: int, tls_port: int | None) -> None:
        self.url = f"http://{LOOPBACK}:{port}"
        self.port = port
        self.tls_port = tls_port
        self._process = process
        self._output = output
        self._closing = False
        self._watch: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        processes: Processes,
        options: EmbeddedOptions,
        *,
        on_line: LineSink,
        on_death: Callable[[str], None],
        certificate: Awaitable[Path] | None = None,
        deadline_s: float = START_DEADLINE_S,
    ) -> EmbeddedAws:
        """Start it and wait until it answers. ``on_line`` gets what it prints, ``on_death`` why it ended unasked.
        ``certificate`` is awaited while it loads, and is in the options otherwise.

        Raises UserError when it cannot be started or is not ready within ``deadline_s``, and what ``certificate`` does.
        """
        output = _Output(on_line)
        options = replace(options, certificate_later=certificate is not None)
        argv = [sys.executable, "-P", "-m", "gateway.emulation.server", *options.arguments()]
        with closing(_Teller()) as teller:  # to the end: a process that was told nothing would complain
            try:
                process = await processes.start(
                    argv, env=_environment(), cwd="/", output=output, descriptors=teller.end
                )
            except OSError as error:
                raise UserError(f"the embedded AWS cannot be started: {error}", _HINT) from error
            try:
                if certificate is not None:
                    teller.tell(await certificate)
                ports = await _ready(process, output, deadline_s)
            except BaseException:
                await _end(process)
                raise
        embedded = cls(process, output, ports["port"], ports["tls_port"])
        embedded._watch = asyncio.create_task(embedded._watch_for_death(on_death), name="embedded AWS watch")
        return embedded

    @property
    def pid(self) -> int:
        return self._process.pid

    async def close(self) -> None:
        """End the process and wait until it is gone. May be called again."""
        self._closing = True
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        await _end(self._process)

    async def _watch_for_death(self, on_death: Callable[[str], None]) -> None:
        ended = await self._process.wait()
        if not self._closing:
            on_death(_obituary(ended, self._output))


class _Teller:
    """The way on which the process is told where its certificate is."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()

    @property
    def end(self) -> dict[str, int]:
        return {TOLD: self._reading}

    def tell(self, path: Path) -> None:
        with suppress(BrokenPipeError):  # it has ended: whoever waits for its ports is told
            os.write(self._writing, os.fsencode(path) + b"\n")  # a path is shorter than what a pipe takes at once

    def close(self) -> None:
        os.close(self._reading)
        os.close(self._writing)


class _Output:
    """Takes what the process prints: the one line of JSON is for us, the rest for ``on_line``."""

    def __init__(self, on_line: LineSink) -> None:
        self.ports: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.last_lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._on_line = on_line

    def __call__(self, stream: str, line: str) -> None:
        if not self.ports.done() and line.startswith('{"port": '):
            self.ports.set_result(json.loads(line))
        elif line:
            self.last_lines.append(line)
            self._on_line(stream, line)


def _environment() -> dict[str, str]:
    """Nothing of ours but where this package is: what is set for the gateway or the user must not change AWS."""
    package = Path(gateway.__file__).parent
    return {"PYTHONPATH": str(package.parent), "PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8"}


async def _ready(process: Process, output: _Output, deadline_s: float) -> dict[str, Any]:
    ended = asyncio.ensure_future(process.wait())
    try:
        await asyncio.wait((output.ports, ended), timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED)
        if output.ports.done():
            return output.ports.result()
        if ended.done():
            raise UserError(_obituary(ended.result(), output), _HINT)
        raise UserError(f"the embedded AWS was not ready after {deadline_s:.0f} s", _HINT)
    finally:
        ended.cancel()
        await asyncio.gather(ended, return_exceptions=True)


async def _end(process: Process) -> None:
    process.terminate()
    try:
        async with asyncio.timeout(STOP_DEADLINE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _obituary(ended: Exit, output: _Output) -> str:
    how = ended.error or f"exit status {ended.returncode}"
    why = f": {output.last_lines[-1]}" if output.last_lines else ""
    return f"the embedded AWS ended ({how}){why}"
