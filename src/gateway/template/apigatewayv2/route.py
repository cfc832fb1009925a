"""AWS::ApiGatewayV2::Route: a route key, the integration behind it and who may use it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.expressions import selection
from gateway.model.api import AuthorizationType, Authorizer, Integration, Model, Route
from gateway.model.ids import CONNECT, DEFAULT, DISCONNECT, RouteKey
from gateway.template.apigatewayv2.expression import EXAMPLE, check_expression
from gateway.template.closest import did_you_mean
from gateway.template.declared import Declared
from gateway.template.properties import Properties
from gateway.template.template import Template
from gateway.template.text import as_text

_PROPERTIES: Final = (
    "ApiId",
    "ApiKeyRequired",
    "AuthorizationScopes",
    "AuthorizationType",
    "AuthorizerId",
    "ModelSelectionExpression",
    "OperationName",
    "RequestModels",
    "RequestParameters",
    "RouteKey",
    "RouteResponseSelectionExpression",
    "Target",
)
_PREDEFINED: Final = (CONNECT, DISCONNECT, DEFAULT)
_PARAMETER: Final = re.compile(r"route\.request\.(?:multivalue)?(?:header|querystring)\.[a-zA-Z0-9._$-]+")
_PARAMETER_HINT: Final = "for example route.request.header.Auth or route.request.querystring.token"
_TARGET: Final = "integrations/"
_TARGET_HINT: Final = "write Target: !Sub integrations/${MyIntegration}"


@dataclass(frozen=True, slots=True)
class Parties:
    """What a route may refer to: readers by physical ID that give None after reporting, models by name, and the IDs of
    the two-way routes."""

    integrations: Mapping[str, Callable[[], Integration | None]]
    authorizers: Mapping[str, Callable[[], Authorizer | None]]
    models: Mapping[str, Model]
    two_way: frozenset[str]


def read_route(template: Template, declared: Declared, parties: Parties) -> Route | None:
    """The route, or None after reporting why it cannot be served."""
    properties = template.properties(declared)
    properties.check_names(_PROPERTIES)
    key = _key(properties)
    _check_response_selection(properties)
    kind, authorizer = _authorization(properties, key, parties)
    route = Route(
        logical_id=declared.logical_id,
        route_key=key or DEFAULT,
        integration=_integration(properties, parties),
        authorization_type=kind,
        authorizer=authorizer,
        two_way=template.reference(declared) in parties.two_way,
        operation_name=properties.text("OperationName"),
        api_key_required=properties.boolean("ApiKeyRequired") or False,
        model_selection_expression=_model_selection(properties),
        request_models=_models(properties, parties),
        request_parameters=_parameters(properties),
    )
    if key is None:
        return None
    _check_use(properties, route)
    _check_mapped(properties, route)
    _check_answers(template, route)
    return route


def _key(properties: Properties) -> RouteKey | None:
    key = properties.required("RouteKey", "for example RouteKey: $default")
    if key is not None and key.startswith("$") and key not in _PREDEFINED:
        hint = did_you_mean(key, _PREDEFINED, f"only {', '.join(_PREDEFINED)} start with $")
        properties.problem(f"route key {key!r} must not start with $", "RouteKey", hint)
    return RouteKey(key) if key is not None else None


def _check_response_selection(properties: Properties) -> None:
    expression = properties.text("RouteResponseSelectionExpression")
    if expression not in (None, DEFAULT):
        what = f"RouteResponseSelectionExpression must be {DEFAULT}, not {expression}"
        hint = "remove it: an AWS::ApiGatewayV2::RouteResponse makes the route two-way"
        properties.problem(what, "RouteResponseSelectionExpression", hint)


def _model_selection(properties: Properties) -> str | None:
    """None as well when there is nothing to select from: then no message is checked."""
    name = "ModelSelectionExpression"
    expression = properties.text(name)
    if expression is not None:
        check_expression(expression, properties, name, selection.MODEL)
    if expression is not None and not properties.value("RequestModels"):
        properties.warning(f"{name} without RequestModels: no message is checked", name, "add RequestModels")
        return None
    if expression is None and properties.value("RequestModels"):
        properties.warning(f"RequestModels without a {name}: no message is checked", "RequestModels", EXAMPLE)
    return expression


def _models(properties: Properties, parties: Parties) -> dict[str, Model]:
    block = properties.nested("RequestModels")
    if block is None:
        return {}
    names = properties.text_by_name("RequestModels")
    for key, name in names.items():
        if name not in parties.models:
            hint = did_you_mean(name, parties.models, "add an AWS::ApiGatewayV2::Model of this Name")
            block.problem(f"the API has no model called {name!r}", key, hint)
    return {key: parties.models[name] for key, name in names.items() if name in parties.models}


def _parameters(properties: Properties) -> dict[str, bool]:
    """Names to whether they are required, of ``{name: {Required: bool}}`` and of ``{name: bool}``."""
    block = properties.nested("RequestParameters")
    if block is None:
        return {}
    for name in block:
        if not _PARAMETER.fullmatch(name):
            block.problem(f"{name!r} is no request parameter of a route", name, _PARAMETER_HINT)
    return {name: _is_required(block, name) for name in block}


def _is_required(block: Properties, name: str) -> bool:
    if as_text(block.value(name)) is not None:
        return block.boolean(name) or False
    rule = block.nested(name)
    if rule is None:
        return False
    rule.check_names(("Required",))
    return rule.boolean("Required") or False


def _check_use(properties: Properties, route: Route) -> None:
    """What only a handshake has (parity 6.2)."""
    if route.route_key == CONNECT:
        return
    if route.api_key_required:
        properties.warning(f"ApiKeyRequired has an effect on {CONNECT} only", "ApiKeyRequired")
    if route.request_parameters:
        what = f"RequestParameters have an effect on {CONNECT} only: other events have no headers and no query"
        properties.warning(what, "RequestParameters")


def _check_mapped(properties: Properties, route: Route) -> None:
    """What an integration takes from the handshake must be declared by its route (parity 5.1)."""
    integration = route.integration
    mapped = () if integration is None else integration.request_parameters.values()
    for source in dict.fromkeys(filter(_PARAMETER.fullmatch, mapped)):
        if integration is None or source in route.request_parameters:
            continue
        what = f"{integration.logical_id} takes {source}, which RequestParameters do not declare: AWS passes nothing on"
        hint = f"declare it on {CONNECT}, for example {source}: {{Required: false}}"
        properties.warning(what, "RequestParameters", hint)


def _check_answers(template: Template, route: Route) -> None:
    """A backend that is no proxy answers through an integration response or not at all (parity 5)."""
    integration = route.integration
    if integration is None or integration.is_proxy or integration.responses:
        return
    if route.route_key == CONNECT:
        what = "no IntegrationResponse: every connection will be refused"
    elif route.two_way and route.route_key != DISCONNECT:
        what = f"no IntegrationResponse: {route.logical_id} can answer nothing"
    else:
        return
    hint = "add an AWS::ApiGatewayV2::IntegrationResponse with IntegrationResponseKey: $default"
    template.findings.warning(what, ("Resources", integration.logical_id), hint)


def _authorization(
    properties: Properties, key: RouteKey | None, parties: Parties
) -> tuple[AuthorizationType, Authorizer | None]:
    kind = properties.choice("AuthorizationType", AuthorizationType) or AuthorizationType.NONE
    if kind is AuthorizationType.NONE:
        return kind, None
    if key is not None and key != CONNECT:
        what = "Currently, authorization is restricted to the $connect route only"
        properties.problem(what, "AuthorizationType", "authorize on $connect: it holds for the whole connection")
    return kind, _authorizer(properties, parties) if kind is AuthorizationType.CUSTOM else None


def _authorizer(properties: Properties, parties: Parties) -> Authorizer | None:
    authorizer_id = properties.required("AuthorizerId", "for example AuthorizerId: !Ref MyAuthorizer")
    if authorizer_id is None:
        return None
    if authorizer_id not in parties.authorizers:
        hint = "for example AuthorizerId: !Ref MyAuthorizer"
        properties.problem("AuthorizerId is no authorizer of this API", "AuthorizerId", hint)
        return None
    return parties.authorizers[authorizer_id]()


def _integration(properties: Properties, parties: Parties) -> Integration | None:
    if not properties.has("Target"):
        properties.warning("the route has no Target: nothing can answer it", hint=_TARGET_HINT)
        return None
    target = properties.required("Target", _TARGET_HINT)
    if target is None:
        return None
    integration_id = target.removeprefix(_TARGET)
    if integration_id == target or integration_id not in parties.integrations:
        properties.problem(f"Target {target!r} is no integration of this API", "Target", _TARGET_HINT)
        return None
    return parties.integrations[integration_id]()
