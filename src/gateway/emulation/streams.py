"""AWS::Events::EventBus, AWS::Kinesis::Stream, AWS::Logs::LogGroup."""

from __future__ import annotations

from typing import Any, Final

from gateway.emulation.made import NEW, THERE, Made, created_unless, exists, name_of, tags_of
from gateway.emulation.session import Clients
from gateway.emulation.shapes import fitted
from gateway.model.definition import Resource

_WAIT: Final = {"Delay": 1, "MaxAttempts": 30}


def make_event_bus(clients: Clients, resource: Resource) -> Made:
    events = clients("events")
    values = {**resource.properties, "Name": name_of(resource, "Name"), "Tags": tags_of(resource)}
    values.pop("Policy", None)
    parameters = fitted(events, "CreateEventBus", values)
    return Made(created=created_unless(lambda: events.create_event_bus(**parameters), "ResourceAlreadyExistsException"))


def make_stream(clients: Clients, resource: Resource) -> Made:
    kinesis, name, properties = clients("kinesis"), name_of(resource, "Name"), resource.properties
    if exists(lambda: kinesis.describe_stream_summary(StreamName=name), "ResourceNotFoundException"):
        return THERE
    values: dict[str, Any] = {"StreamName": name, **properties}
    on_demand = (properties.get("StreamModeDetails") or {}).get("StreamMode") == "ON_DEMAND"
    if not on_demand:
        values.setdefault("ShardCount", 1)
    values["Tags"] = {tag["Key"]: tag["Value"] for tag in tags_of(resource)}
    kinesis.create_stream(**fitted(kinesis, "CreateStream", values))
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig=_WAIT)
    return NEW


def make_log_group(clients: Clients, resource: Resource) -> Made:
    logs, name = clients("logs"), name_of(resource, "LogGroupName")
    created = created_unless(lambda: logs.create_log_group(logGroupName=name), "ResourceAlreadyExistsException")
    days = resource.properties.get("RetentionInDays")
    if days is not None:
        logs.put_retention_policy(logGroupName=name, retentionInDays=int(days))
    return Made(created=created)
