"""AWS::Lambda::EventSourceMapping: queues and streams of this template that call functions.

What cannot call a function here is named in a warning; nothing of it stops a template, for no route depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from gateway.model.event_source import EventSource, StartingPosition
from gateway.model.function import Function
from gateway.model.ids import FunctionName
from gateway.template.declared import Declared
from gateway.template.lambda_identities import split_function
from gateway.template.properties import Properties
from gateway.template.template import Template
from gateway.template.unresolvable import Unresolvable

_SOURCES: Final = {"AWS::SQS::Queue": "Arn", "AWS::DynamoDB::Table": "StreamArn"}
_MAPPING: Final = "AWS::Lambda::EventSourceMapping"
_QUEUE_BATCH: Final = 10
_STREAM_BATCH: Final = 100
_MAX_BATCH: Final = 10_000
_MAX_RETRIES: Final = 10_000
_MAX_AGE_S: Final = 604_800
_PARTIAL: Final = "ReportBatchItemFailures"
_UNSUPPORTED: Final = (
    "BisectBatchOnFunctionError", "DestinationConfig", "FilterCriteria", "MaximumBatchingWindowInSeconds",
    "ParallelizationFactor", "ScalingConfig", "TumblingWindowInSeconds",
)  # fmt: skip


def read_event_sources(template: Template, functions: Mapping[FunctionName, Function]) -> tuple[EventSource, ...]:
    """Every mapping that can be served, in the template's order."""
    known = frozenset(_arns(template))
    found = (_event_source(template, declared, functions, known) for declared in template.of_type(_MAPPING))
    return tuple(source for source in found if source is not None)


def _arns(template: Template) -> Iterator[str]:
    for declared in template.of_type(*_SOURCES):
        try:
            yield template.resolver.identity(declared.logical_id).attributes[_SOURCES[declared.type]]
        except Unresolvable:
            continue  # told where the resource itself is read


def _event_source(
    template: Template, declared: Declared, functions: Mapping[FunctionName, Function], known: frozenset[str]
) -> EventSource | None:
    findings = template.findings.draft()
    properties = template.properties(declared, findings)
    arn, function = properties.text("EventSourceArn"), properties.required("FunctionName")
    if not findings.problems and arn not in known:
        what = "only queues and tables' streams of this template call functions here"
        properties.warning(f"{_MAPPING}: {what}, not {arn or 'other sources'}")
    source = _read(declared, properties, arn, function) if arn in known and arn and function else None
    if source is not None and not _can_be_called(source, functions):
        if template.options.remote_functions:
            return _of_function_elsewhere(source, function or "")
        properties.warning(f"{source.name} calls no function: {source.function_name!r} is not served here")
        source = None
    template.findings.take(findings, instead_of_stopping="the event source is left out")
    return None if findings.problems else source


def _read(declared: Declared, properties: Properties, arn: str, function: str) -> EventSource:
    unsupported = [name for name in _UNSUPPORTED if not properties.is_absent(name)]
    if unsupported:
        properties.warning(f"{_MAPPING}: {', '.join(unsupported)} has no effect here")
    name, qualifier = split_function(function)
    is_queue = arn.split(":")[2] == "sqs"
    default = _QUEUE_BATCH if is_queue else _STREAM_BATCH
    enabled = properties.boolean("Enabled")
    return EventSource(
        logical_id=declared.logical_id,
        function_name=FunctionName(name),
        source_arn=arn,
        batch_size=properties.integer("BatchSize", 1, _MAX_BATCH) or default,
        enabled=enabled is not False,
        starting_position=properties.choice("StartingPosition", StartingPosition) or StartingPosition.LATEST,
        reports_batch_item_failures=_PARTIAL in (properties.texts("FunctionResponseTypes") or ()),
        qualifier=qualifier,
        max_retries=_bound(properties, "MaximumRetryAttempts", _MAX_RETRIES),
        max_age_s=_bound(properties, "MaximumRecordAgeInSeconds", _MAX_AGE_S),
    )


def _of_function_elsewhere(source: EventSource, function: str) -> EventSource:
    """Its name is then what the template calls it by, without the qualifier."""
    unqualified = function.removesuffix(f":{source.qualifier}") if source.qualifier else function
    return replace(source, function_name=FunctionName(unqualified))


def _bound(properties: Properties, name: str, high: int) -> int | None:
    """AWS writes "without end" as -1."""
    return None if properties.value(name) in (-1, "-1") else properties.integer(name, 0, high)


def _can_be_called(source: EventSource, functions: Mapping[FunctionName, Function]) -> bool:
    function = functions.get(source.function_name)
    if function is None:
        return False
    return source.qualifier in (None, "$LATEST", *function.versions, *function.aliases)
