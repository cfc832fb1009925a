"""Physical IDs and attributes of every resource type, known before anything is created.

One row per type: where its name comes from, what ``Ref`` gives, which attributes it has. ``{name}`` and ``{arn}`` are
the resource's own, ``{id}`` a made-up identifier that is the same in every run. A type without a row still resolves,
to made-up but stable text, so that an environment that mentions it can be built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.template.declared import Declared
from gateway.template.facts import Facts
from gateway.template.identity import Identity
from gateway.template.lambda_identities import LAMBDA_IDENTITIES
from gateway.template.text import as_text
from gateway.template.unresolvable import Unresolvable

Resolve = Callable[[Any], Any]

_NESTED: Final = "nested stacks are not opened: move the resource into this template, or set it with --env-vars"


@dataclass(frozen=True, slots=True)
class Kind:
    """``named_by`` is the property that holds the name; ``service`` and ``resource`` make the ARN
    ``arn:…:{service}:{region}:{account}:{resource}``; ``echoes`` are attributes that repeat a property's value."""

    named_by: str | None = None
    service: str | None = None
    resource: str = "{name}"
    ref: str = "{name}"
    id_length: int = 10
    attributes: Mapping[str, str] = field(default_factory=dict)
    echoes: Mapping[str, str] = field(default_factory=dict)


