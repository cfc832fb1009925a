"""``HTTP``: requests by template, answers by status."""

from __future__ import annotations

import pytest

from gateway.engine.responses import Accept, ProxyResponse, Refuse, connect_verdict
from gateway.model.backend import UpstreamRequest
from gateway.model.integration import IntegrationResponse, IntegrationType, PassthroughBehavior
from gateway.model.invocation import TimedOut
from integration_plans import SERVER, answered, asked, failed, ok, planned, refused
from sample_definitions import connect_exchange, message_exchange

ANSWERS = (
    IntegrationResponse("Ok", "/2\\d\\d/", {"$default": "$input.path('$.reply')"}),
    IntegrationResponse("Other", "$default", {"$default": "failed with $context.status"}),
)


@pytest.mark.parity("P-155", "P-224")
def test_templates_are_chosen_by_the_message() -> None:
    templates = {"join": "joined $input.path('$.room')", "$default": "other"}
    plan = planned(
        IntegrationType.HTTP,
        SERVER,
        ANSWERS,
        request_templates=templates,
        template_selection_expression="${request.body.action}",
    )
    bodies = {}
    for body in ('{"action": "join", "room": "a"}', '{"action": "x"}', "no JSON"):
        request = asked(plan, message_exchange(body=body))
        assert isinstance(request, UpstreamRequest)
        bodies[body] = request.body
    assert list(bodies.values()) == [b"joined a", b"other", b"other"]


@pytest.mark.parity("P-247", "P-278")
def test_nothing_of_the_handshake_is_sent_unless_it_is_mapped() -> None:
    parameters = {"integration.request.header.X-Name": "route.request.querystring.name"}
    request = asked(planned(IntegrationType.HTTP, SERVER, ANSWERS, request_parameters=parameters), connect_exchange())
    assert isinstance(request, UpstreamRequest)
    assert request.url == SERVER.url
    assert dict(request.headers).keys() == {
        "User-Agent", "x-amzn-apigateway-api-id", "X-Amzn-Trace-Id", "Accept", "X-Name"
    }  # fmt: skip
    assert dict(request.headers)["X-Name"] == "ada"


@pytest.mark.parity("P-231", "P-275")
def test_never_passes_nothing() -> None:
    changes = {"passthrough_behavior": PassthroughBehavior.NEVER, "request_templates": {"b": "B"}}
    assert refused(planned(IntegrationType.HTTP, SERVER, ANSWERS, **changes), message_exchange()).status == 415


@pytest.mark.parity("P-156", "P-224")
def test_answers_are_mapped_by_their_status() -> None:
    plan = planned(IntegrationType.HTTP, SERVER, ANSWERS)
    assert answered(plan, message_exchange(), ok(b'{"reply": "hi"}')) == ProxyResponse(200, (), b"hi")
    assert answered(plan, message_exchange(), ok(b"", 503)).body == b"failed with 503"
    assert failed(plan, message_exchange(), TimedOut()).message == "Endpoint request timed out"


@pytest.mark.parity("P-235", "P-251")
def test_the_backends_status_decides_the_upgrade() -> None:
    plan, exchange = planned(IntegrationType.HTTP, SERVER, ANSWERS), connect_exchange()
    ids = exchange.connection.connection_id, exchange.occasion.request_id
    assert connect_verdict(plan.answer(exchange, ok()), *ids) == Accept(None)
    refusal = connect_verdict(plan.answer(exchange, ok(b"", 403)), *ids)
    assert isinstance(refusal, Refuse)
    assert (refusal.status, refusal.body) == (403, b"failed with 403")
