"""AWS::ApiGatewayV2::Api of protocol WEBSOCKET, put together with everything that belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Final, TypeVar

from gateway.expressions import selection
from gateway.model.api import DEFAULT_API_KEY_SELECTION, Api, Authorizer, Integration, Route
from gateway.model.errors import ExpressionError
from gateway.model.ids import ApiId, RouteKey
from gateway.template.apigatewayv2.authorizer import read_authorizer
from gateway.template.apigatewayv2.integration import check_integration_responses, read_integration
from gateway.template.apigatewayv2.parts import (
    AUTHORIZER,
    INTEGRATION,
    INTEGRATION_RESPONSE,
    MAPPING,
    MODEL,
    ROUTE,
    Parts,
)
from gateway.template.apigatewayv2.route import Parties, read_route
from gateway.template.apigatewayv2.route_response import read_two_way_routes
from gateway.template.apigatewayv2.stage import read_stages
from gateway.template.declared import Declared
from gateway.template.findings import Findings
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
_MODEL_PROPERTIES: Final = ("ApiId", "ContentType", "Description", "Name", "Schema")
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
    routes = _routes(template, parts, catalogue, [dict(stage.stage_variables) for stage in stages.values()])
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
        disable_execute_api_endpoint=_disabled(properties),
    )


def _check_names(properties: Properties) -> None:
    properties.check_names((*_PROPERTIES, *_HTTP_ONLY))
    for name in _HTTP_ONLY:
        if properties.value(name) is not None:
            properties.problem(f"{name} cannot be set for WEBSOCKET protocol Apis.", name, "remove it")


def _route_selection(properties: Properties) -> str | None:
    name = "RouteSelectionExpression"
    expression = properties.required(name, "for example $request.body.action")
    if expression is not None:
        try:
            selection.parse(expression, selection.ROUTE)
        except ExpressionError as error:
            where = f"at character {error.position + 1} of {expression!r}" if error.position else f"in {expression!r}"
            properties.problem(f"{error.message} {where}", name, "for example $request.body.action")
    return expression


def _api_key_selection(properties: Properties) -> str:
    expression = properties.text("ApiKeySelectionExpression") or DEFAULT_API_KEY_SELECTION
    if expression not in _API_KEY_SELECTIONS:
        hint = f"it is {' or '.join(_API_KEY_SELECTIONS)}"
        properties.problem(f"there is no ApiKeySelectionExpression {expression!r}", "ApiKeySelectionExpression", hint)
    return expression


def _disabled(properties: Properties) -> bool:
    disabled = properties.boolean("DisableExecuteApiEndpoint") or False
    if disabled:
        what = "DisableExecuteApiEndpoint is not applied: here the default endpoint is the only one"
        properties.warning(what, "DisableExecuteApiEndpoint")
    return disabled


def _routes(
    template: Template, parts: Parts, catalogue: Catalogue, stage_variables: list[dict[str, str]]
) -> dict[RouteKey, Route]:
    def integration(declared: Declared, findings: Findings) -> Integration | None:
        return read_integration(template, declared, catalogue, stage_variables, findings)

    def authorizer(declared: Declared, findings: Findings) -> Authorizer | None:
        return read_authorizer(template, declared, catalogue, stage_variables, findings)

    declared_routes = {template.reference(declared) or "": declared for declared in parts.of(ROUTE)}
    two_way = read_two_way_routes(template, parts, frozenset(declared_routes))
    parties = Parties(
        _readers(template, parts.of(INTEGRATION), integration),
        _readers(template, parts.of(AUTHORIZER), authorizer),
        two_way,
    )
    routes = _by_key(template, parts, parties)
    _check_the_rest(template, parts)
    return routes


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


def _readers(
    template: Template, resources: tuple[Declared, ...], read: Callable[[Declared, Findings], Read]
) -> dict[str, Callable[[], Read]]:
    """A reader per physical ID that reads, and reports, once and only when a route asks for it."""
    found: dict[str, Callable[[], Read]] = {}
    for declared in resources:
        physical_id = template.reference(declared)
        if physical_id is not None:
            found[physical_id] = cache(partial(read, declared, template.findings))
    return found


def _check_the_rest(template: Template, parts: Parts) -> None:
    check_integration_responses(template, parts.of(INTEGRATION_RESPONSE), template.findings)
    for model in parts.of(MODEL):
        template.properties(model).check_names(_MODEL_PROPERTIES)
    for mapping in parts.of(MAPPING):
        what = "custom domain names are not served: clients use the default endpoint, with the stage in its path"
        template.properties(mapping).warning(what)
