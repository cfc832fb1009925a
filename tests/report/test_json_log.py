from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.ids import ApiId, ConnectionId, FunctionName, RequestId, StageName
from gateway.ports import FunctionLog, StageLogs
from gateway.report.json_log import JsonFunctionLog, JsonLog, JsonStageLogs, lost_lines
from gateway.report.report import Report
from node_doubles import ManualClock
from sample_definitions import connection

ID = ConnectionId("hK3nTc7vdQAYKEjVWA==")
TIME = "2026-09-25T09:20:05.217Z"
API, DEV = ApiId("a1b2c3d4e5"), StageName("dev")


class Written:
    """A log on a string, read back record by record."""

    def __init__(self) -> None:
        self.out = io.StringIO()
        self.clock = ManualClock()
        self.log = JsonLog(self.out, self.clock)
        self.report: Report = self.log
        self.functions: FunctionLog = JsonFunctionLog(self.log)
        self.stages: StageLogs = JsonStageLogs(self.log)

    def records(self) -> list[dict[str, Any]]:
        assert self.out.getvalue().endswith("\n")
        return [json.loads(line) for line in self.out.getvalue().removesuffix("\n").split("\n")]

    def record(self) -> dict[str, Any]:
        (found,) = self.records()
        assert found.pop("time") == TIME
        return found


@pytest.fixture
def written() -> Written:
    return Written()


def test_a_connect(written: Written) -> None:
    written.report.opened(
        connection(connection_id=ID, source_ip="::1", user_agent="x/1", authorizer={"principalId": "ada"})
    )
    assert written.record() == {
        "level": "info",
        "event": "connect",
        "connection_id": ID,
        "api_id": API,
        "stage": DEV,
        "source_ip": "::1",
        "user_agent": "x/1",
        "principal": "ada",
    }


def test_what_is_not_known_is_left_out(written: Written) -> None:
    written.report.opened(connection(connection_id=ID, user_agent=None, authorizer={"level": "5"}))
    assert not {"user_agent", "principal"} & set(written.record())


def test_a_disconnect(written: Written) -> None:
    written.report.closed(connection(connection_id=ID, connected_at_ms=written.clock.wall_ms - 1500), 1001, "")
    assert written.record() == {
        "level": "info",
        "event": "disconnect",
        "connection_id": ID,
        "api_id": API,
        "stage": DEV,
        "code": 1001,
        "reason": "",
        "duration_ms": 1500,
    }


def test_refusals(written: Written) -> None:
    written.report.refused(None, 403, "no such stage")
    written.report.refused(ID, 500, "late")
    first, second = written.records()
    assert (first["event"], first["status"], first["why"]) == ("refused", 403, "no such stage")
    assert "connection_id" not in first
    assert second["connection_id"] == ID


def test_failures_of_handlers(written: Written) -> None:
    written.report.invocation_failed("join", ID, RequestId("r="), "timed out")
    written.functions.failed(FunctionName("join"), "6a93", "exit 1")
    written.functions.failed(FunctionName("join"), "", "exit 1")
    call, function, nobody = written.records()
    assert {**call, "time": ""} == {
        "time": "",
        "level": "warning",
        "event": "invocation_failed",
        "function": "join",
        "connection_id": ID,
        "request_id": "r=",
        "why": "timed out",
    }
    assert (function["event"], function["request_id"], function["why"]) == ("function_failed", "6a93", "exit 1")
    assert "request_id" not in nobody


def test_what_functions_and_programs_print(written: Written) -> None:
    written.functions.line(FunctionName("join"), "r=", "stderr", "Traceback")
    written.functions.line(FunctionName("join"), None, "stdout", "hello")
    written.report.output("stdout", "x")
    first, second, third = written.records()
    assert (first["event"], first["function"], first["request_id"]) == ("function_output", "join", "r=")
    assert (first["stream"], first["message"]) == ("stderr", "Traceback")
    assert "request_id" not in second
    assert (third["event"], third["stream"], third["message"]) == ("output", "stdout", "x")


def test_levels(written: Written) -> None:
    written.report.said("")
    written.report.said("serving")
    written.report.warned("odd")
    written.report.failed("broken\n  hint: mend it")
    assert [(each["level"], each["event"], each["message"]) for each in written.records()] == [
        ("info", "message", "serving"),
        ("warning", "warning", "odd"),
        ("error", "error", "broken\n  hint: mend it"),
    ]


def test_an_event_with_fields(written: Written) -> None:
    written.report.event("node_died", "node 7 is dead", dead=7, reaped=None)
    assert written.record() == {"level": "info", "event": "node_died", "message": "node 7 is dead", "dead": 7}


def test_an_event_that_is_a_warning(written: Written) -> None:
    written.report.event("worker_ended", "worker 1 died", level="warning", status=-9)
    assert written.record() == {"level": "warning", "event": "worker_ended", "message": "worker 1 died", "status": -9}


def test_stage_logs(written: Written) -> None:
    written.stages.access(API, DEV, '{"status": "200"}')
    written.stages.execution(API, DEV, [(7, "(x) Starting"), (8, "(x) Done")])
    access, *execution = written.records()
    assert (access["event"], access["api_id"], access["stage"]) == ("access_log", API, DEV)
    assert json.loads(access["message"]) == {"status": "200"}
    assert [(each["event"], each["at"], each["message"]) for each in execution] == [
        ("execution_log", "1970-01-01T00:00:00.007Z", "(x) Starting"),
        ("execution_log", "1970-01-01T00:00:00.008Z", "(x) Done"),
    ]


def test_fields_that_are_bound_stand_in_every_later_record(written: Written) -> None:
    written.report.said("a")
    written.report.bind(node=7, worker=0)
    written.functions.line(FunctionName("join"), None, "stdout", "b")
    written.report.bind(node=8)
    written.report.event("x", "c", worker=3)
    written.report.bind(worker=None)
    written.report.said("d")
    found = [(each.get("node"), each.get("worker")) for each in written.records()]
    assert found == [(None, None), (7, 0), (8, 3), (8, None)]


@given(st.text(), st.text())
def test_nobody_forges_or_breaks_a_line(reason: str, why: str) -> None:
    written = Written()
    written.report.closed(connection(connection_id=ID), 1000, reason)
    written.report.refused(ID, 400, why)
    text = written.out.getvalue()
    assert text.isascii()
    assert all(char.isprintable() or char == "\n" for char in text)
    first, second = written.records()
    assert (first["reason"], second["why"]) == (reason, why)


@pytest.mark.parametrize("text", ["\x7f", "\x9b2J", "\u202e", "\ud800", "\u2028", "\r\n"])
def test_what_a_terminal_could_obey_is_escaped(written: Written, text: str) -> None:
    written.report.said(f"x{text}")
    assert written.out.getvalue().removesuffix("\n").isprintable()
    assert written.record()["message"] == f"x{text}"


def test_a_reader_that_went_away_is_nobodys_problem(written: Written) -> None:
    written.out.close()
    written.report.said("x")


def test_lost_lines() -> None:
    assert lost_lines(3, ManualClock().wall_ms) == (
        f'{{"time":"{TIME}","level":"warning","event":"lines_lost","count":3}}\n'.encode()
    )
