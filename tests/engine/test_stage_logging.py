from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.engine.execution_log import SILENT, Verbosity
from gateway.engine.stage_logging import plan_logging
from gateway.model.api import AccessLogSettings, LoggingLevel, RouteSettings, Stage
from gateway.model.ids import RouteKey, StageName

STAGE = Stage("Dev", StageName("dev"))
OFF, ERROR, INFO = LoggingLevel.OFF, LoggingLevel.ERROR, LoggingLevel.INFO


@pytest.mark.parity("P-468")
@pytest.mark.parametrize(
    ("default", "own", "expected"),
    [
        (RouteSettings(), None, SILENT),
        (RouteSettings(logging_level=OFF, data_trace_enabled=True), None, SILENT),
        (RouteSettings(logging_level=ERROR), None, Verbosity(errors=True)),
        (RouteSettings(logging_level=ERROR, data_trace_enabled=True), None, Verbosity(errors=True)),
        (RouteSettings(logging_level=INFO), None, Verbosity(errors=True, info=True)),
        (RouteSettings(logging_level=INFO, data_trace_enabled=True), None, Verbosity(True, True, True)),
        (RouteSettings(logging_level=INFO), RouteSettings(), Verbosity(errors=True, info=True)),
        (RouteSettings(logging_level=INFO), RouteSettings(logging_level=OFF), SILENT),
        (RouteSettings(), RouteSettings(logging_level=ERROR), Verbosity(errors=True)),
        (RouteSettings(logging_level=INFO), RouteSettings(data_trace_enabled=True), Verbosity(True, True, True)),
        (
            RouteSettings(logging_level=INFO, data_trace_enabled=True),
            RouteSettings(data_trace_enabled=False),
            Verbosity(errors=True, info=True),
        ),
    ],
)
def test_a_routes_own_settings_win(default: RouteSettings, own: RouteSettings | None, expected: Verbosity) -> None:
    stage = replace(
        STAGE,
        default_route_settings=default,
        route_settings={} if own is None else {RouteKey("send"): own},
        access_log_settings=AccessLogSettings("arn", "$context.requestId"),
    )
    planned = plan_logging(stage)
    assert planned is not None
    assert planned.verbosity("send") == expected
    assert planned.verbosity("another") == planned.default


@pytest.mark.parametrize(
    ("stage", "logs"),
    [
        (STAGE, False),
        (replace(STAGE, default_route_settings=RouteSettings(logging_level=OFF, data_trace_enabled=True)), False),
        (replace(STAGE, route_settings={RouteKey("a"): RouteSettings(throttling_rate_limit=1.0)}), False),
        (replace(STAGE, route_settings={RouteKey("a"): RouteSettings(logging_level=ERROR)}), True),
        (replace(STAGE, default_route_settings=RouteSettings(logging_level=ERROR)), True),
        (replace(STAGE, access_log_settings=AccessLogSettings("arn", "$context.requestId")), True),
    ],
)
def test_a_stage_that_logs_nothing_has_no_plan(stage: Stage, logs: bool) -> None:
    assert (plan_logging(stage) is not None) is logs
