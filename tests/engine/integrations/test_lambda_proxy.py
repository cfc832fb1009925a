"""``AWS_PROXY`` to a function: the event in, the proxy response out."""

from __future__ import annotations

import json

import pytest

from gateway.engine import events
from gateway.engine.responses import ProxyResponse
from gateway.model.backend import LambdaRequest
from gateway.model.integration import IntegrationType
from gateway.model.invocation import Returned
from integration_plans import FUNCTION, answered, asked, failed, planned
from sample_definitions import message_exchange


@pytest.mark.parity("P-220")
def test_the_payload_is_the_event() -> None:
    exchange = message_exchange(body="ü\n")
    request = asked(planned(IntegrationType.AWS_PROXY, FUNCTION, ()), exchange)
    assert isinstance(request, LambdaRequest)
    assert request.target == FUNCTION
    assert json.loads(request.payload) == events.event(exchange)


def test_another_domain_name_can_stand_in_it() -> None:
    request = asked(planned(IntegrationType.AWS_PROXY, FUNCTION, (), domain_name="here:3001"), message_exchange())
    assert isinstance(request, LambdaRequest)
    assert json.loads(request.payload)["requestContext"]["domainName"] == "here:3001"


@pytest.mark.parity("P-220")
def test_the_answer_is_the_proxy_response() -> None:
    plan = planned(IntegrationType.AWS_PROXY, FUNCTION, ())
    answer = answered(plan, message_exchange(), Returned(b'{"statusCode": 200, "body": "hi"}'))
    assert answer == ProxyResponse(200, (), b"hi")
    assert failed(plan, message_exchange(), Returned(b"{}")).is_malformed
