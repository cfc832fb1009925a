"""Every kind of integration has its plan, and no message makes a plan raise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.exchange import Exchange
from gateway.engine.integrations.plan import IntegrationPlan
from gateway.engine.responses import Failure, ProxyResponse
from gateway.model.errors import ExpressionError
from gateway.model.ids import FunctionName
from gateway.model.integration import (
    HttpTarget,
    IntegrationResponse,
    IntegrationType,
    LambdaTarget,
    MockTarget,
    ServiceTarget,
    Target,
)
from gateway.model.invocation import (
    Answered,
    FunctionError,
    InvocationResult,
    Returned,
    Throttled,
    TimedOut,
    Unavailable,
)
from integration_plans import FUNCTION, SERVER, planned
from sample_definitions import connect_exchange, disconnect_exchange, message_exchange

KINDS: list[tuple[IntegrationType, Target]] = [
    (IntegrationType.AWS_PROXY, FUNCTION),
    (IntegrationType.AWS, FUNCTION),
    (IntegrationType.AWS, ServiceTarget("", "sqs", path="{a}/q")),
    (IntegrationType.HTTP_PROXY, SERVER),
    (IntegrationType.HTTP, HttpTarget("http://h/{a}")),
    (IntegrationType.MOCK, MockTarget()),
]
MAPPED: dict[str, Any] = {
    "request_templates": {"$default": "$input.json('$') $util.parseJson($input.body).x", "a": "$input.path('$..b')"},
    "template_selection_expression": "${request.body.a}",
    "request_parameters": {
        "integration.request.path.a": "route.request.body.a",
        "integration.request.header.a": "route.request.body",
        "integration.request.querystring.a": "route.request.body.a.b[0]",
    },
}
ANSWERS = (
    IntegrationResponse("All", "$default", {"$default": "$input.json('$.a')$context.error.message"}),
    IntegrationResponse("Some", "/4.*|.*x.*/", {}, None, {"method.response.header.a": "integration.response.body.a"}),
)


def plans() -> list[IntegrationPlan]:
    return [planned(kind, target, ANSWERS, **changes) for kind, target in KINDS for changes in ({}, MAPPED)]


PLANS = plans()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abx"), inner, max_size=3),
    max_leaves=5,
)
TEXTS = st.text(max_size=20) | JSON.map(json.dumps)
EXCHANGES = st.one_of(
    TEXTS.map(lambda text: message_exchange(body=text)), st.just(connect_exchange()), st.just(disconnect_exchange())
)
BODIES = TEXTS.map(lambda text: text.encode("utf-8", "replace")) | st.binary(max_size=10)
RESULTS: st.SearchStrategy[InvocationResult] = st.one_of(
    BODIES.map(Returned),
    BODIES.map(FunctionError),
    st.builds(Answered, st.integers(100, 599), st.just((("X", "y"),)), BODIES),
    st.sampled_from([TimedOut(), Throttled(), Unavailable("away")]),
)


@given(EXCHANGES, RESULTS)
def test_no_message_and_no_result_makes_a_plan_raise(exchange: Exchange, result: InvocationResult) -> None:
    for plan in PLANS:
        plan.request(exchange)
        assert isinstance(plan.answer(exchange, result), ProxyResponse | Failure)


@pytest.mark.parity("P-230")
@pytest.mark.parametrize(("kind", "target"), KINDS)
def test_plans_keep_the_timeout(kind: IntegrationType, target: Target) -> None:
    assert planned(kind, target).timeout_ms == 1_500


@pytest.mark.parity("P-229")
def test_functions_are_those_of_the_stage() -> None:
    target = LambdaTarget(FunctionName("save-${stageVariables.table}"), "${stageVariables.empty}")
    for kind in (IntegrationType.AWS_PROXY, IntegrationType.AWS):
        request = planned(kind, target).request(message_exchange(body="{}"))
        assert getattr(request, "target") == LambdaTarget(FunctionName("save-connections"))  # noqa: B009


@pytest.mark.parametrize("target", [SERVER, MockTarget()])
def test_a_target_that_does_not_go_with_its_type(target: Target) -> None:
    with pytest.raises(NotImplementedError, match="AWS_PROXY"):
        planned(IntegrationType.AWS_PROXY, target)
    with pytest.raises(NotImplementedError, match="AWS with uri"):
        planned(IntegrationType.AWS, target)


def test_what_cannot_be_compiled_is_refused() -> None:
    with pytest.raises(ExpressionError, match="line 1"):
        planned(IntegrationType.HTTP, SERVER, request_templates={"$default": "#end"})
