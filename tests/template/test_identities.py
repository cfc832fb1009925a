from __future__ import annotations

import re
from typing import Any

import pytest

from gateway.template.declared import Declared
from gateway.template.facts import facts_of
from gateway.template.identities import identify
from gateway.template.identity import Identity
from gateway.template.options import LoadOptions
from gateway.template.unresolvable import Unresolvable

OPTIONS = LoadOptions(
    stack_name="Shop", region="eu-west-1", account_id="000000000001", aws_endpoint_url="http://aws:5/"
)


def of(kind: str, logical_id: str = "It", options: LoadOptions = OPTIONS, **properties: Any) -> Identity:
    return identify(Declared(logical_id, kind, properties), lambda value: value, facts_of(options))


@pytest.mark.parametrize(
    ("kind", "properties", "ref", "attributes"),
    [
        (
            "DynamoDB::Table",
            {},
            "Shop-It",
            {
                "Arn": "arn:aws:dynamodb:eu-west-1:000000000001:table/Shop-It",
                "StreamArn": "arn:aws:dynamodb:eu-west-1:000000000001:table/Shop-It/stream/2024-01-01T00:00:00.000",
            },
        ),
        ("DynamoDB::Table", {"TableName": "t"}, "t", {"Arn": "arn:aws:dynamodb:eu-west-1:000000000001:table/t"}),
        (
            "SQS::Queue",
            {"QueueName": "q"},
            "http://aws:5/000000000001/q",
            {"Arn": "arn:aws:sqs:eu-west-1:000000000001:q", "QueueName": "q"},
        ),
        ("SQS::Queue", {"FifoQueue": "true"}, "http://aws:5/000000000001/Shop-It.fifo", {"QueueName": "Shop-It.fifo"}),
        ("SNS::Topic", {"TopicName": "t"}, "arn:aws:sns:eu-west-1:000000000001:t", {"TopicName": "t"}),
        ("SNS::Topic", {"FifoTopic": True}, "arn:aws:sns:eu-west-1:000000000001:Shop-It.fifo", {}),
        (
            "S3::Bucket",
            {},
            "shop-it",
            {"Arn": "arn:aws:s3:::shop-it", "RegionalDomainName": "shop-it.s3.eu-west-1.amazonaws.com"},
        ),
        ("SSM::Parameter", {"Name": "/a", "Value": 5, "Type": "String"}, "/a", {"Value": "5", "Type": "String"}),
        ("Events::EventBus", {"Name": "b"}, "b", {"Arn": "arn:aws:events:eu-west-1:000000000001:event-bus/b"}),
        ("Kinesis::Stream", {"Name": "s"}, "s", {"Arn": "arn:aws:kinesis:eu-west-1:000000000001:stream/s"}),
        ("Logs::LogGroup", {}, "Shop-It", {"Arn": "arn:aws:logs:eu-west-1:000000000001:log-group:Shop-It:*"}),
        ("IAM::Role", {"RoleName": "r"}, "r", {"Arn": "arn:aws:iam::000000000001:role/r"}),
        (
            "StepFunctions::StateMachine",
            {"StateMachineName": "m"},
            "arn:aws:states:eu-west-1:000000000001:stateMachine:m",
            {"Name": "m"},
        ),
        ("Lambda::Function", {}, "Shop-It", {"Arn": "arn:aws:lambda:eu-west-1:000000000001:function:Shop-It"}),
        (
            "Lambda::Alias",
            {"Name": "live", "FunctionName": "arn:aws:lambda:eu-west-1:000000000001:function:f"},
            "arn:aws:lambda:eu-west-1:000000000001:function:f:live",
            {"AliasArn": "arn:aws:lambda:eu-west-1:000000000001:function:f:live"},
        ),
        (
            "Lambda::Version",
            {"FunctionName": "f"},
            "arn:aws:lambda:eu-west-1:000000000001:function:f:1",
            {"Version": "1"},
        ),
        ("Lambda::LayerVersion", {"LayerName": "l"}, "arn:aws:lambda:eu-west-1:000000000001:layer:l:1", {}),
        ("ApiGatewayV2::Stage", {"StageName": "prod"}, "prod", {}),
        (
            "Unheard::Of",
            {},
            "Shop-It",
            {"Arn": "arn:aws:unheard:eu-west-1:000000000001:of/Shop-It", "Any": "Shop-It.Any"},
        ),
    ],
)
def test_known_before_creation(kind: str, properties: dict[str, Any], ref: str, attributes: dict[str, str]) -> None:
    identity = of(f"AWS::{kind}", **properties)
    assert identity.ref == ref
    assert {name: identity.attribute(name) for name in attributes} == attributes


