"""What a stage logs, compiled when the definition is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.engine.access_log import AccessLog
from gateway.engine.execution_log import SILENT, Verbosity
from gateway.expressions.log_format import parse
from gateway.model.api import LoggingLevel, RouteSettings, Stage
from gateway.model.ids import RouteKey


@dataclass(frozen=True, slots=True)
class StageLogging:
    """``access`` is None without an access log; ``routes`` holds the routes that differ from ``default``."""

    stage: Stage
    access: AccessLog | None
    default: Verbosity
    routes: Mapping[RouteKey, Verbosity]

    def verbosity(self, route_key: str) -> Verbosity:
        return self.routes.get(RouteKey(route_key), self.default)


def plan_logging(stage: Stage) -> StageLogging | None:
    """None for a stage that logs nothing, which then costs nothing."""
    settings = stage.access_log_settings
    access = None if settings is None else AccessLog(parse(settings.format))
    default = _verbosity(stage.default_route_settings, RouteSettings())
    routes = {key: _verbosity(own, stage.default_route_settings) for key, own in stage.route_settings.items()}
    if access is None and {default, *routes.values()} == {SILENT}:
        return None
    return StageLogging(stage, access, default, routes)


def _verbosity(own: RouteSettings, above: RouteSettings) -> Verbosity:
    """OFF is the default of AWS's too."""
    level = own.logging_level or above.logging_level or LoggingLevel.OFF
    data = above.data_trace_enabled if own.data_trace_enabled is None else own.data_trace_enabled
    is_info = level is LoggingLevel.INFO
    return Verbosity(errors=level is not LoggingLevel.OFF, info=is_info, data=is_info and bool(data))
