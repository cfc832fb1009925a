"""Whose settings throttle a route."""

from __future__ import annotations

import pytest

from gateway.engine.throttling import route_throttle
from gateway.model.api import RouteSettings, Stage
from gateway.model.ids import DEFAULT, RouteKey, StageName
from gateway.model.plan import Throttle


@pytest.mark.parity("P-452", "P-457", "P-458", "P-453")
@pytest.mark.parametrize(
    ("default", "own", "expected"),
    [
        (RouteSettings(), RouteSettings(), None),
        (RouteSettings(data_trace_enabled=True), RouteSettings(), None),
        (RouteSettings(10, 20), RouteSettings(), Throttle(10, 20)),
        (RouteSettings(10, 20), RouteSettings(1, 2), Throttle(1, 2)),
        (RouteSettings(10, 20), RouteSettings(throttling_burst_limit=2), Throttle(10, 2)),
        (RouteSettings(), RouteSettings(1, 2), Throttle(1, 2)),
        (RouteSettings(throttling_rate_limit=1), RouteSettings(), Throttle(1, 5_000)),
        (RouteSettings(throttling_burst_limit=1), RouteSettings(), Throttle(10_000, 1)),
        (RouteSettings(10, 20), RouteSettings(0, 0), Throttle(0, 0)),
    ],
)
def test_route_throttle(default: RouteSettings, own: RouteSettings, expected: Throttle | None) -> None:
    stage = Stage("S", StageName("dev"), default_route_settings=default, route_settings={DEFAULT: own})
    assert route_throttle(stage, DEFAULT) == expected
    plain = Stage("S", StageName("dev"), default_route_settings=default)
    assert route_throttle(plain, RouteKey("other")) == route_throttle(stage, RouteKey("other"))
