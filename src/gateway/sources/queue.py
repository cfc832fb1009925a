"""A queue that calls a function: messages received, handed over, and deleted once the function has done them.

A message that failed is left alone: it reappears after the queue's visibility timeout, and the queue's redrive policy
counts. A FIFO queue has one batch under way at a time, which keeps the order of every group.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from gateway.model.event_source import EventSource
from gateway.model.invocation import FunctionError, FunctionResult, Returned
from gateway.sources.backoff import Backoff, pause
from gateway.sources.batch import Caller, Record, failed_items
from gateway.sources.endpoint import Document, EndpointAway, Refused, SourceEndpoint
from gateway.tasks import Tasks

WAIT_S: Final = 1  # of one long poll: also how long a stopped source's last one may take to end
MAX_RECEIVED: Final = 10  # AWS's for one ReceiveMessage
CONCURRENT_BATCHES: Final = 5  # of a standard queue; AWS begins with as many


class QueueSource:
    """Reads one queue until it is told to stop."""

    def __init__(self, caller: Caller, endpoint: SourceEndpoint, warned: Callable[[str], None], tasks: Tasks) -> None:
        self._source = caller.source
        self._caller = caller
        self._endpoint = endpoint
        self._warned = warned
        self._tasks = tasks
        self._slots = asyncio.Semaphore(1 if self._source.is_fifo else CONCURRENT_BATCHES)
        self._url: str | None = None
        self._stopped = asyncio.Event()
        self.reading = asyncio.Event()
        self.reading.set()  # a queue keeps its messages: nobody has to wait for its reader

    def stop(self) -> None:
        """Receive nothing more; batches under way are finished."""
        self._stopped.set()

    async def run(self) -> None:
        backoff, told = Backoff(), ""
        while not self._stopped.is_set():
            await self._slots.acquire()
            if self._stopped.is_set():
                return
            messages: list[Document] = []
            try:
                messages = await self._receive()
                backoff.reset()
                told = ""
            except EndpointAway:
                await pause(self._stopped, backoff.next_s())
            except Refused as error:
                self._url = None
                if str(error) != told:
                    told = str(error)
                    self._warned(f"queue {self._source.name} cannot be read, trying on: {told}")
                await pause(self._stopped, backoff.next_s())
            finally:
                if not messages:
                    self._slots.release()
            if messages and self._stopped.is_set():
                await self._give_back(messages)
            elif messages:
                self._tasks.start(self._hand_over(messages), f"a batch of queue {self._source.name}")

    async def _receive(self) -> list[Document]:
        if self._url is None:
            found = await self._endpoint.call("sqs", "get_queue_url", QueueName=self._source.name)
            self._url = str(found["QueueUrl"])
        answer = await self._endpoint.call(
            "sqs",
            "receive_message",
            QueueUrl=self._url,
            MaxNumberOfMessages=min(self._source.batch_size, MAX_RECEIVED),
            WaitTimeSeconds=WAIT_S,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages") or ())

    async def _hand_over(self, messages: Sequence[Document]) -> None:
        try:
            result = await self._caller.call([queue_record(self._source, message) for message in messages])
            self._tell(result, len(messages))
            failed = failed_items(self._source, result, [message["MessageId"] for message in messages])
            await self._delete([message for message in messages if message["MessageId"] not in failed])
        finally:
            self._slots.release()

    async def _give_back(self, messages: Sequence[Document]) -> None:
        """What came when this reader was stopped already is for the one after it."""
        entries = [
            {"Id": str(at), "ReceiptHandle": each["ReceiptHandle"], "VisibilityTimeout": 0}
            for at, each in enumerate(messages)
        ]
        with suppress(EndpointAway, Refused):  # they reappear in any case, only later
            await self._endpoint.call("sqs", "change_message_visibility_batch", QueueUrl=self._url, Entries=entries)

    async def _delete(self, messages: Sequence[Document]) -> None:
        if not messages:
            return
        entries = [{"Id": str(at), "ReceiptHandle": each["ReceiptHandle"]} for at, each in enumerate(messages)]
        try:
            await self._endpoint.call("sqs", "delete_message_batch", QueueUrl=self._url, Entries=entries)
        except EndpointAway:
            return  # told already; the messages come again
        except Refused as error:
            self._warned(f"messages of queue {self._source.name} cannot be deleted and come again: {error}")

    def _tell(self, result: FunctionResult, count: int) -> None:
        """A handler's own failure is told by whoever runs it."""
        if not isinstance(result, Returned | FunctionError):
            why = getattr(result, "reason", type(result).__name__)
            source = self._source
            self._warned(f"{source.function_name} did not get {count} messages of {source.name}, they stay: {why}")


def queue_record(source: EventSource, message: Document) -> Record:
    """A received message as Lambda puts it into the event."""
    given: dict[str, dict[str, Any]] = message.get("MessageAttributes") or {}
    record: Record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes") or {}),
        "messageAttributes": {name: _attribute(value) for name, value in given.items()},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": source.source_arn,
        "awsRegion": source.region,
    }
    if "MD5OfMessageAttributes" in message:
        record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return record


def _attribute(value: dict[str, Any]) -> Record:
    found: Record = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "StringValue" in value:
        found["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        found["binaryValue"] = b64encode(value["BinaryValue"]).decode()
    return found
