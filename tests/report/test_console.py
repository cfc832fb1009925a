from __future__ import annotations

import io
from datetime import datetime

import pytest

from gateway.model.ids import ConnectionId, FunctionName, RequestId
from gateway.ports import FunctionLog, Reporter
from gateway.report.console import Console, FunctionConsole
from node_doubles import ManualClock
from sample_definitions import connection

ID = ConnectionId("hK3nTc7vdQAYKEjVWA==")
FORGERY = "x\n12:00:00 connect    forged\x1b[1A"
HARMLESS = "x\\n12:00:00 connect    forged\\x1b[1A"


class Shown:
    """A console on two strings; every line's time of day is checked and cut off."""

    def __init__(self) -> None:
        self.out = io.StringIO()
        self.err = io.StringIO()
        clock = ManualClock()
        self.console = Console(self.out, self.err, clock)
        self.reporter: Reporter = self.console
        self.log: FunctionLog = FunctionConsole(self.console)
        self._time = f"{datetime.fromtimestamp(clock.wall_ms / 1000):%H:%M:%S} "

    def line(self) -> str:
        assert self.err.getvalue() == ""
        (line,) = self.out.getvalue().removesuffix("\n").split("\n")
        assert line.startswith(self._time)
        return line.removeprefix(self._time)


@pytest.fixture
def shown() -> Shown:
    return Shown()


def test_a_connect(shown: Shown) -> None:
    shown.reporter.opened(connection(connection_id=ID, source_ip="192.0.2.1"))
    assert shown.line() == f"connect    {ID} /dev from 192.0.2.1"


def test_a_connect_of_somebody_known(shown: Shown) -> None:
    shown.reporter.opened(connection(connection_id=ID, source_ip="::1", authorizer={"principalId": "ada\n"}))
    assert shown.line() == f"connect    {ID} /dev from ::1 as ada\\n"


def test_a_connect_of_somebody_authorized_without_a_name(shown: Shown) -> None:
    shown.reporter.opened(connection(connection_id=ID, source_ip="::1", authorizer={"level": "5"}))
    assert shown.line() == f"connect    {ID} /dev from ::1"


@pytest.mark.parametrize(
    ("reason", "told"), [("", "1001"), ("Going away", "1001 Going away"), (FORGERY, f"1001 {HARMLESS}")]
)
def test_a_disconnect(shown: Shown, reason: str, told: str) -> None:
    shown.reporter.closed(connection(connection_id=ID), 1001, reason)
    assert shown.line() == f"disconnect {ID} {told}"


@pytest.mark.parametrize(("who", "told"), [(ID, ID), (None, "-")])
def test_a_refusal(shown: Shown, who: ConnectionId | None, told: str) -> None:
    shown.reporter.refused(who, 403, FORGERY)
    assert shown.line() == f"refused    {told} 403 {HARMLESS}"


def test_a_failed_invocation(shown: Shown) -> None:
    shown.reporter.invocation_failed(FunctionName("join"), ID, RequestId("r="), FORGERY)
    assert shown.line() == f"failed     join {HARMLESS} (connection {ID}, request r=)"


def test_a_failed_function(shown: Shown) -> None:
    shown.log.failed(FunctionName("join"), "6a93", FORGERY)
    assert shown.line() == f"failed     join {HARMLESS} (invocation 6a93)"


@pytest.mark.parametrize(("tag", "told"), [(None, "[join]"), ("luqm=", "[join luqm=]")])
def test_what_a_handler_prints(shown: Shown, tag: str | None, told: str) -> None:
    shown.log.line(FunctionName("join"), tag, "stdout", f"\t{FORGERY}")
    shown.log.line(FunctionName("join"), tag, "stderr", "Traceback")
    assert shown.out.getvalue() == f"{told} \t{HARMLESS}\n"
    assert shown.err.getvalue() == f"{told} Traceback\n"


def test_warnings_and_failures_go_to_standard_error(shown: Shown) -> None:
    shown.reporter.warned("template.yaml:3: odd\n  hint: mend it")
    shown.reporter.failed(FORGERY)
    assert shown.out.getvalue() == ""
    assert shown.err.getvalue() == (
        "warning: template.yaml:3: odd\n  hint: mend it\nerror: x\n  12:00:00 connect    forged\\x1b[1A\n"
    )


def test_what_the_program_says(shown: Shown) -> None:
    shown.console.said("")
    shown.console.said(FORGERY)
    assert shown.out.getvalue() == f"\n{HARMLESS}\n"


class ClosedPipe(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


class FullDisk(io.StringIO):
    def flush(self) -> None:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("stream", [ClosedPipe(), FullDisk()])
def test_a_stream_that_fails_ends_nothing(stream: io.StringIO) -> None:
    console = Console(stream, stream, ManualClock())
    console.opened(connection())
    console.warned("x")
    console.said("x")


def test_a_closed_stream_ends_nothing() -> None:
    closed, open_ = io.StringIO(), io.StringIO()
    closed.close()
    console = Console(closed, open_, ManualClock())
    console.said("x")
    console.failed("still told")
    assert open_.getvalue() == "error: still told\n"


def test_what_is_for_machines_is_not_shown(shown: Shown) -> None:
    shown.console.bind(node=7)
    shown.console.event("worker", "worker 1 serves", pid=12)
    assert shown.line() == "worker     worker 1 serves"


def test_an_event_that_is_a_warning(shown: Shown) -> None:
    shown.console.event("worker_ended", "worker 1 died", level="warning", status=-9)
    assert (shown.out.getvalue(), shown.err.getvalue()) == ("", "warning: worker 1 died\n")
