"""What became of a resource, and the words its makers share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from gateway.emulation.session import Clients
from gateway.model.definition import Resource


@dataclass(frozen=True, slots=True)
class Made:
    """``created`` is false when it was there already; ``notes`` say what of it does not work here, a line each."""

    created: bool
    notes: tuple[str, ...] = ()


Make = Callable[[Clients, Resource], Made]
THERE: Final = Made(created=False)
NEW: Final = Made(created=True)


def name_of(resource: Resource, name_property: str, separator: str | None = None) -> str:
    """The physical name: the property, else the last part of the physical ID after ``separator``."""
    name = resource.properties.get(name_property)
    if name:
        return str(name)
    return resource.physical_id.rpartition(separator)[2] if separator else resource.physical_id


def code_of(error: ClientError) -> str:
    """AWS's code of an error, without the ``AWS.SimpleQueueService.`` kind of prefix."""
    return str(error.response.get("Error", {}).get("Code", "")).rpartition(".")[2]


def exists(call: Callable[[], Any], *absent: str) -> bool:
    """Whether a describing call finds its resource; ``absent`` are the codes that say it is not there."""
    try:
        call()
    except ClientError as error:
        if code_of(error) in absent:
            return False
        raise
    return True


def created_unless(call: Callable[[], Any], *present: str) -> bool:
    """Whether a creating call created something; ``present`` are the codes that say it was there."""
    try:
        call()
    except ClientError as error:
        if code_of(error) in present:
            return False
        raise
    return True


def tags_of(resource: Resource) -> list[dict[str, str]]:
    """CloudFormation's list of tags with values as strings; types that take a map instead are turned into one."""
    tags = resource.properties.get("Tags") or []
    if isinstance(tags, dict):
        return [{"Key": str(key), "Value": str(value)} for key, value in tags.items()]
    return [{"Key": str(tag["Key"]), "Value": str(tag.get("Value", ""))} for tag in tags]
