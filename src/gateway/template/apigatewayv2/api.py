"""AWS::ApiGatewayV2::Api of protocol WEBSOCKET, put together with everything that belongs to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Final, TypeVar

from gateway.expressions import selection
from gateway.model.api import DEFAULT_API_KEY_SELECTION, Api, Authorizer, Integration, Route, Stage
from gateway.model.ids import ApiId, RouteKey
from gateway.template.apigatewayv2.authorizer import read_authorizer
from gateway.template.apigatewayv2.expression import EXAMPLE, check_expression
from gateway.template.apigatewayv2.integration import Surroundings, read_integration
from gateway.template.apigatewayv2.integration_response import responses_by_integration
from gateway.template.apigatewayv2.model import read_models
from gateway.template.apigatewayv2.parts import (
    AUTHORIZER,
    INTEGRATION,
    INTEGRATION_RESPONSE,
    MODEL,
    ROUTE,
    Parts,
)
from gateway.template.apigatewayv2.route import Parties, read_route
from gateway.template.apigatewayv2.route_response import read_two_way_routes
from gateway.template.apigatewayv2.stage import check_stages, read_stages
from gateway.template.declared import Declared
from gateway.template.functions.catalogue import Catalogue
from gateway.template.properties import Properties
from gateway.template.template import Template

WEBSOCKET: Final = "WEBSOCKET"
HTTP: Final = "HTTP"
_PROPERTIES: Final = (
    "ApiKeySelectionExpression",
    "Description",
    "DisableExecuteApiEndpoint",
    "DisableSchemaValidation",
    "IpAddressType",
    "Name",
    "ProtocolType",
    "RouteSelectionExpression",
    "Tags",
    "Version",
)
_HTTP_ONLY: Final = (
    "BasePath",
    "Body",
    "BodyS3Location",
    "CorsConfiguration",
    "CredentialsArn",
    "FailOnWarnings",
    "RouteKey",
    "Target",
)
_API_KEY_SELECTIONS: Final = (DEFAULT_API_KEY_SELECTION, "$context.authorizer.usageIdentifierKey")

Read = TypeVar("Read")


def protocol(template: Template, declared: Declared) -> str | None:
    """WEBSOCKET or HTTP; None after reporting that it is neither."""
    properties = template.properties(declared)
    if not properties.has("ProtocolType") and (properties.has("Body") or properties.has("BodyS3Location")):
        return HTTP  # described by an OpenAPI document, which only HTTP APIs can be
    name = properties.required("ProtocolType", f"for example ProtocolType: {WEBSOCKET}")
    if name not in (None, WEBSOCKET, HTTP):
        properties.problem(f"there is no ProtocolType {name!r}", "ProtocolType", f"it is {WEBSOCKET} or {HTTP}")
        return None
    return name


def read_api(template: Template, parts: Parts, catalogue: Catalogue) -> Api | None:
    """The API with its routes and stages, or None after reporting why it cannot be served."""
    properties = template.properties(parts.api)
    _check_names(properties)
    name = properties.required("Name")
    expression = _route_selection(properties)
    key_expression = _api_key_selection(properties)
    stages = read_stages(template, parts)
    routes = _routes(template, parts, catalogue, tuple(stages.values()))
    check_stages(template, parts, routes)
    api_id = template.reference(parts.api)
    if name is None or expression is None or api_id is None:
        return None
    return Api(
        api_id=ApiId(api_id),
        logical_id=parts.api.logical_id,
        name=name,
        route_selection_expression=expression,
        routes=routes,
        stages=stages,
        api_key_selection_expression=key_expression,
        description=properties.text("Description"),
        disable_execute_api_endpoint=properties.boolean("DisableExecuteApiEndpoint") or False,
        disable_schema_validation=properties.boolean("DisableSchemaValidation") or False,
    )


def _check_names(properties: Properties) -> None:
    properties.check_names((*_PROPERTIES, *_HTTP_ONLY))
    for name in _HTTP_ONLY:
        if properties.value(name) is not None:
            properties.problem(f"{name} cannot be set for WEBSOCKET protocol Apis.", name, "remove it")


def _route_selection(properties: Properties) -> str | None:
    name = "RouteSelectionExpression"
    expression = properties.required(name, EXAMPLE)
    if expression is not None:
        check_expression(expression, properties, name, selection.ROUTE)
    return expression


def _api_key_selection(properties: Properties) -> str:
    expression = properties.text("ApiKeySelectionExpression") or DEFAULT_API_KEY_SELECTION
    if expression not in _API_KEY_SELECTIONS:
        hint = f"it is {' or '.join(_API_KEY_SELECTIONS)}"
        properties.problem(f"there is no ApiKeySelectionExpression {expression!r}", "ApiKeySelectionExpression", hint)
    return expression


def _routes(template: Template, parts: Parts, catalogue: Catalogue, stages: tuple[Stage, ...]) -> dict[RouteKey, Route]:
    integrations = _by_id(template, parts.of(INTEGRATION))
    responses = responses_by_integration(template, parts.of(INTEGRATION_RESPONSE), integrations)

    def integration(integration_id: str) -> Integration | None:
        surroundings = Surroundings(stages, catalogue, responses[integration_id])
        return read_integration(template, integrations[integration_id], surroundings, template.findings)

    def authorizer(authorizer_id: str) -> Authorizer | None:
        return read_authorizer(template, authorizers[authorizer_id], catalogue, stages, template.findings)

    authorizers = _by_id(template, parts.of(AUTHORIZER))
    parties = Parties(
        _readers(integrations, integration),
        _readers(authorizers, authorizer),
        read_models(template, parts.of(MODEL)),
        read_two_way_routes(template, parts, frozenset(_by_id(template, parts.of(ROUTE)))),
    )
    return _by_key(template, parts, parties)


def _by_key(template: Template, parts: Parts, parties: Parties) -> dict[RouteKey, Route]:
    routes: dict[RouteKey, Route] = {}
    for declared in parts.of(ROUTE):
        route = read_route(template, declared, parties)
        if route is None:
            continue
        if route.route_key in routes:
            hint = f"{routes[route.route_key].logical_id} has it already"
            what = f"Route with key {route.route_key} already exists for this API"
            template.properties(declared).problem(what, "RouteKey", hint)
        routes.setdefault(route.route_key, route)
    if not parts.of(ROUTE):
        template.properties(parts.api).problem("the API has no routes", hint="add an AWS::ApiGatewayV2::Route")
    return routes


def _by_id(template: Template, resources: tuple[Declared, ...]) -> dict[str, Declared]:
    found = {template.reference(declared): declared for declared in resources}
    return {physical_id: declared for physical_id, declared in found.items() if physical_id is not None}


def _readers(resources: Iterable[str], read: Callable[[str], Read]) -> dict[str, Callable[[], Read]]:
    """A reader per physical ID that reads, and reports, once and only when a route asks for it."""
    return {physical_id: cache(partial(read, physical_id)) for physical_id in resources}
