"""Logs as JSON lines: one object per line with ``time``, ``level``, ``event`` and fields of the event's own.

Everything goes to one stream, so that order is kept; JSON escapes what could break a line, ours what a terminal
could obey. Streams that may make a writer wait are the business of ``printer``, not of this.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from json.encoder import encode_basestring_ascii as quoted
from typing import Final, TextIO

from gateway.model.connection import Connection
from gateway.model.ids import ApiId, ConnectionId, FunctionName, RequestId, StageName
from gateway.ports import Clock
from gateway.report import event_names as names
from gateway.report.report import ERROR, INFO, WARNING, Value
from gateway.report.times import iso_ms

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False)  # what is not ASCII is escaped
_DELETE: Final = "\x7f"  # the one control character that JSON lets through


class JsonLog:
    """Implements ``report.Report``. A reader that went away ends the output, not us."""

    def __init__(self, out: TextIO, clock: Clock) -> None:
        self._out = out
        self._clock = clock
        self._bound: dict[str, Value] = {}

    def bind(self, **fields: Value) -> None:
        merged = {**self._bound, **fields}
        self._bound = {name: value for name, value in merged.items() if value is not None}

    def opened(self, connection: Connection) -> None:
        self.write(
            INFO,
            names.CONNECT,
            connection_id=connection.connection_id,
            api_id=connection.api_id,
            stage=connection.stage,
            source_ip=connection.source_ip,
            user_agent=connection.user_agent,
            principal=(connection.authorizer or {}).get("principalId"),
        )

    def closed(self, connection: Connection, code: int, reason: str) -> None:
        self.write(
            INFO,
            names.DISCONNECT,
            connection_id=connection.connection_id,
            api_id=connection.api_id,
            stage=connection.stage,
            code=code,
            reason=reason,
            duration_ms=max(0, self._clock.now().wall_ms - connection.connected_at_ms),
        )

    def refused(self, connection_id: ConnectionId | None, status: int, why: str) -> None:
        self.write(INFO, names.REFUSED, connection_id=connection_id, status=status, why=why)

    def invocation_failed(self, backend: str, connection_id: ConnectionId, request_id: RequestId, why: str) -> None:
        self.write(
            WARNING,
            names.INVOCATION_FAILED,
            function=backend,
            connection_id=connection_id,
            request_id=request_id,
            why=why,
        )

    def warned(self, text: str) -> None:
        self.write(WARNING, names.WARNING, message=text)

    def failed(self, text: str) -> None:
        self.write(ERROR, names.ERROR, message=text)

    def said(self, text: str) -> None:
        """Lines that only set others apart are left out."""
        if text.strip():
            self.write(INFO, names.MESSAGE, message=text)

    def output(self, stream: str, text: str) -> None:
        self.write(INFO, names.OUTPUT, stream=stream, message=text)

    def event(self, kind: str, text: str, *, level: str = INFO, **fields: Value) -> None:
        self.write(level, kind, message=text, **fields)

    def write(self, level: str, event: str, **fields: Value) -> None:
        """One record; a field that is None is left out. What is bound stands before, and gives way to, ``fields``."""
        record: dict[str, Value] = {"time": iso_ms(self._clock.now().wall_ms), "level": level, "event": event}
        record.update(self._bound)
        record.update((name, value) for name, value in fields.items() if value is not None)
        try:
            self._out.write(_line(record))
            self._out.flush()
        except (OSError, ValueError):  # a closed pipe or stream: nobody is watching any more
            return


class JsonFunctionLog:
    """Implements ``ports.FunctionLog`` on the same log."""

    def __init__(self, log: JsonLog) -> None:
        self._log = log

    def line(self, function_name: FunctionName, request_tag: str | None, stream: str, text: str) -> None:
        self._log.write(
            INFO, names.FUNCTION_OUTPUT, function=function_name, request_id=request_tag, stream=stream, message=text
        )

    def failed(self, function_name: FunctionName, request_id: str, why: str) -> None:
        self._log.write(WARNING, names.FUNCTION_FAILED, function=function_name, request_id=request_id or None, why=why)


class JsonStageLogs:
    """Implements ``ports.StageLogs`` on the same log: a stage's lines as its ``Format`` made them, in ``message``."""

    def __init__(self, log: JsonLog) -> None:
        self._log = log

    def access(self, api_id: ApiId, stage: StageName, line: str) -> None:
        self._log.write(INFO, names.ACCESS_LOG, api_id=api_id, stage=stage, message=line)

    def execution(self, api_id: ApiId, stage: StageName, lines: Sequence[tuple[int, str]]) -> None:
        for at_ms, line in lines:
            self._log.write(INFO, names.EXECUTION_LOG, api_id=api_id, stage=stage, at=iso_ms(at_ms), message=line)


def lost_lines(count: int, at_ms: int) -> bytes:
    """What stands where a printer has dropped lines, ready to be written."""
    time = iso_ms(at_ms)
    return _line({"time": time, "level": WARNING, "event": names.LINES_LOST, "count": count}).encode("ascii")


def _line(record: dict[str, Value]) -> str:
    """What ``json.dumps`` makes of it, at half the cost: nearly every value is a text, and every name a word."""
    members = [
        f'"{name}":{quoted(value) if isinstance(value, str) else _ENCODER.encode(value)}'
        for name, value in record.items()
    ]
    return f"{{{','.join(members)}}}".replace(_DELETE, "\\u007f") + "\n"
