"""AWS::ApiGatewayV2::RouteResponse: what makes a route answer its client (parity fact 6)."""

from __future__ import annotations

from typing import Final

from gateway.template.apigatewayv2.parts import ROUTE_RESPONSE, Parts
from gateway.template.properties import Properties
from gateway.template.template import Template

_KEY: Final = "$default"
_PROPERTIES: Final = (
    "ApiId",
    "ModelSelectionExpression",
    "ResponseModels",
    "ResponseParameters",
    "RouteId",
    "RouteResponseKey",
)
_WITHOUT_EFFECT: Final = ("ModelSelectionExpression", "ResponseModels", "ResponseParameters")


def read_two_way_routes(template: Template, parts: Parts, routes: frozenset[str]) -> frozenset[str]:
    """The route IDs, out of ``routes``, that have a ``$default`` response."""
    found = set()
    for declared in parts.of(ROUTE_RESPONSE):
        properties = template.properties(declared)
        properties.check_names(_PROPERTIES)
        route = properties.required("RouteId", "for example RouteId: !Ref MyRoute")
        if route is not None and route not in routes:
            properties.problem("RouteId is no route of this API", "RouteId", "for example RouteId: !Ref MyRoute")
        if _has_key(properties) and route is not None:
            found.add(route)
        ignored = [name for name in _WITHOUT_EFFECT if properties.has(name)]
        if ignored:
            properties.warning(f"no effect on a WebSocket API: {', '.join(ignored)}", ignored[0])
    return frozenset(found)


def _has_key(properties: Properties) -> bool:
    key = properties.required("RouteResponseKey", f"it is {_KEY}")
    if key is not None and key != _KEY:
        properties.problem(f"RouteResponseKey must be {_KEY}, not {key}", "RouteResponseKey", f"write {_KEY}")
    return key == _KEY
