"""Resources that handlers expect to find: those that are created, and a word about those that are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from gateway.model.definition import Resource
from gateway.template.apigatewayv2.apis import http_apis
from gateway.template.apigatewayv2.parts import API_TYPES
from gateway.template.closest import did_you_mean
from gateway.template.declared import Declared
from gateway.template.identities import NESTED_STACKS
from gateway.template.template import Template

_MACHINE: Final = "AWS::StepFunctions::StateMachine"
CREATED: Final = frozenset({
    "AWS::DynamoDB::Table", "AWS::Events::EventBus", "AWS::KMS::Key", "AWS::Kinesis::Stream", "AWS::Logs::LogGroup",
    "AWS::S3::Bucket", "AWS::SNS::Subscription", "AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::SSM::Parameter",
    "AWS::SecretsManager::Secret", "AWS::StepFunctions::StateMachine",
})  # fmt: skip
# What would call a function or serve something besides the WebSocket API; each type gets a warning of its own.
_TRIGGERS: Final = {
    "AWS::ApiGateway::RestApi": "REST APIs are not served",
    "AWS::Events::Rule": "event rules and schedules are not run",
    "AWS::IoT::TopicRule": "IoT rules are not run",
    "AWS::Lambda::Url": "function URLs are not served",
    "AWS::Pipes::Pipe": "pipes are not run",
    "AWS::Scheduler::Schedule": "schedules are not run",
}
_FAMILY: Final = "AWS::ApiGatewayV2::"
# Nothing that a handler would miss.
_PLUMBING: Final = (
    "AWS::ApiGateway::", "AWS::ApiGatewayV2::", "AWS::ApplicationAutoScaling::", "AWS::CDK::Metadata",
    "AWS::CertificateManager::", "AWS::CloudFormation::WaitCondition", "AWS::CloudWatch::", "AWS::CodeDeploy::",
    "AWS::EC2::", "AWS::Events::EventBusPolicy", "AWS::IAM::", "AWS::KMS::Alias", "AWS::Lambda::", "AWS::Logs::",
    "AWS::Route53::", "AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::WAFv2::",
)  # fmt: skip


def read_resources(template: Template) -> tuple[Resource, ...]:
    """Every resource to create, with its properties resolved; warns of the types that are not created."""
    _report_misspelt(template)
    _warn_of_triggers(template)
    _warn_of_nested_stacks(template)
    _warn_of_missing(template)
    _warn_of_files(template)
    found = (_resource(template, declared) for declared in template.of_type(*CREATED) if _is_written_out(declared))
    return tuple(resource for resource in found if resource is not None)


def _resource(template: Template, declared: Declared) -> Resource | None:
    reference = template.reference(declared)
    if reference is None:
        return None
    findings = template.findings.draft()
    properties = template.properties(declared, findings)
    values: dict[str, Any] = {name: properties.value(name) for name in declared.properties}
    template.findings.take(findings, instead_of_stopping="the property is left out")
    if values.get("Protocol") == "lambda":
        template.findings.warning("topics do not call functions here", declared.path)
        return None
    resolved = {name: value for name, value in values.items() if value is not None}
    naming = template.resolver.identity(declared.logical_id).naming
    if naming is not None:
        resolved.setdefault(*naming)
    return Resource(declared.logical_id, declared.type, reference, resolved)


def _is_written_out(declared: Declared) -> bool:
    """False for a state machine whose definition is in a file."""
    if declared.type != _MACHINE:
        return True
    return any(name in declared.properties for name in ("Definition", "DefinitionString"))


def _warn_of_files(template: Template) -> None:
    found = tuple(each for each in template.of_type(_MACHINE) if not _is_written_out(each))
    if found:
        _warn(template, _MACHINE, "not run without a definition in the template itself", found)


def _report_misspelt(template: Template) -> None:
    """Only of the family that is served: nobody knows all the others."""
    for declared in template.resources.values():
        if declared.type.startswith(_FAMILY) and declared.type not in API_TYPES:
            guess = did_you_mean(declared.type, API_TYPES)
            if guess:
                template.findings.problem(f"there is no resource type {declared.type}", declared.path, guess)


def _warn_of_triggers(template: Template) -> None:
    http = tuple(http_apis(template))
    if http:
        _warn(template, "AWS::ApiGatewayV2::Api", "HTTP APIs are not served", http)
    for kind, what in _TRIGGERS.items():
        found = tuple(template.of_type(kind))
        if found:
            _warn(template, kind, what, found)


def _warn_of_nested_stacks(template: Template) -> None:
    for kind in NESTED_STACKS:
        found = tuple(template.of_type(kind))
        if found:
            _warn(template, kind, "nested stacks are not opened", found)


def _warn(template: Template, kind: str, what: str, found: tuple[Declared, ...]) -> None:
    names = dict.fromkeys(template.findings.origin(declared.logical_id) for declared in found)
    line = min((template.findings.line(declared.path) or 0 for declared in found), default=0)
    template.findings.warning(f"{kind}: {what} ({', '.join(names)})", line=line or None)


def _warn_of_missing(template: Template) -> None:
    missing = dict.fromkeys(_missing(template))
    if missing:
        template.findings.warning(f"not created here, so handlers will not find them: {', '.join(missing)}")


def _missing(template: Template) -> Iterator[str]:
    elsewhere = {*CREATED, *_TRIGGERS, *NESTED_STACKS}
    for declared in template.resources.values():
        if declared.type not in elsewhere and not declared.type.startswith(_PLUMBING):
            yield f"{declared.type} ({template.findings.origin(declared.logical_id)})"
