"""Log injection is impossible: whatever a stranger puts into whichever field, a log has one line for one event."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.access_log import AccessLog, exchange_values
from gateway.engine.execution_log import Verbosity, exchange_lines
from gateway.engine.outcome import Outcome
from gateway.expressions.log_format import parse
from gateway.model.connection import Connection
from gateway.model.ids import ApiId, ConnectionId, FunctionName, RequestId, StageName
from gateway.model.surprise import one_line
from gateway.report.console import Console, FunctionConsole
from gateway.report.json_log import JsonFunctionLog, JsonLog, JsonStageLogs
from gateway.report.log_files import LogFiles, LogOutput
from gateway.report.report import Report
from node_doubles import ManualClock
from sample_definitions import connect_exchange, connection, disconnect_exchange, message_exchange

ANYTHING = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=30),
    st.sampled_from(["\n", "\r", "\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\x1b[2K", "\x7f", "�", "\x00"]),
)  # fmt: skip
API, DEV = ApiId("a1b2c3d4e5"), StageName("dev")
FORMATS = (
    "$context.identity.sourceIp $context.identity.userAgent $context.disconnectReason $context.authorizer.name",
    '{"ip":"$context.identity.sourceIp","agent":"$context.identity.userAgent","x":"$context.authorizer.name"}',
    "<a b='$context.identity.userAgent'>$context.authorizer.name $context.disconnectReason</a>",
)


def strangers_connection(text: str) -> Connection:
    return replace(connection(), user_agent=text, source_ip=text, domain_name=text, authorizer={"principalId": text})


def tell_everything(report: Report, text: str) -> int:
    """Every event that has a field of a stranger's; how many there were."""
    strange = strangers_connection(text)
    report.opened(strange)
    report.closed(strange, 1000, text)
    report.refused(ConnectionId("x="), 403, text)
    report.invocation_failed(text, ConnectionId("x="), RequestId("y="), text)
    report.event("kind", text, field=text)
    report.output("stdout", text)
    report.failed(one_line(ValueError(text)))
    return 7


def lines_of(written: str) -> list[str]:
    assert written.endswith("\n")
    return written.removesuffix("\n").splitlines()


@given(ANYTHING)
def test_json(text: str) -> None:
    out = io.StringIO()
    log = JsonLog(out, ManualClock())
    count = tell_everything(log, text)
    JsonFunctionLog(log).line(FunctionName("f"), None, "stdout", text)
    JsonFunctionLog(log).failed(FunctionName("f"), "r", text)
    JsonStageLogs(log).access(API, DEV, text)
    JsonStageLogs(log).execution(API, DEV, [(0, text)])
    log.warned(text)
    lines = lines_of(out.getvalue())
    assert len(lines) == count + 5
    assert all(isinstance(json.loads(line), dict) and line.isascii() and line.isprintable() for line in lines)


@given(ANYTHING)
def test_for_a_person(text: str) -> None:
    out = io.StringIO()
    console = Console(out, out, ManualClock())
    count = tell_everything(console, text)
    FunctionConsole(console).line(FunctionName("f"), None, "stdout", text)
    LogOutput(console).access(API, DEV, text)
    LogOutput(console).execution(API, DEV, [(0, text)])
    assert len(lines_of(out.getvalue())) == count + 3


@given(ANYTHING)
def test_hints_for_a_person_never_begin_at_the_margin(text: str) -> None:
    out = io.StringIO()
    console = Console(out, out, ManualClock())
    console.warned(text)
    console.failed(text)
    at_the_margin = [line for line in lines_of(out.getvalue()) if not line.startswith("  ")]
    assert [line.partition(":")[0] for line in at_the_margin] == ["warning", "error"]


@given(ANYTHING, st.sampled_from(FORMATS))
def test_access_logs(text: str, log_format: str) -> None:
    strange = strangers_connection(text)
    access = AccessLog(parse(log_format))
    for exchange in (connect_exchange(), message_exchange(), disconnect_exchange()):
        odd = replace(exchange, connection=strange, close=(1000, text))
        assert len(access.line(exchange_values(odd, Outcome(200))).splitlines()) == 1


@given(ANYTHING)
def test_execution_logs(text: str) -> None:
    everything = Verbosity(errors=True, info=True, data=True)
    for exchange in (connect_exchange(), message_exchange(), disconnect_exchange()):
        odd: Any = replace(exchange, connection=strangers_connection(text), close=(1000, text), body=text)
        for _, line in exchange_lines(odd, Outcome(200), everything, 0):
            assert len(line.splitlines()) == 1


@settings(max_examples=20)
@given(ANYTHING)
def test_files(text: str) -> None:
    values = exchange_values(replace(message_exchange(), connection=strangers_connection(text)), Outcome(200))
    with TemporaryDirectory() as folder:
        files = LogFiles(Path(folder), lambda told: None)
        files.access(API, DEV, AccessLog(parse(FORMATS[0])).line(values))
        files.close()
        (path,) = Path(folder).rglob("access.log")
        assert len(lines_of(path.read_text(encoding="utf-8"))) == 1


def test_an_api_key_is_known_by_its_end_alone() -> None:
    keyed = replace(connection(), identity={"apiKey": "0123456789abcdefghij", "apiKeyId": "id"})
    exchange = replace(connect_exchange(), connection=keyed)
    line = AccessLog(parse("$context.identity.apiKey $context.identity.apiKeyId")).line(
        exchange_values(exchange, Outcome(200))
    )
    assert line == "**************efghij id"
