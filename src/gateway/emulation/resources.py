"""Creates what a template declares at an AWS endpoint, so that handlers find it.

In two steps, each in parallel: everything that stands alone, then what names other resources (redrive policies,
subscriptions, notifications). Existing resources are fine: the endpoint may be one that remembers, and after a change
of the template everything is asked for again. Nothing is ever deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

from gateway.emulation.machines import make_state_machine
from gateway.emulation.made import Made, Make
from gateway.emulation.messaging import (
    has_redrive,
    make_listed_subscriptions,
    make_queue,
    make_subscription,
    make_topic,
    redrive_queue,
)
from gateway.emulation.session import Clients
from gateway.emulation.stores import (
    has_notifications,
    make_bucket,
    make_key,
    make_parameter,
    make_secret,
    notify_from_bucket,
)
from gateway.emulation.streams import make_event_bus, make_log_group, make_stream
from gateway.emulation.tables import make_table
from gateway.model.aws import AwsEndpoint
from gateway.model.definition import Resource
from gateway.model.errors import UserError
from gateway.model.problem import Problem

THREADS: Final = 4  # an emulator is one process, mostly on one core

_FIRST: Final[dict[str, Make]] = {
    "AWS::DynamoDB::GlobalTable": make_table,
    "AWS::DynamoDB::Table": make_table,
    "AWS::Events::EventBus": make_event_bus,
    "AWS::KMS::Key": make_key,
    "AWS::Kinesis::Stream": make_stream,
    "AWS::Logs::LogGroup": make_log_group,
    "AWS::S3::Bucket": make_bucket,
    "AWS::SNS::Topic": make_topic,
    "AWS::SQS::Queue": make_queue,
    "AWS::SSM::Parameter": make_parameter,
    "AWS::SecretsManager::Secret": make_secret,
    "AWS::StepFunctions::StateMachine": make_state_machine,
}
CREATED_TYPES: Final = frozenset({*_FIRST, "AWS::SNS::Subscription"})


@dataclass(frozen=True, slots=True)
class Creation:
    """What became of a template's resources. ``unknown`` are those of types nobody here creates; ``notes`` what was
    created but does not work in full; ``failures`` name logical ID, type and AWS's own message."""

    created: tuple[Resource, ...] = ()
    existing: tuple[Resource, ...] = ()
    unknown: tuple[Resource, ...] = ()
    notes: tuple[Problem, ...] = ()
    failures: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Step:
    """One maker for one resource, and how it ended: ``made`` or ``failure``."""

    resource: Resource
    made: Made | None = None
    failure: str | None = None


class ResourceCreator:
    """Creates resources at one endpoint. Blocking calls run in ``THREADS`` threads of its own."""

    def __init__(self, endpoint: AwsEndpoint) -> None:
        self._endpoint = endpoint
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="aws-resources")
        self._clients = Clients(endpoint, THREADS)

    async def create(self, resources: Iterable[Resource]) -> Creation:
        """Create what is not there. Raises UserError when nobody answers at the endpoint."""
        wanted = tuple(resources)
        known = [resource for resource in wanted if resource.type in CREATED_TYPES]
        first = await self._run([(_FIRST[r.type], r) for r in known if r.type in _FIRST])
        there = {step.resource.logical_id for step in first if step.failure is None}
        later = await self._run(
            [(make, r) for make, r in _second(known) if r.type not in _FIRST or r.logical_id in there]
        )
        return _creation(wanted, first, later)

    async def close(self) -> None:
        """Let go of threads and sockets."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._clients.close()

    async def _run(self, work: Sequence[tuple[Make, Resource]]) -> list[_Step]:
        loop = asyncio.get_running_loop()
        return list(await asyncio.gather(*(loop.run_in_executor(self._threads, self._one, *each) for each in work)))

    def _one(self, make: Make, resource: Resource) -> _Step:
        try:
            return _Step(resource, make(self._clients, resource))
        except (ConnectionError, HTTPClientError) as error:
            raise UserError(
                f"no AWS endpoint answers at {self._endpoint.url}: {error}",
                "start it, or leave --endpoint-url out to use the embedded one",
            ) from error
        except ClientError as error:
            return _Step(resource, failure=_line(error.response.get("Error", {}).get("Message") or error))
        except BotoCoreError as error:
            return _Step(resource, failure=_line(error))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # What a template says of a resource may have any shape, and our reading of it trips over that.
            return _Step(resource, failure=_line(f"its properties make no sense ({type(error).__name__}: {error})"))


def _second(resources: Sequence[Resource]) -> list[tuple[Make, Resource]]:
    work: list[tuple[Make, Resource]] = []
    for resource in resources:
        if resource.type == "AWS::SQS::Queue" and has_redrive(resource):
            work.append((redrive_queue, resource))
        elif resource.type == "AWS::S3::Bucket" and has_notifications(resource):
            work.append((notify_from_bucket, resource))
        elif resource.type == "AWS::SNS::Topic" and resource.properties.get("Subscription"):
            work.append((make_listed_subscriptions, resource))
        elif resource.type == "AWS::SNS::Subscription":
            work.append((make_subscription, resource))
    return work


def _creation(wanted: Sequence[Resource], first: Sequence[_Step], later: Sequence[_Step]) -> Creation:
    steps = [*first, *later]
    failed = {step.resource.logical_id for step in steps if step.failure is not None}
    new = {step.resource.logical_id for step in steps if step.made is not None and step.made.created} - failed
    known = [resource for resource in wanted if resource.type in CREATED_TYPES and resource.logical_id not in failed]
    return Creation(
        created=tuple(resource for resource in known if resource.logical_id in new),
        existing=tuple(resource for resource in known if resource.logical_id not in new),
        unknown=tuple(resource for resource in wanted if resource.type not in CREATED_TYPES),
        notes=tuple(_problem(step.resource, note) for step in steps if step.made for note in step.made.notes),
        failures=tuple(
            _problem(step.resource, f"{step.resource.type} could not be created: {step.failure}")
            for step in steps
            if step.failure is not None
        ),
    )


def _line(text: object) -> str:
    return " ".join(str(text).split())


def _problem(resource: Resource, message: str) -> Problem:
    return Problem(message, logical_id=resource.logical_id)
