"""Work that needs large libraries once, done in a process beside this one, which then never holds them.

SAM's translator and the judge of schemas take 40 MB, and a node that serves has no use for them. The process beside is
started at once and loads what it is asked for while its owner does something else; it ends with ``close``, and with the
death of whoever started it. Both ends are this very program, so they speak in pickles.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import struct
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Final, NoReturn

import gateway
from gateway.model.errors import UserError

LENGTH: Final = struct.Struct("!I")
PROGRAM: Final = (sys.executable, "-P", "-m", "gateway.aside.process")
ENDED: Final = "the process beside this one ended before it had answered"


class AsideEnded(UserError):
    """It was killed, or could not be started."""

    def __init__(self) -> None:
        super().__init__(ENDED, "try again; what it printed says why")


class Aside:
    """One call at a time, in the order asked. To be made and closed by one thread; nothing here blocks for long."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """``env`` is the process's, but for where this package is."""
        self._process = subprocess.Popen(
            PROGRAM,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**env, "PYTHONPATH": str(Path(gateway.__file__).parent.parent)},
            process_group=0,  # Ctrl-C is for the owner, who ends this one
        )
        self._answers: asyncio.StreamReader | None = None
        self._transport: asyncio.BaseTransport | None = None
        self._turn = asyncio.Lock()

    def expect(self, module: str) -> None:
        """Load ``module`` now: a call of it will come."""
        self._send((module, None, ()))

    async def call(self, module: str, function: str, *args: Any) -> Any:
        """What ``function`` of ``module`` returns for ``args``, or raises. Raises AsideEnded."""
        async with self._turn:
            answers = self._answers or await self._opened()
            self._send((module, function, args))
            try:
                (length,) = LENGTH.unpack(await answers.readexactly(LENGTH.size))
                found, failure = pickle.loads(await answers.readexactly(length))  # noqa: S301 - of our own child
            except asyncio.IncompleteReadError as error:
                raise AsideEnded from error
        if failure is not None:
            raise failure
        return found

    def close(self) -> None:
        """End it, whatever it does. May be called again."""
        if self._transport is not None:
            self._transport.close()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()
        self._process.kill()
        self._process.wait()

    def _send(self, order: Any) -> None:
        stream = self._process.stdin
        assert stream is not None
        with suppress(BrokenPipeError):  # whoever waits for the answer is told
            _write(stream, order)

    async def _opened(self) -> asyncio.StreamReader:
        loop = asyncio.get_running_loop()
        self._answers = answers = asyncio.StreamReader()
        self._transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(answers), self._process.stdout
        )
        return answers


def main() -> NoReturn:
    """The process beside: answers until its standard input ends."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # when its owner is gone it ends without a word
    orders = sys.stdin.buffer
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    while head := orders.read(LENGTH.size):
        (length,) = LENGTH.unpack(head)
        module, function, args = pickle.loads(orders.read(length))  # noqa: S301 - of our own parent
        found = import_module(module)
        if function is not None:
            _write(answers, _outcome(getattr(found, function), args))
    sys.exit(0)


def _outcome(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, Exception | None]:
    try:
        return function(*args), None
    except Exception as error:  # the one edge of a call: whatever it is, it is raised where the call was made
        error.add_note(traceback.format_exc())
        return None, error


def _write(stream: IO[bytes], message: Any) -> None:
    body = pickle.dumps(message)
    stream.write(LENGTH.pack(len(body)) + body)
    stream.flush()


if __name__ == "__main__":
    main()
