"""One line per connect, disconnect, refusal and failed invocation; handlers' own output tagged with its function.

Lines go to standard output, warnings and failures to standard error. Whatever strangers chose (reasons, principals,
what handlers print) is escaped, so nobody can forge a line. Streams that may make a writer wait are the business of
``printer``, not of this.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, TextIO

from gateway.model.connection import Connection
from gateway.model.ids import ConnectionId, FunctionName, RequestId
from gateway.ports import Clock
from gateway.report.printable import indented, printable
from gateway.report.report import INFO, Value

_WIDTH: Final = len("disconnect")


class Console:
    """Implements ``report.Report``. A reader that went away ends the output, not us."""

    def __init__(self, out: TextIO, err: TextIO, clock: Clock) -> None:
        self._out = out
        self._err = err
        self._clock = clock

    def opened(self, connection: Connection) -> None:
        principal = (connection.authorizer or {}).get("principalId")
        who = f" as {principal}" if principal else ""
        self.event("connect", f"{connection.connection_id} /{connection.stage} from {connection.source_ip}{who}")

    def closed(self, connection: Connection, code: int, reason: str) -> None:
        self.event("disconnect", f"{connection.connection_id} {code} {reason}".rstrip())

    def refused(self, connection_id: ConnectionId | None, status: int, why: str) -> None:
        self.event("refused", f"{connection_id or '-'} {status} {why}")

    def invocation_failed(self, backend: str, connection_id: ConnectionId, request_id: RequestId, why: str) -> None:
        self.event("failed", f"{backend} {why} (connection {connection_id}, request {request_id})")

    def warned(self, text: str) -> None:
        """Further lines of ``text`` (a hint) are shown indented."""
        self._write(self._err, indented(f"warning: {text}"))

    def failed(self, text: str) -> None:
        """Further lines of ``text`` (a hint) are shown indented."""
        self._write(self._err, indented(f"error: {text}"))

    def said(self, text: str) -> None:
        """A plain line of the program itself: banner, progress."""
        self._write(self._out, printable(text))

    def output(self, stream: str, text: str) -> None:
        """A line that something else printed, on the stream it was printed to."""
        self._write(self._err if stream == "stderr" else self._out, printable(text))

    def event(self, kind: str, text: str, *, level: str = INFO, **fields: Value) -> None:
        """A line with the time of day and a short word for what happened; ``fields`` are for machines."""
        del fields
        if level != INFO:
            self._write(self._err, indented(f"{level}: {text}"))
            return
        moment = datetime.fromtimestamp(self._clock.now().wall_ms / 1000)
        self._write(self._out, printable(f"{moment:%H:%M:%S} {kind:<{_WIDTH}} {text}"))

    def bind(self, **fields: Value) -> None:
        """A person who watches one process knows which it is."""

    @staticmethod
    def _write(stream: TextIO, text: str) -> None:
        try:
            stream.write(text + "\n")
            stream.flush()
        except (OSError, ValueError):  # a closed pipe or stream: nobody is watching any more
            return


class FunctionConsole:
    """Implements ``ports.FunctionLog`` on the same console."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def line(self, function_name: FunctionName, request_tag: str | None, stream: str, text: str) -> None:
        tag = f" {request_tag}" if request_tag else ""
        self._console.output(stream, f"[{function_name}{tag}] {text}")

    def failed(self, function_name: FunctionName, request_id: str, why: str) -> None:
        self._console.event("failed", f"{function_name} {why} (invocation {request_id})")
