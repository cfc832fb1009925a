"""AWS::SQS::Queue, AWS::SNS::Topic, AWS::SNS::Subscription."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.emulation.made import NEW, THERE, Made, exists, name_of, tags_of
from gateway.emulation.session import Client, Clients
from gateway.emulation.shapes import attributes, truth
from gateway.model.definition import Resource

_NOT_ATTRIBUTES: Final = frozenset({"QueueName", "TopicName", "Tags", "Subscription", "DataProtectionPolicy"})
_FIFO: Final = ("FifoQueue", "FifoTopic")  # may be set to true only, and only when created
_REDRIVE: Final = ("RedrivePolicy", "RedriveAllowPolicy")  # name other queues, which must be there
_SUBSCRIPTION: Final = (
    "DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy", "ReplayPolicy",
    "SubscriptionRoleArn",
)  # fmt: skip
WIRED_PROTOCOLS: Final = frozenset({"sqs", "http", "https"})


def make_queue(clients: Clients, resource: Resource) -> Made:
    """The queue without its redrive policies; an existing one takes over the attributes that may change."""
    sqs, name = clients("sqs"), name_of(resource, "QueueName", "/")
    wanted = _attributes(resource.properties, skip=_REDRIVE)
    if exists(lambda: sqs.get_queue_url(QueueName=name), "NonExistentQueue", "QueueDoesNotExist"):
        changeable = {key: value for key, value in wanted.items() if key not in _FIFO}
        if changeable:
            sqs.set_queue_attributes(QueueUrl=_url(sqs, name), Attributes=changeable)
        return THERE
    sqs.create_queue(QueueName=name, Attributes=wanted, tags={t["Key"]: t["Value"] for t in tags_of(resource)})
    return NEW


def has_redrive(resource: Resource) -> bool:
    """Whether ``redrive_queue`` has anything to do."""
    return any(resource.properties.get(name) for name in _REDRIVE)


def redrive_queue(clients: Clients, resource: Resource) -> Made:
    """The policies that name other queues, once every queue is there."""
    sqs = clients("sqs")
    policies = {name: resource.properties[name] for name in _REDRIVE if resource.properties.get(name)}
    url = _url(sqs, name_of(resource, "QueueName", "/"))
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes(policies))
    return THERE


def make_topic(clients: Clients, resource: Resource) -> Made:
    """The topic, without the subscriptions it may list."""
    sns = clients("sns")
    there = exists(lambda: sns.get_topic_attributes(TopicArn=resource.physical_id), "NotFound", "NotFoundException")
    wanted = _attributes(resource.properties, skip=("ArchivePolicy", "DeliveryStatusLogging"))
    sns.create_topic(Name=name_of(resource, "TopicName", ":"), Attributes=wanted, Tags=tags_of(resource))
    return THERE if there else NEW


def make_listed_subscriptions(clients: Clients, resource: Resource) -> Made:
    """The subscriptions in a topic's own list."""
    listed = resource.properties.get("Subscription") or []
    made = [_subscribe(clients("sns"), resource.physical_id, entry) for entry in listed]
    return Made(created=any(m.created for m in made), notes=tuple(note for m in made for note in m.notes))


def make_subscription(clients: Clients, resource: Resource) -> Made:
    """A subscription of a topic; SNS itself ignores a repeat."""
    return _subscribe(clients("sns"), str(resource.properties.get("TopicArn", "")), resource.properties)


def _subscribe(sns: Client, topic: str, properties: Mapping[str, Any]) -> Made:
    protocol, endpoint = str(properties.get("Protocol", "")), str(properties.get("Endpoint", ""))
    if protocol not in WIRED_PROTOCOLS:
        what = f"{protocol} {endpoint}" if protocol != "lambda" else f"the function {endpoint.rpartition(':')[2]}"
        return Made(created=False, notes=(f"messages of {topic.rpartition(':')[2]} do not reach {what} here",))
    options = {name: properties[name] for name in _SUBSCRIPTION if properties.get(name) is not None}
    known = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    there = any(each["Endpoint"] == endpoint and each["Protocol"] == protocol for each in known)
    sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint, Attributes=attributes(options))
    return THERE if there else NEW


def _attributes(properties: Mapping[str, Any], skip: tuple[str, ...]) -> dict[str, str]:
    wanted = {name: value for name, value in properties.items() if name not in _NOT_ATTRIBUTES and name not in skip}
    return attributes({name: value for name, value in wanted.items() if name not in _FIFO or truth(value)})


def _url(sqs: Client, name: str) -> str:
    return str(sqs.get_queue_url(QueueName=name)["QueueUrl"])