@pytest.mark.parity("P-501", "P-502")
def test_an_api_id_looks_like_one_and_stays_the_same() -> None:
    api = of("AWS::ApiGatewayV2::Api", ProtocolType="WEBSOCKET")
    assert re.fullmatch("[a-z][a-z0-9]{9}", api.ref)
    assert api.attribute("ApiEndpoint") == f"wss://{api.ref}.execute-api.eu-west-1.amazonaws.com"
    assert api == of("AWS::ApiGatewayV2::Api", ProtocolType="WEBSOCKET")
    assert api.ref != of("AWS::ApiGatewayV2::Api", "Other", ProtocolType="WEBSOCKET").ref
    other_stack = LoadOptions(stack_name="Other", region="eu-west-1")
    assert api.ref != of("AWS::ApiGatewayV2::Api", "It", other_stack, ProtocolType="WEBSOCKET").ref


def test_an_http_api_has_an_https_endpoint() -> None:
    assert of("AWS::ApiGatewayV2::Api", ProtocolType="HTTP").attribute("ApiEndpoint").startswith("https://")


def test_a_secret_and_a_key_have_identifiers_that_an_emulator_can_be_told() -> None:
    secret, key = of("AWS::SecretsManager::Secret", Name="a/b"), of("AWS::KMS::Key")
    assert re.fullmatch("arn:aws:secretsmanager:eu-west-1:000000000001:secret:a/b-[a-z0-9]{6}", secret.ref)
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", key.ref)
    assert key.attribute("Arn").endswith(f":key/{key.ref}")


def test_without_an_endpoint_a_queue_is_at_aws() -> None:
    queue = of("AWS::SQS::Queue", "Q", LoadOptions(stack_name="s", region="eu-west-1"))
    assert queue.ref == "https://sqs.eu-west-1.amazonaws.com/123456789012/s-Q"


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_partitions(region: str, partition: str) -> None:
    topic = of("AWS::SNS::Topic", "T", LoadOptions(stack_name="s", region=region))
    assert topic.ref.startswith(f"arn:{partition}:sns:{region}:")


def test_a_long_made_up_name_is_cut_but_stays_its_own() -> None:
    first, second = (of("AWS::Lambda::Function", "F" * 70 + end).ref for end in "ab")
    assert len(first) == len(second) == 63
    assert first != second


def test_a_misspelt_attribute_is_refused_where_all_are_known() -> None:
    with pytest.raises(Unresolvable) as refusal:
        of("AWS::SQS::Queue").attribute("Ar")
    assert refusal.value.hint == "did you mean Arn?"


def test_a_nested_stack_keeps_its_outputs_to_itself() -> None:
    with pytest.raises(Unresolvable):
        of("AWS::CloudFormation::Stack").attribute("Outputs.Url")


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::DynamoDB::Table", {"TableName": ["a"]}),
        ("AWS::DynamoDB::Table", {"TableName": ""}),
        ("AWS::Lambda::Alias", {"FunctionName": "f"}),
        ("AWS::Lambda::Version", {}),
    ],
)
def test_a_name_that_cannot_be_known(kind: str, properties: dict[str, Any]) -> None:
    with pytest.raises(Unresolvable):
        of(kind, **properties)
