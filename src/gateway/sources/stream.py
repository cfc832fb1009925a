"""A table's stream that calls a function: every shard in order, a parent before its children.

A batch that failed is tried again until it succeeds or is too old or was tried often enough; nothing of its shard
overtakes it.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gateway.model.event_source import EventSource, StartingPosition
from gateway.model.invocation import FunctionError, FunctionResult, Returned
from gateway.sources.backoff import Backoff, pause
from gateway.sources.batch import Caller, Record, failed_items
from gateway.sources.endpoint import Document, EndpointAway, Refused, SourceEndpoint

POLL_S: Final = 1.0  # between two looks at a stream without news
RETENTION_S: Final = 24 * 60 * 60  # AWS forgets records after a day
MAX_RECORDS: Final = 1_000  # AWS's for one GetRecords
_SERVICE: Final = "dynamodbstreams"


@dataclass(slots=True)
class _Shard:
    """``iterator`` is None when it must be asked for; ``last`` is the sequence number that was done last."""

    shard_id: str
    first: str
    iterator: str | None = None
    last: str | None = None
    is_done: bool = False


class NoStream(Exception):
    """The table has none; asked again, it may have got one."""


class StreamSource:
    """Reads one stream until told to stop; ``reading`` is set once its beginning is fixed, or cannot be had yet."""

    def __init__(self, caller: Caller, endpoint: SourceEndpoint, warned: Callable[[str], None]) -> None:
        self._source = caller.source
        self._caller = caller
        self._endpoint = endpoint
        self._warned = warned
        self._stopped = asyncio.Event()
        self._arn: str | None = None
        self._shards: dict[str, _Shard] = {}
        self.reading = asyncio.Event()

    def stop(self) -> None:
        """Read nothing more; a batch under way is finished, but not tried again."""
        self._stopped.set()

    async def run(self) -> None:
        backoff, told = Backoff(), ""
        while not self._stopped.is_set():
            delay_s = POLL_S
            try:
                if await self._round():
                    delay_s = 0
                backoff.reset()
                told = ""
            except EndpointAway:
                delay_s = backoff.next_s()
            except (Refused, NoStream) as error:
                self._begin_anew()
                delay_s = backoff.next_s()
                if str(error) != told:
                    told = str(error)
                    self._warned(f"the stream of table {self._source.name} cannot be read, trying on: {told}")
            self.reading.set()
            await pause(self._stopped, delay_s)

    def _begin_anew(self) -> None:
        """Iterators expire and streams are replaced; what was done stays known."""
        self._arn = None
        for shard in self._shards.values():
            shard.iterator = None

    async def _round(self) -> bool:
        """Look at every shard once; whether there was any news."""
        if self._arn is None or any(shard.is_done for shard in self._shards.values()):
            await self._discover()
        open_shards = [shard for shard in self._shards.values() if not shard.is_done]
        for shard in open_shards:
            if shard.iterator is None:
                shard.iterator = await self._iterator(shard)
        self.reading.set()
        found = [await self._read(shard) for shard in open_shards if not self._stopped.is_set()]
        return any(found)

    async def _discover(self) -> None:
        if self._arn is None:
            streams = (await self._endpoint.call(_SERVICE, "list_streams", TableName=self._source.name))["Streams"]
            if not streams:
                raise NoStream("it has none, see its StreamSpecification")
            self._arn = str(max(streams, key=lambda stream: str(stream["StreamLabel"]))["StreamArn"])
        is_first = not self._shards
        there = await self._described()
        for shard_id in [known for known in self._shards if known not in there]:
            del self._shards[shard_id]
        position = self._source.starting_position if is_first else StartingPosition.TRIM_HORIZON
        for shard_id, parent in there.items():
            pending = parent in there and not (parent in self._shards and self._shards[parent].is_done)
            if shard_id not in self._shards and not (pending and position is StartingPosition.TRIM_HORIZON):
                self._shards[shard_id] = _Shard(shard_id, position.value)

    async def _described(self) -> dict[str, str | None]:
        """Every shard's ID to its parent's."""
        found: dict[str, str | None] = {}
        start: Document = {}
        while True:
            answer = await self._endpoint.call(_SERVICE, "describe_stream", StreamArn=self._arn, **start)
            described = answer["StreamDescription"]
            found |= {shard["ShardId"]: shard.get("ParentShardId") for shard in described.get("Shards", ())}
            last = described.get("LastEvaluatedShardId")
            if not last:
                return found
            start = {"ExclusiveStartShardId": last}

    async def _iterator(self, shard: _Shard) -> str:
        where: Document = {"ShardIteratorType": shard.first}
        if shard.last is not None:
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": shard.last}
        answer = await self._endpoint.call(
            _SERVICE, "get_shard_iterator", StreamArn=self._arn, ShardId=shard.shard_id, **where
        )
        return str(answer["ShardIterator"])

    async def _read(self, shard: _Shard) -> bool:
        limit = min(self._source.batch_size, MAX_RECORDS)
        answer = await self._endpoint.call(_SERVICE, "get_records", ShardIterator=shard.iterator, Limit=limit)
        records: list[Document] = answer.get("Records") or []
        if records and not await self._deliver(records):
            return False  # stopped in between: the iterator stays where it was
        if records:
            shard.last = str(records[-1]["dynamodb"]["SequenceNumber"])
        shard.iterator = answer.get("NextShardIterator")
        shard.is_done = shard.iterator is None
        return bool(records) or shard.is_done

    async def _deliver(self, records: Sequence[Document]) -> bool:
        """True once nothing of the batch is left to try; False when stopped before."""
        backoff, left = Backoff(), [stream_record(self._source, record) for record in records]
        loop = asyncio.get_running_loop()
        too_old_at = loop.time() + (RETENTION_S if self._source.max_age_s is None else self._source.max_age_s)
        while left:
            result = await self._caller.call(left)
            before, left = len(left), self._left(result, left)
            if not left:
                break
            if len(left) < before:
                backoff.reset()
            delay_s = backoff.next_s()
            retries = self._source.max_retries
            if (retries is not None and backoff.failures > retries) or loop.time() + delay_s > too_old_at:
                self._warned(f"{len(left)} records of table {self._source.name} are given up: {_why(result)}")
                break
            if not isinstance(result, Returned | FunctionError) and backoff.failures == 1:
                self._warned(f"{self._source.function_name} gets records of {self._source.name} later: {_why(result)}")
            await pause(self._stopped, delay_s)
            if self._stopped.is_set():
                return False
        return True

    def _left(self, result: FunctionResult, records: list[Record]) -> list[Record]:
        """What has to be tried again: all from the first that failed."""
        numbers = [str(record["dynamodb"]["SequenceNumber"]) for record in records]
        failed = failed_items(self._source, result, numbers)
        first = next((at for at, number in enumerate(numbers) if number in failed), len(records))
        return records[first:]


def stream_record(source: EventSource, record: Document) -> Record:
    """A change as Lambda puts it into the event."""
    changed: Record = {name: _plain(value) for name, value in record["dynamodb"].items()}
    found: Record = {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": record.get("eventVersion", "1.1"),
        "eventSource": "aws:dynamodb",
        "awsRegion": source.region,
        "dynamodb": changed,
        "eventSourceARN": source.source_arn,
    }
    who = record.get("userIdentity")
    if who:
        found["userIdentity"] = {"principalId": who.get("PrincipalId"), "type": who.get("Type")}
    return found


def _plain(value: Any) -> Any:
    """JSON as DynamoDB writes it: binary values in base64, times in Unix seconds."""
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _why(result: FunctionResult) -> str:
    return str(getattr(result, "reason", None) or f"the function failed ({type(result).__name__})")
