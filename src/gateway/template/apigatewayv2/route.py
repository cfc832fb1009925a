"""AWS::ApiGatewayV2::Route: a route key, the integration behind it and who may use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.model.api import AuthorizationType, Authorizer, Integration, Route
from gateway.model.ids import CONNECT, DEFAULT, DISCONNECT, RouteKey
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
_UNSUPPORTED: Final = ("ModelSelectionExpression", "RequestModels")
_TARGET: Final = "integrations/"
_TARGET_HINT: Final = "write Target: !Sub integrations/${MyIntegration}"


@dataclass(frozen=True, slots=True)
class Parties:
    """What a route may refer to: readers by physical ID that give None after reporting, and the two-way routes."""

    integrations: Mapping[str, Callable[[], Integration | None]]
    authorizers: Mapping[str, Callable[[], Authorizer | None]]
    two_way: frozenset[str]


def read_route(template: Template, declared: Declared, parties: Parties) -> Route | None:
    """The route, or None after reporting why it cannot be served."""
    properties = template.properties(declared)
    properties.check_names(_PROPERTIES)
    key = _key(properties)
    _check_features(properties)
    kind, authorizer = _authorization(properties, key, parties)
    integration = _integration(properties, parties)
    if key is None:
        return None
    return Route(
        logical_id=declared.logical_id,
        route_key=key,
        integration=integration,
        authorization_type=kind,
        authorizer=authorizer,
        two_way=template.reference(declared) in parties.two_way,
        operation_name=properties.text("OperationName"),
    )


def _key(properties: Properties) -> RouteKey | None:
    key = properties.required("RouteKey", "for example RouteKey: $default")
    if key is not None and key.startswith("$") and key not in _PREDEFINED:
        hint = did_you_mean(key, _PREDEFINED, f"only {', '.join(_PREDEFINED)} start with $")
        properties.problem(f"route key {key!r} must not start with $", "RouteKey", hint)
    return RouteKey(key) if key is not None else None


def _check_features(properties: Properties) -> None:
    if properties.boolean("ApiKeyRequired"):
        properties.unsupported("ApiKeyRequired", "ApiKeyRequired", "remove it to serve the route to everybody")
    for name in _UNSUPPORTED:
        if properties.value(name):
            properties.unsupported(name, name, "remove it to accept messages unchecked")
    for name in _required_parameters(properties.nested("RequestParameters")):
        properties.unsupported(f"the required parameter {name}", "RequestParameters", "make it Required: false")
    expression = properties.text("RouteResponseSelectionExpression")
    if expression not in (None, DEFAULT):
        what = f"RouteResponseSelectionExpression must be {DEFAULT}, not {expression}"
        properties.problem(what, "RouteResponseSelectionExpression")


def _required_parameters(parameters: Properties | None) -> list[str]:
    return [] if parameters is None else [name for name in parameters if _is_required(parameters.value(name))]


def _is_required(rule: Any) -> bool:
    required = rule.get("Required") if isinstance(rule, dict) else rule
    return (as_text(required) or "").lower() == "true"


def _authorization(
    properties: Properties, key: RouteKey | None, parties: Parties
) -> tuple[AuthorizationType, Authorizer | None]:
    name = properties.text("AuthorizationType") or "NONE"
    known = [kind.value for kind in AuthorizationType]
    if name not in known:
        hint = did_you_mean(name, known, f"it is one of {', '.join(known)}")
        properties.problem(f"there is no AuthorizationType {name!r} for a WebSocket API", "AuthorizationType", hint)
        return AuthorizationType.NONE, None
    kind = AuthorizationType(name)
    if kind is AuthorizationType.NONE:
        return kind, None
    if key is not None and key != CONNECT:
        what = "Currently, authorization is restricted to the $connect route only"
        properties.problem(what, "AuthorizationType", "authorize on $connect: it holds for the whole connection")
    if kind is AuthorizationType.AWS_IAM:
        properties.unsupported("AuthorizationType AWS_IAM", "AuthorizationType", "use NONE or a CUSTOM authorizer")
        return kind, None
    return kind, _authorizer(properties, parties)


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
