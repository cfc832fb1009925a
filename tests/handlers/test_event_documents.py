"""The canonical events: judged by Powertools, and by the shape that AWS's captures have."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayWebSocketEvent
from aws_lambda_powertools.utilities.data_classes.api_gateway_authorizer_event import APIGatewayAuthorizerRequestEvent
from aws_lambda_powertools.utilities.parser import parse
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayWebSocketConnectEventModel,
    APIGatewayWebSocketDisconnectEventModel,
    APIGatewayWebSocketMessageEventModel,
)
from pydantic import BaseModel

from chat_double import PROJECT, document

KINDS = ("connect", "message", "disconnect", "authorizer")
MODELS: dict[str, type[BaseModel]] = {
    "connect": APIGatewayWebSocketConnectEventModel,
    "message": APIGatewayWebSocketMessageEventModel,
    "disconnect": APIGatewayWebSocketDisconnectEventModel,
}
ORDER = {
    "connect": "headers multiValueHeaders queryStringParameters multiValueQueryStringParameters requestContext "
    "isBase64Encoded",
    "message": "requestContext body isBase64Encoded",
    "disconnect": "headers multiValueHeaders requestContext isBase64Encoded",
    "authorizer": "type methodArn headers multiValueHeaders queryStringParameters multiValueQueryStringParameters "
    "stageVariables requestContext",
}
CONTEXT_TAIL = "stage connectedAt requestTimeEpoch identity requestId domainName connectionId apiId"
CONTEXT_ORDER = {
    "connect": f"routeKey eventType extendedRequestId requestTime messageDirection {CONTEXT_TAIL}",
    "message": f"routeKey messageId eventType extendedRequestId requestTime messageDirection {CONTEXT_TAIL}",
    "disconnect": "routeKey disconnectStatusCode eventType extendedRequestId requestTime messageDirection "
    f"disconnectReason {CONTEXT_TAIL}",
}
CONTEXT_ORDER["authorizer"] = CONTEXT_ORDER["connect"]


@pytest.mark.parametrize("kind", MODELS)
def test_the_parser_model_accepts_it(kind: str) -> None:
    parse(event=document(kind), model=MODELS[kind])


def test_the_data_classes_read_it() -> None:
    connected = APIGatewayWebSocketEvent(document("connect"))
    assert connected.query_string_parameters == {"name": "ada"}
    assert connected.request_context.identity.source_ip == "192.0.2.1"
    assert APIGatewayWebSocketEvent(document("message")).json_body == {"action": "send", "text": "hello"}
    ended = APIGatewayWebSocketEvent(document("disconnect")).request_context
    assert (ended.disconnect_status_code, ended.disconnect_reason) == (1000, "Connection Closed Normally")


def test_the_authorizers_data_class_reads_it() -> None:
    event = APIGatewayAuthorizerRequestEvent(document("authorizer"))
    assert event.parsed_arn.api_id == "a1b2c3d4e5"
    assert event.parsed_arn.stage == "dev"
    assert event.query_string_parameters == {"name": "ada"}
    assert event.stage_variables == {}


@pytest.mark.parametrize("kind", KINDS)
def test_members_stand_in_the_order_aws_sends(kind: str) -> None:
    event = document(kind)
    assert list(event) == ORDER[kind].split()
    assert list(event["requestContext"]) == CONTEXT_ORDER[kind].split()


@pytest.mark.parametrize("kind", ["connect", "disconnect", "authorizer"])
def test_headers_are_sorted_and_told_twice(kind: str) -> None:
    event = document(kind)
    names = list(event["headers"])
    assert names == sorted(names, key=str.lower)
    assert event["multiValueHeaders"] == {name: [value] for name, value in event["headers"].items()}
    assert list(event["multiValueHeaders"]) == names


def test_the_authorizer_sees_three_headers_that_connect_does_not() -> None:
    more = set(document("authorizer")["headers"]) - set(document("connect")["headers"])
    assert more == {"Connection", "Upgrade", "content-length"}


def test_all_are_about_one_connection() -> None:
    same = ("stage", "connectedAt", "identity", "domainName", "connectionId", "apiId", "messageDirection")
    contexts = [document(kind)["requestContext"] for kind in KINDS]
    for member in same:
        assert [context[member] for context in contexts] == [contexts[0][member]] * len(contexts)


@pytest.mark.parametrize("kind", KINDS)
def test_times_and_ids_have_their_form(kind: str) -> None:
    context = document(kind)["requestContext"]
    at = datetime.strptime(context["requestTime"], "%d/%b/%Y:%H:%M:%S %z")
    assert at == datetime.fromtimestamp(context["requestTimeEpoch"] // 1000, UTC)
    assert context["connectedAt"] <= context["requestTimeEpoch"]
    assert context["requestId"] == context["extendedRequestId"]
    assert (len(context["requestId"]), len(urlsafe_b64decode(context["requestId"]))) == (16, 11)
    assert (len(context["connectionId"]), len(urlsafe_b64decode(context["connectionId"]))) == (20, 13)


def test_a_message_id_ends_like_its_connections_id() -> None:
    context = document("message")["requestContext"]
    ends = [urlsafe_b64decode(context[member])[-6:] for member in ("messageId", "connectionId")]
    assert ends[0] == ends[1]


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_is_written_as_plain_indented_json(kind: str) -> None:
    text = (PROJECT / "events" / f"{kind}.json").read_text(encoding="utf-8")
    parsed: Any = json.loads(text)
    assert text == json.dumps(parsed, indent=2) + "\n"


def test_every_document_is_described() -> None:
    described = (PROJECT / "events" / "README.md").read_text(encoding="utf-8")
    for kind in KINDS:
        assert f"{kind}.json" in described
        for member in document(kind)["requestContext"]:
            assert f"`{member}`" in described, member
