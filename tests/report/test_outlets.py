from __future__ import annotations

import io
import json

from gateway.model.ids import ApiId, FunctionName, StageName
from gateway.report.outlets import lost, outlets
from node_doubles import ManualClock

API, DEV = ApiId("a1b2c3d4e5"), StageName("dev")


def told(log_format: str) -> tuple[list[str], list[str]]:
    out, err = io.StringIO(), io.StringIO()
    made = outlets(log_format, out, err, ManualClock())
    made.report.warned("odd")
    made.functions.line(FunctionName("join"), None, "stderr", "x")
    made.stages.access(API, DEV, "y")
    return out.getvalue().splitlines(), err.getvalue().splitlines()


def test_json_is_all_of_it_in_one_stream() -> None:
    out, err = told("json")
    assert [json.loads(line)["event"] for line in out] == ["warning", "function_output", "access_log"]
    assert err == []


def test_text_is_what_run_shows() -> None:
    assert told("text") == (["[a1b2c3d4e5/dev access] y"], ["warning: odd", "[join] x"])


def test_dropped_lines_are_told_in_the_same_form() -> None:
    assert json.loads(lost("json", ManualClock())(3))["count"] == 3
    assert lost("text", ManualClock())(3).startswith(b"warning: 3 lines are missing here")
