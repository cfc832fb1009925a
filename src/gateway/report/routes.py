"""The route table: what `validate` prints, and the banner of `run`."""

from __future__ import annotations

from typing import Any, Final

from gateway.model.api import Api, Route
from gateway.model.definition import Definition
from gateway.model.integration import HttpTarget, Integration, LambdaTarget, MockTarget, ServiceTarget
from gateway.report.columns import columns
from gateway.report.printable import printable

_LIFECYCLE_FIRST: Final = ("$connect", "$disconnect", "$default")
_TITLES: Final = ("ROUTE", "TARGET", "AUTHORIZATION", "REPLY")


def route_table(definition: Definition) -> list[str]:
    """One block per API: its name, ID and stages, then a line per route; an empty line between two APIs."""
    lines: list[str] = []
    for api in definition.apis:
        lines += [""] if lines else []
        lines.append(
            printable(f"{api.logical_id} ({api.api_id}), {_stages(api)}, routes by {api.route_selection_expression}")
        )
        lines += (f"  {line}" for line in columns([_TITLES, *map(_row, routes_in_order(api))]))
    return lines


def route_documents(definition: Definition) -> list[dict[str, Any]]:
    """The same for scripts: JSON-ready, one object per API."""
    return [
        {
            "logical_id": api.logical_id,
            "api_id": api.api_id,
            "stages": list(api.stages),
            "route_selection_expression": api.route_selection_expression,
            "routes": [_document(route) for route in routes_in_order(api)],
        }
        for api in definition.apis
    ]


def routes_in_order(api: Api) -> list[Route]:
    """The lifecycle's routes, then the application's own by name."""
    first = {key: number for number, key in enumerate(_LIFECYCLE_FIRST)}
    return sorted(api.routes.values(), key=lambda route: (first.get(route.route_key, len(first)), route.route_key))


def _document(route: Route) -> dict[str, Any]:
    integration = route.integration
    return {
        "route_key": route.route_key,
        "integration_type": None if integration is None else integration.integration_type.value,
        "target": None if integration is None else _target(integration),
        "authorization": route.authorization_type.value,
        "authorizer": None if route.authorizer is None else _function(route.authorizer.target),
        "two_way": route.two_way,
    }


def _row(route: Route) -> tuple[str, str, str, str]:
    target = "-" if route.integration is None else _target(route.integration)
    by = "" if route.authorizer is None else f" ({_function(route.authorizer.target)})"
    reply = "two-way" if route.two_way else "one-way"
    return route.route_key, target, f"{route.authorization_type.value}{by}", reply


def _target(integration: Integration) -> str:
    """Whom the route calls: a function, a method and URL, an action or path of a service, or nobody."""
    match integration.target:
        case LambdaTarget() as target:
            return _function(target)
        case HttpTarget(url):
            return f"{integration.integration_method} {url}"
        case ServiceTarget() as target:
            service = target.service if target.subdomain is None else f"{target.subdomain}.{target.service}"
            called = f"{integration.integration_method} /{target.path}" if target.action is None else target.action
            return f"{service}:{called}"
        case MockTarget():
            return "MOCK"


def _function(target: LambdaTarget) -> str:
    return target.function_name if target.qualifier is None else f"{target.function_name}:{target.qualifier}"


def _stages(api: Api) -> str:
    return f"stage{'' if len(api.stages) == 1 else 's'} {', '.join(api.stages)}"
