"""Everything a template declares, ready to be served: APIs, functions and the resources handlers expect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.model.api import Api
from gateway.model.event_source import EventSource
from gateway.model.function import Function
from gateway.model.ids import FunctionName
from gateway.model.plan import ApiKey, DomainName, UsagePlan
from gateway.model.problem import Problem


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource to create before handlers run: CloudFormation type and properties, intrinsics resolved.

    ``physical_id`` is what ``Ref`` gave everybody else (a table's name, a queue's URL, a topic's ARN).
    """

    logical_id: str
    type: str
    physical_id: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Definition:
    """``warnings`` never stop anything; ``path`` is the template's path as the user gave it."""

    path: str
    stack_name: str
    region: str
    account_id: str
    apis: tuple[Api, ...]
    functions: Mapping[FunctionName, Function]
    resources: tuple[Resource, ...] = ()
    usage_plans: tuple[UsagePlan, ...] = ()
    api_keys: tuple[ApiKey, ...] = ()
    domain_names: tuple[DomainName, ...] = ()
    event_sources: tuple[EventSource, ...] = ()
    warnings: tuple[Problem, ...] = field(default=())
