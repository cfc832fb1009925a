"""Queues and tables at a moto, and somebody to tell, for tests of event sources."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Final

import boto3

from gateway.model.aws import AwsEndpoint
from gateway.model.event_source import EventSource
from gateway.model.ids import FunctionName
from gateway.ports import FunctionCall
from gateway.sources.sources import EventSources
from lambda_doubles import ScriptedFunctions
from node_doubles import CountingIds, RecordingReporter

REGION: Final = "eu-west-1"
ACCOUNT: Final = "123456789012"
DEADLINE_S: Final = 20.0
_NUMBERS = count(1)


class Told(RecordingReporter):
    """Remembers warnings, and can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = asyncio.Event()

    def warned(self, text: str) -> None:
        super().warned(text)
        self._changed.set()

    @property
    def warnings(self) -> list[str]:
        return [line[1] for line in self.told if line[0] == "warned"]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


class Cloud:
    """boto3 at one moto, in the region and with the names that sources get."""

    def __init__(self, url: str) -> None:
        make: Any = boto3.client
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
        self.endpoint = AwsEndpoint(url, REGION)
        self.sqs = make("sqs", endpoint_url=url, **keys)
        self.dynamodb = make("dynamodb", endpoint_url=url, **keys)

    def queue(self, **attributes: str) -> str:
        """The URL of a queue nobody else uses."""
        return str(self.sqs.create_queue(QueueName=fresh(attributes), Attributes=attributes)["QueueUrl"])

    def table(self) -> str:
        """The name of a table with a stream that nobody else uses."""
        name = fresh({})
        self.dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        return name

    def put(self, table: str, *ids: str) -> None:
        for each in ids:
            self.dynamodb.put_item(TableName=table, Item={"id": {"S": each}})

    async def until_empty(self, url: str) -> None:
        """No message waits in the queue or is being handled; the question takes time of its own."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        async with asyncio.timeout(DEADLINE_S):
            while set(await asyncio.to_thread(self._attributes, url, names)) != {"0"}:
                pass

    def _attributes(self, url: str, names: list[str]) -> list[str]:
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return [found[name] for name in names]


def fresh(attributes: dict[str, str]) -> str:
    """A name no other test of any process uses."""
    suffix = ".fifo" if attributes.get("FifoQueue") == "true" else ""
    return f"sources-{os.getpid()}-{next(_NUMBERS)}{suffix}"


def of_queue(url: str, function: str = "f", **changes: Any) -> EventSource:
    name = url.rpartition("/")[2]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    return EventSource("Source", FunctionName(function), arn, **{"batch_size": 10, **changes})


def of_table(name: str, function: str = "f", **changes: Any) -> EventSource:
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}/stream/2024-01-01T00:00:00.000"
    return EventSource("Source", FunctionName(function), arn, **{"batch_size": 100, **changes})


@asynccontextmanager
async def reading(
    endpoint: AwsEndpoint, functions: ScriptedFunctions, *sources: EventSource
) -> AsyncIterator[tuple[EventSources, Told]]:
    """These sources read; afterwards nothing went wrong inside."""
    told = Told()
    made = EventSources(functions, endpoint, CountingIds(), told)
    try:
        await made.replace(sources)
        yield made, told
    finally:
        await made.close()
    assert "failed" not in told.kinds(), told.told


def records(call: FunctionCall) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(call.payload)["Records"]
    return found


def bodies(calls: Sequence[FunctionCall]) -> list[list[str]]:
    return [[record["body"] for record in records(call)] for call in calls]


def keys(calls: Sequence[FunctionCall]) -> list[list[str]]:
    return [[record["dynamodb"]["Keys"]["id"]["S"] for record in records(call)] for call in calls]
