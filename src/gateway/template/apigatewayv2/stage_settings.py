"""What a stage says about throttling and logs: DefaultRouteSettings, RouteSettings and AccessLogSettings."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from gateway.expressions import log_format
from gateway.model.api import AccessLogSettings, LoggingLevel, RouteSettings
from gateway.model.ids import RouteKey
from gateway.template.properties import Properties

_SETTINGS: Final = (
    "DataTraceEnabled",
    "DetailedMetricsEnabled",
    "LoggingLevel",
    "ThrottlingBurstLimit",
    "ThrottlingRateLimit",
)
_MAX_BURST: Final = 999_999_999
_FORMAT_HINT: Final = 'for example {"requestId":"$context.requestId","routeKey":"$context.routeKey"}'


def read_default_settings(properties: Properties) -> RouteSettings:
    """DefaultRouteSettings, all None when absent."""
    block = properties.nested("DefaultRouteSettings")
    return RouteSettings() if block is None else _settings(block)


def read_route_settings(properties: Properties) -> dict[RouteKey, RouteSettings]:
    """RouteSettings by route key."""
    block = properties.nested("RouteSettings")
    if block is None:
        return {}
    entries = {key: block.nested(key) for key in block}
    return {RouteKey(key): _settings(entry) for key, entry in entries.items() if entry is not None}


def check_keys(properties: Properties, routes: Container[str]) -> None:
    """Report every entry of RouteSettings that is of no route."""
    block = properties.nested("RouteSettings")
    for key in () if block is None else block:
        if block is not None and key not in routes:
            what = f"Unable to find Route by key {key} within the provided RouteSettings"
            block.problem(what, key, "write the RouteKey of a route")


def read_access_log(properties: Properties) -> AccessLogSettings | None:
    """None when nothing is to be logged."""
    block = properties.nested("AccessLogSettings")
    if block is None or not list(block):
        return None
    block.check_names(("DestinationArn", "Format"))
    destination = block.required("DestinationArn", "for example DestinationArn: !GetAtt MyLogGroup.Arn")
    text = block.required("Format", _FORMAT_HINT)
    if destination is None or text is None:
        return None
    _check_format(text, block)
    return AccessLogSettings(destination, text)


def _check_format(text: str, block: Properties) -> None:
    """What AWS refuses can be written all the same."""
    compiled = log_format.parse(text)
    if not log_format.is_one_line(text):
        block.warning("AWS takes a Format of one line only; here its line breaks become spaces", "Format")
    if not log_format.names_the_request(compiled):
        block.warning("AWS takes no Format without $context.requestId or $context.extendedRequestId", "Format")
    for name in log_format.unknown_names(compiled):
        block.warning(f"$context.{name} is always - in an access log", "Format")


def _settings(block: Properties) -> RouteSettings:
    block.check_names(_SETTINGS)
    return RouteSettings(
        throttling_rate_limit=block.number("ThrottlingRateLimit"),
        throttling_burst_limit=block.integer("ThrottlingBurstLimit", 0, _MAX_BURST),
        logging_level=block.choice("LoggingLevel", LoggingLevel),
        data_trace_enabled=block.boolean("DataTraceEnabled"),
        detailed_metrics_enabled=block.boolean("DetailedMetricsEnabled"),
    )
