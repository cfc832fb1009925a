"""``MOCK``: the status that the template chooses, and the reply that its response makes."""

from __future__ import annotations

import pytest

from gateway.engine.integrations.plan import IntegrationPlan
from gateway.engine.responses import Accept, ProxyResponse, Refuse, connect_verdict
from gateway.model.backend import MockRequest
from gateway.model.integration import IntegrationResponse, IntegrationType, MockTarget
from integration_plans import DONE, answered, asked, ok, planned, refused
from sample_definitions import connect_exchange, message_exchange


def plan(template: str | None, *answers: IntegrationResponse) -> IntegrationPlan:
    templates = {} if template is None else {"$default": template}
    return planned(IntegrationType.MOCK, MockTarget(), answers or (DONE,), request_templates=templates)


@pytest.mark.parity("P-225", "P-236")
@pytest.mark.parametrize(
    ("template", "status"),
    [
        ('{"statusCode": 200}', 200),
        ('{"statusCode": 200,}', 200),
        ('{"statusCode": "404", "more": [1,]}', 404),
        ("{\"statusCode\": #if($input.path('$.a') == 1)200#{else}500#end}", 500),
    ],
)
def test_the_template_chooses_the_status(template: str, status: int) -> None:
    assert asked(plan(template), message_exchange(body="{}")) == MockRequest(status)


@pytest.mark.parity("P-236")
@pytest.mark.parametrize(
    "template", ["", "{}", '{"statusCode": true}', '{"statusCode": 99}', '{"statusCode": "x"}', "[200]", "200", "{"]
)
def test_without_a_status_the_request_fails(template: str) -> None:
    failure = refused(plan(template), message_exchange())
    assert (failure.message, failure.status) == ("Internal server error", 500)
    assert "statusCode" in failure.why


def test_without_a_template_the_message_would_have_to_say_it() -> None:
    assert "statusCode" in refused(plan(None), connect_exchange()).why


@pytest.mark.parity("P-225")
def test_the_reply_is_the_response_template() -> None:
    pong = IntegrationResponse("Pong", "200", {"$default": '{"pong": "$context.connectionId"}'})
    exchange = message_exchange()
    expected = f'{{"pong": "{exchange.connection.connection_id}"}}'.encode()
    assert answered(plan("{}", pong), exchange, ok()) == ProxyResponse(200, (), expected)


@pytest.mark.parity("P-235", "P-236")
def test_the_status_decides_the_upgrade() -> None:
    made, exchange = plan("{}"), connect_exchange()
    ids = exchange.connection.connection_id, exchange.occasion.request_id
    assert connect_verdict(made.answer(exchange, ok()), *ids) == Accept(None)
    assert isinstance(connect_verdict(made.answer(exchange, ok(b"", 403)), *ids), Refuse)
