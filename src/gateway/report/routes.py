"""The route table: what `validate` prints, and the banner of `run`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gateway.model.api import Api, Route
from gateway.model.definition import Definition

_LIFECYCLE_FIRST = ("$connect", "$disconnect", "$default")
_TITLES = ("ROUTE", "FUNCTION", "AUTHORIZATION", "REPLY")


def route_table(definition: Definition) -> list[str]:
    """One block per API: its name, ID and stages, then a line per route."""
    lines: list[str] = []
    for api in definition.apis:
        lines.append(f"{api.logical_id} ({api.api_id}), {_stages(api)}, routes by {api.route_selection_expression}")
        lines += (f"  {line}" for line in _columns([_TITLES, *map(_row, routes_in_order(api))]))
    return lines


def route_documents(definition: Definition) -> list[dict[str, Any]]:
    """The same for scripts: JSON-ready, one object per API."""
    return [
        {
            "logical_id": api.logical_id,
            "api_id": api.api_id,
            "stages": list(api.stages),
            "route_selection_expression": api.route_selection_expression,
            "routes": [
                dict(zip(("route_key", "function", "authorization", "two_way"), _values(route), strict=True))
                for route in routes_in_order(api)
            ],
        }
        for api in definition.apis
    ]


def routes_in_order(api: Api) -> list[Route]:
    """The lifecycle's routes, then the application's own by name."""
    first = {key: number for number, key in enumerate(_LIFECYCLE_FIRST)}
    return sorted(api.routes.values(), key=lambda route: (first.get(route.route_key, len(first)), route.route_key))


def _values(route: Route) -> tuple[str, str | None, str, bool]:
    function = None if route.integration is None else route.integration.target.function_name
    authorization = route.authorization_type.value
    if route.authorizer is not None:
        authorization = f"{authorization} ({route.authorizer.target.function_name})"
    return route.route_key, function, authorization, route.two_way


def _row(route: Route) -> tuple[str, str, str, str]:
    key, function, authorization, two_way = _values(route)
    return key, function or "-", authorization, "two-way" if two_way else "one-way"


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _stages(api: Api) -> str:
    return f"stage{'s' if len(api.stages) > 1 else ''} {', '.join(api.stages)}"