_ARN: Final = {"Arn": "{arn}"}
_KINDS: Final[Mapping[str, Kind]] = {
    "AWS::ApiGateway::ApiKey": Kind(ref="{id}", attributes={"APIKeyId": "{id}"}),
    "AWS::ApiGateway::RestApi": Kind(ref="{id}", attributes={"RestApiId": "{id}", "RootResourceId": "{id}"}
    ),
    "AWS::ApiGateway::Stage": Kind("StageName"),
    "AWS::ApiGateway::UsagePlan": Kind(ref="{id}", id_length=6, attributes={"Id": "{id}"}),
    "AWS::ApiGateway::UsagePlanKey": Kind(ref="{id}", attributes={"Id": "{id}"}),
    "AWS::ApiGatewayV2::Api": Kind(ref="{id}", attributes={"ApiId": "{id}", "ApiEndpoint": "{scheme}://{id}.execute-api.{region}.{suffix}"}
    ),
    "AWS::ApiGatewayV2::ApiMapping": Kind(ref="{id}", id_length=6, attributes={"ApiMappingId": "{id}"}),
    "AWS::ApiGatewayV2::Authorizer": Kind(ref="{id}", id_length=6, attributes={"AuthorizerId": "{id}"}),
    "AWS::ApiGatewayV2::Deployment": Kind(ref="{id}", id_length=6, attributes={"DeploymentId": "{id}"}),
    "AWS::ApiGatewayV2::DomainName": Kind(
        "DomainName",
        "apigateway",
        "/domainnames/{name}",
        attributes={
            "DomainNameArn": "{arn}",
            "RegionalDomainName": "d-{id}.execute-api.{region}.{suffix}",
            "RegionalHostedZoneId": "{id}",
        },
    ),
    "AWS::ApiGatewayV2::Integration": Kind(ref="{id}", id_length=7, attributes={"IntegrationId": "{id}"}),
    "AWS::ApiGatewayV2::IntegrationResponse": Kind(ref="{id}", attributes={"IntegrationResponseId": "{id}"}),
    "AWS::ApiGatewayV2::Model": Kind(ref="{id}", id_length=6, attributes={"ModelId": "{id}"}),
    "AWS::ApiGatewayV2::Route": Kind(ref="{id}", id_length=7, attributes={"RouteId": "{id}"}),
    "AWS::ApiGatewayV2::RouteResponse": Kind(ref="{id}", id_length=7, attributes={"RouteResponseId": "{id}"}),
    "AWS::ApiGatewayV2::Stage": Kind("StageName"),
    "AWS::Cognito::IdentityPool": Kind(
        "IdentityPoolName", ref="{region}:{uuid}", attributes={"Id": "{region}:{uuid}", "Name": "{name}"}
    ),
    "AWS::Cognito::UserPool": Kind(
        "UserPoolName",
        "cognito-idp",
        "userpool/{region}_{id}",
        ref="{region}_{id}",
        id_length=9,
        attributes={
            "Arn": "{arn}",
            "ProviderName": "cognito-idp.{region}.{suffix}/{region}_{id}",
            "ProviderURL": "https://cognito-idp.{region}.{suffix}/{region}_{id}",
            "UserPoolId": "{region}_{id}",
        },
    ),
    "AWS::Cognito::UserPoolClient": Kind(
        "ClientName",
        ref="{id}",
        id_length=26,
        attributes={"ClientId": "{id}", "ClientSecret": "{id}", "Name": "{name}"},
    ),
    "AWS::DynamoDB::GlobalTable": Kind(
        "TableName",
        "dynamodb",
        "table/{name}",
        attributes={"Arn": "{arn}", "StreamArn": "{arn}/stream/2024-01-01T00:00:00.000", "TableId": "{uuid}"},
    ),
    "AWS::DynamoDB::Table": Kind(
        "TableName",
        "dynamodb",
        "table/{name}",
        attributes={"Arn": "{arn}", "StreamArn": "{arn}/stream/2024-01-01T00:00:00.000"},
    ),
    "AWS::Events::EventBus": Kind("Name", "events", "event-bus/{name}", attributes={"Arn": "{arn}", "Name": "{name}"}),
    "AWS::Events::Rule": Kind("Name", "events", "rule/{name}", attributes=_ARN),
    "AWS::IAM::ManagedPolicy": Kind(
        "ManagedPolicyName", "iam:", "policy/{name}", ref="{arn}", attributes={"PolicyArn": "{arn}"}
    ),
    "AWS::IAM::Role": Kind("RoleName", "iam:", "role/{name}", attributes={"Arn": "{arn}", "RoleId": "{id}"}),
    "AWS::IAM::User": Kind("UserName", "iam:", "user/{name}", attributes=_ARN),
    "AWS::KMS::Alias": Kind("AliasName"),
    "AWS::KMS::Key": Kind(
        None, "kms", "key/{uuid}", ref="{uuid}", attributes={"Arn": "{arn}", "KeyId": "{uuid}"}
    ),
    "AWS::Kinesis::Stream": Kind("Name", "kinesis", "stream/{name}", attributes={"Arn": "{arn}", "StreamId": "{name}"}),
    "AWS::KinesisFirehose::DeliveryStream": Kind(
        "DeliveryStreamName", "firehose", "deliverystream/{name}", attributes=_ARN
    ),
    "AWS::Logs::LogGroup": Kind("LogGroupName", "logs", "log-group:{name}:*", attributes=_ARN),
    "AWS::S3::Bucket": Kind(
        "BucketName",
        attributes={
            "Arn": "arn:{partition}:s3:::{name}",
            "DomainName": "{name}.s3.{suffix}",
            "DualStackDomainName": "{name}.s3.dualstack.{region}.{suffix}",
            "RegionalDomainName": "{name}.s3.{region}.{suffix}",
            "WebsiteURL": "http://{name}.s3-website-{region}.{suffix}",
        },
    ),
    "AWS::SNS::Topic": Kind(
        "TopicName", "sns", "{name}", ref="{arn}", attributes={"TopicArn": "{arn}", "TopicName": "{name}"}
    ),
    "AWS::SQS::Queue": Kind(
        "QueueName",
        "sqs",
        "{name}",
        ref="{endpoint}/{account}/{name}",
        attributes={"Arn": "{arn}", "QueueName": "{name}", "QueueUrl": "{endpoint}/{account}/{name}"},
    ),
    "AWS::SSM::Parameter": Kind("Name", echoes={"Type": "Type", "Value": "Value"}),
    "AWS::SecretsManager::Secret": Kind(
        "Name", "secretsmanager", "secret:{name}-{id}", ref="{arn}", id_length=6, attributes={"Id": "{arn}"}
    ),
    "AWS::StepFunctions::StateMachine": Kind(
        "StateMachineName",
        "states",
        "stateMachine:{name}",
        ref="{arn}",
        attributes={"Arn": "{arn}", "Name": "{name}", "StateMachineRevisionId": "{uuid}"},
    ),
}  # fmt: skip
NESTED_STACKS: Final = ("AWS::CloudFormation::Stack", "AWS::Serverless::Application")


