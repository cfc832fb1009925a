"""``AWS`` to a service: goldens of what real definitions ask of DynamoDB, SQS and Step Functions."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from gateway.engine.exchange import Exchange
from gateway.engine.responses import Accept, ProxyResponse, Refuse, connect_verdict
from gateway.model.backend import ServiceRequest
from gateway.model.integration import IntegrationResponse, IntegrationType, ServiceTarget
from integration_plans import DONE, VARIABLES, answered, asked, failed, ok, planned
from sample_definitions import connect_exchange, endpoint, message_exchange

PUT_ITEM = ServiceTarget("us-east-1", "dynamodb", action="PutItem")
QUEUE = ServiceTarget("us-east-1", "sqs", path="{account}/messages-${stageVariables.table}")
EXECUTION = ServiceTarget("us-east-1", "states", action="StartSyncExecution", subdomain="sync")
FORM = "application/x-www-form-urlencoded"


def sent(target: ServiceTarget, template: str, exchange: Exchange, **changes: Any) -> ServiceRequest:
    plan = planned(IntegrationType.AWS, target, (DONE,), request_templates={"$default": template}, **changes)
    request = asked(plan, exchange)
    assert isinstance(request, ServiceRequest)
    return request


@pytest.mark.parity("P-222")
def test_a_connection_is_put_into_a_table() -> None:
    template = """#set($ttl = $context.requestTimeEpoch / 1000 + 7200)
{
  "TableName": "$stageVariables.table",
  "Item": {
    "pk": {"S": "CONN#$context.connectionId"},
    "name": {"S": "$util.escapeJavaScript($input.params('name'))"},
    "userAgent": {"S": "$util.escapeJavaScript($context.identity.userAgent)"},
    "sourceIp": {"S": "$context.identity.sourceIp"},
    "connectedAt": {"N": "$context.connectedAt"},
    "ttl": {"N": "$ttl"}#if($context.authorizer.principalId != ""),
    "user": {"S": "$context.authorizer.principalId"}#end
  }
}"""
    exchange = connect_exchange(endpoint=endpoint(variables=VARIABLES))
    role = "arn:aws:iam::123456789012:role/put"
    request = sent(PUT_ITEM, template, exchange, credentials_arn=role)
    connection = exchange.connection
    assert (request.target, request.method, request.headers, request.query) == (PUT_ITEM, "POST", (), ())
    assert request.credentials_arn == role
    assert json.loads(request.body) == {
        "TableName": "connections",
        "Item": {
            "pk": {"S": f"CONN#{connection.connection_id}"},
            "name": {"S": "ada"},
            "userAgent": {"S": connection.user_agent},
            "sourceIp": {"S": connection.source_ip},
            "connectedAt": {"N": str(connection.connected_at_ms)},
            "ttl": {"N": str(exchange.occasion.now_ms // 1000 + 7200)},
        },
    }


@pytest.mark.parity("P-222")
def test_a_message_is_sent_to_a_queue_as_a_form() -> None:
    template = (
        "Action=SendMessage&MessageBody=$util.urlEncode($input.body)"
        "&MessageAttribute.1.Name=connectionId&MessageAttribute.1.Value.DataType=String"
        "&MessageAttribute.1.Value.StringValue=$util.urlEncode($context.connectionId)"
    )
    parameters = {
        "integration.request.header.Content-Type": f"'{FORM}'",
        "integration.request.path.account": "'123456789012'",
    }
    exchange = message_exchange(body='{"text": "a & b = ü+c"}')
    request = sent(QUEUE, template, exchange, request_parameters=parameters)
    assert request.target.path == "123456789012/messages-connections"
    assert request.headers == (("Content-Type", FORM),)
    assert parse_qs(request.body.decode("ascii")) == {
        "Action": ["SendMessage"],
        "MessageBody": ['{"text": "a & b = ü+c"}'],
        "MessageAttribute.1.Name": ["connectionId"],
        "MessageAttribute.1.Value.DataType": ["String"],
        "MessageAttribute.1.Value.StringValue": [exchange.connection.connection_id],
    }


@pytest.mark.parity("P-222")
def test_a_message_is_the_input_of_an_execution() -> None:
    template = """{
  "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:$input.path('$.machine')",
  "name": "$context.requestId",
  "input": "$util.escapeJavaScript($input.json('$')).replaceAll("\\\\'", "'")"
}"""
    body = '{"machine": "m", "text": "it\'s \\"so\\" / \\u00e9"}'
    exchange = message_exchange(body=body)
    request = sent(EXECUTION, template, exchange)
    document = json.loads(request.body)
    assert document["stateMachineArn"].endswith(":m")
    assert document["name"] == exchange.occasion.request_id
    assert json.loads(document["input"]) == json.loads(body)


def test_queries_are_mapped() -> None:
    parameters = {"integration.request.querystring.Action": "'Publish'"}
    request = sent(ServiceTarget("", "sns", path="/"), "", message_exchange(), request_parameters=parameters)
    assert request.query == (("Action", "Publish"),)
    assert request.body == b""


def test_the_output_of_an_execution_is_the_reply() -> None:
    template = "#set($out = $util.parseJson($input.path('$.output')))$out.reply"
    reply = IntegrationResponse("Reply", "/2\\d\\d/", {"$default": template})
    plan = planned(IntegrationType.AWS, EXECUTION, (reply,))
    assert answered(plan, message_exchange(), ok(b'{"output": "{\\"reply\\": \\"hi\\"}"}')) == ProxyResponse(
        200, (), b"hi"
    )
    assert failed(plan, message_exchange(), ok(b"{}", 400)).why == "no integration response for '400'"


@pytest.mark.parity("P-235")
def test_the_services_status_decides_the_upgrade() -> None:
    plan, exchange = planned(IntegrationType.AWS, PUT_ITEM, (DONE,)), connect_exchange()
    ids = exchange.connection.connection_id, exchange.occasion.request_id
    assert connect_verdict(plan.answer(exchange, ok(b"{}")), *ids) == Accept(None)
    refusal = connect_verdict(plan.answer(exchange, ok(b'{"__type": "x"}', 400)), *ids)
    assert isinstance(refusal, Refuse)
    assert refusal.status == 400
