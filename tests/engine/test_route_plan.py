"""What a route comes to in one stage, and what it cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.engine.route_plan import plan_route
from gateway.model.api import AuthorizationType, Model, Route, RouteSettings
from gateway.model.errors import ExpressionError
from gateway.model.ids import CONNECT, FunctionName
from gateway.model.integration import LambdaTarget
from sample_definitions import authorized, endpoint, route

CONNECTING = route("$connect")
PLAIN = endpoint()
REQUIRED = {"route.request.header.Token": True}


@pytest.mark.parametrize(
    ("guarded", "planned"),
    [
        (False, CONNECTING),
        (False, replace(CONNECTING, request_parameters={"route.request.header.Token": False})),
        (True, replace(CONNECTING, request_parameters=REQUIRED)),
        (True, replace(CONNECTING, api_key_required=True)),
        (True, replace(CONNECTING, authorization_type=AuthorizationType.AWS_IAM)),
        (True, authorized(CONNECTING)),
    ],
)
def test_what_guards_a_route(guarded: bool, planned: Route) -> None:
    assert plan_route(planned, PLAIN).is_guarded is guarded


def test_a_throttle_guards_too() -> None:
    slow = replace(PLAIN, stage=replace(PLAIN.stage, route_settings={CONNECT: RouteSettings(1, 1)}))
    assert plan_route(CONNECTING, slow).is_guarded
    assert not plan_route(CONNECTING, PLAIN).is_guarded


def test_an_authorizer_is_named_for_the_stage() -> None:
    guarded = authorized(CONNECTING)
    assert guarded.authorizer is not None
    target = LambdaTarget(FunctionName("${stageVariables.who}"), "live")
    guarded = replace(guarded, authorizer=replace(guarded.authorizer, target=target))
    for who in ("one", "two"):
        planned = plan_route(guarded, endpoint(variables={"who": who}))
        assert planned.authorizer == LambdaTarget(FunctionName(who), "live")


def test_only_messages_are_validated_and_only_handshakes_have_parameters() -> None:
    model = Model("M", "M", {"type": "object"})
    modelled = {"model_selection_expression": "x", "request_models": {"x": model}, "request_parameters": REQUIRED}
    message = plan_route(replace(route("$default"), **modelled), PLAIN)  # type: ignore[arg-type]
    connect = plan_route(replace(CONNECTING, **modelled), PLAIN)  # type: ignore[arg-type]
    assert message.validation is not None and not message.required
    assert connect.validation is None and connect.required


@pytest.mark.parametrize(
    ("planned", "error"),
    [
        (authorized(CONNECTING, ["nowhere.x"]), ExpressionError),
        (replace(CONNECTING, authorization_type=AuthorizationType.CUSTOM), ValueError),
        (replace(CONNECTING, request_parameters={"token": True}), ExpressionError),
        (replace(route("x"), model_selection_expression="$context.x"), ExpressionError),
    ],
)
def test_what_no_loaded_definition_holds(planned: Route, error: type[Exception]) -> None:
    with pytest.raises(error):
        plan_route(planned, PLAIN)
