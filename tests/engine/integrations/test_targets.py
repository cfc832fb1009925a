"""Targets of one stage."""

from __future__ import annotations

from gateway.engine.integrations.targets import http_target, service_target
from gateway.model.integration import HttpTarget, ServiceTarget

VARIABLES = {"host": "a.example", "queue": "q", "region": "eu-west-1"}


def test_stage_variables_are_replaced_wherever_they_stand() -> None:
    url = HttpTarget("https://${stageVariables.host}/{id}/${stageVariables.nope}", "${stageVariables.host}")
    assert http_target(url, VARIABLES) == HttpTarget("https://a.example/{id}/", "a.example")
    queue = ServiceTarget("${stageVariables.region}", "sqs", path="1/${stageVariables.queue}")
    assert service_target(queue, VARIABLES) == ServiceTarget("eu-west-1", "sqs", path="1/q")


def test_what_holds_none_stays() -> None:
    target = ServiceTarget("us-east-1", "dynamodb", action="PutItem", subdomain="sub")
    assert service_target(target, VARIABLES) == target
    assert http_target(HttpTarget("http://h/"), {}) == HttpTarget("http://h/")