def identify(declared: Declared, resolve: Resolve, facts: Facts) -> Identity:
    """Physical ID and attributes of one resource. Raises Unresolvable when its own name cannot be known."""
    if declared.type in NESTED_STACKS:
        return Identity(declared.type, facts.name(declared.logical_id), secretive=_NESTED)
    if declared.type in LAMBDA_IDENTITIES:
        return LAMBDA_IDENTITIES[declared.type](declared, resolve, facts)
    kind = _KINDS.get(declared.type)
    if kind is None:
        return _unknown(declared, facts)
    return _known(declared, kind, resolve, facts)


def _known(declared: Declared, kind: Kind, resolve: Resolve, facts: Facts) -> Identity:
    values = _values(declared, kind, resolve, facts)
    if kind.service is not None:
        # IAM's ARNs have no region: its rows say ``iam:`` and bring the empty field themselves.
        place = "" if kind.service.endswith(":") else f"{facts.region}:"
        resource = kind.resource.format_map(values)
        values["arn"] = f"arn:{facts.partition}:{kind.service}:{place}{facts.account_id}:{resource}"
    attributes = {name: pattern.format_map(values) for name, pattern in kind.attributes.items()}
    for attribute, name in kind.echoes.items():
        if name in declared.properties:
            attributes[attribute] = as_text(resolve(declared.properties[name])) or ""
    naming = (kind.named_by, values["name"]) if kind.named_by is not None else None
    return Identity(declared.type, kind.ref.format_map(values), attributes, naming=naming)


def _values(declared: Declared, kind: Kind, resolve: Resolve, facts: Facts) -> dict[str, str]:
    values = {
        "account": facts.account_id,
        "endpoint": facts.endpoint,
        "id": facts.identifier(declared.logical_id, kind.id_length),
        "name": _name(declared, kind, resolve, facts),
        "partition": facts.partition,
        "region": facts.region,
        "suffix": facts.url_suffix,
        "uuid": facts.uuid(declared.logical_id),
    }
    if "ApiEndpoint" in kind.attributes:
        websocket = resolve(declared.properties.get("ProtocolType")) == "WEBSOCKET"
        values["scheme"] = "wss" if websocket else "https"
    return values


def _name(declared: Declared, kind: Kind, resolve: Resolve, facts: Facts) -> str:
    given = physical_name(declared, kind.named_by, resolve)
    if given is not None:
        return given
    name = facts.name(declared.logical_id)
    if declared.type == "AWS::S3::Bucket":
        return name.lower()
    fifo = declared.properties.get("FifoQueue", declared.properties.get("FifoTopic"))
    return f"{name}.fifo" if fifo is not None and as_text(resolve(fifo)) == "true" else name


def physical_name(declared: Declared, named_by: str | None, resolve: Resolve) -> str | None:
    """The name the template gives the resource, None when it gives none. Raises Unresolvable."""
    if named_by is None or named_by not in declared.properties:
        return None
    value = resolve(declared.properties[named_by])
    name = as_text(value)
    if isinstance(value, dict | list) or name == "":
        raise Unresolvable(f"{named_by} of {declared.logical_id} must be text")
    return name


def _unknown(declared: Declared, facts: Facts) -> Identity:
    name = facts.name(declared.logical_id)
    service, _, resource = declared.type.removeprefix("AWS::").lower().partition("::")
    arn = f"arn:{facts.partition}:{service}:{facts.region}:{facts.account_id}:{resource or 'custom'}/{name}"
    return Identity(declared.type, name, {"Arn": arn}, open_ended=True)
