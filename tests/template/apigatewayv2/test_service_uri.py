from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.integration import ServiceTarget
from gateway.template.apigatewayv2.service_uri import ServiceUri, parse_service

START = "arn:aws:apigateway:us-east-1:"


@pytest.mark.parametrize(
    ("uri", "target", "parameters"),
    [
        (f"{START}dynamodb:action/PutItem", ServiceTarget("us-east-1", "dynamodb", "PutItem"), {}),
        ("arn:aws-cn:apigateway::SQS:action/SendMessage", ServiceTarget("", "sqs", "SendMessage"), {}),
        (f"{START}sqs:path/123/queue", ServiceTarget("us-east-1", "sqs", path="123/queue"), {}),
        (f"{START}sns:path//", ServiceTarget("us-east-1", "sns", path=""), {}),
        (f"{START}sns:path/", ServiceTarget("us-east-1", "sns", path=""), {}),
        (f"{START}a.b.s3:path//k//v?x=1", ServiceTarget("us-east-1", "s3", path="k//v?x=1", subdomain="a.b"), {}),
        (f"{START}runtime.lex:path/x", ServiceTarget("us-east-1", "lex", path="x", subdomain="runtime"), {}),
        (
            f"{START}sns:action/Publish&Version=2010-03-31&Subject=a%20b&Empty=",
            ServiceTarget("us-east-1", "sns", "Publish"),
            {"Version": "'2010-03-31'", "Subject": "'a b'", "Empty": "''"},
        ),
        (f"{START}sns:action/Publish?TopicArn=x", ServiceTarget("us-east-1", "sns", "Publish"), {"TopicArn": "'x'"}),
    ],
)
def test_what_is_called(uri: str, target: ServiceTarget, parameters: dict[str, str]) -> None:
    named = {f"integration.request.querystring.{name}": value for name, value in parameters.items()}
    assert parse_service(uri) == ServiceUri(target, named)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://example.com",
        "arn:aws:dynamodb:us-east-1:123456789012:table/t",
        f"{START}dynamodb:PutItem",
        f"{START}dynamodb:action/",
        f"{START}dynamodb:action/Put/Item",
        f"{START}:action/PutItem",
        f"{START}dynamodb/x:path/y",
        f"{START}${{stageVariables.service}}:action/PutItem",
    ],
)
def test_what_is_no_service(uri: str) -> None:
    assert parse_service(uri) is None


@given(st.text(max_size=40) | st.builds(START.__add__, st.text(max_size=40)))
def test_exactly_one_of_action_and_path(uri: str) -> None:
    parsed = parse_service(uri)
    assert parsed is None or (parsed.target.action is None) != (parsed.target.path is None)
