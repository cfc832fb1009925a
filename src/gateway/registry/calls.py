"""The operations of DynamoDB on the fleet's one table that nodes ask for while they serve, on the loop.

Text, signature and HTTP are this room's own: pynamodb and botocore would take most of what a connect costs, and 30 MB
of each process. Each call is one request, tried once; whether to try again is up to whoever knows the deadline.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.model.aws import AwsEndpoint
from gateway.model.errors import RegistryUnavailable
from gateway.registry.batch_write import error_in
from gateway.registry.failures import failure
from gateway.registry.http_pool import HttpPool
from gateway.registry.keys import RawItem
from gateway.registry.patience import TableClosed
from gateway.registry.place import Place, find_place, tls_for
from gateway.registry.signed_head import SignedHead
from gateway.registry.table_settings import TableSettings, Timeouts
from gateway.registry.threads import Threads

LOOKUP_THREADS: Final = 1  # for names and keys: those may block
_CONDITION_FAILED: Final = "ConditionalCheckFailedException"
_NOT_FOUND: Final = "ResourceNotFoundException"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Items as DynamoDB types them; ``next_key`` continues the Query, None on the last page."""

    items: tuple[RawItem, ...]
    next_key: RawItem | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as DynamoDB told it."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class _Way:
    """How a request gets there."""

    place: Place
    pool: HttpPool


class Calls:
    """One table at one endpoint. To be made inside a running loop.

    Raises RegistryUnavailable when DynamoDB cannot be reached or will not serve now, RecordRejected when it will never
    take what it was given.
    """

    def __init__(self, endpoint: AwsEndpoint, settings: TableSettings, timeouts: Timeouts | None = None) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._timeouts = timeouts or Timeouts()
        self._threads = Threads(LOOKUP_THREADS, "registry-lookup")
        self._way: _Way | None = None
        self._heads: dict[str, SignedHead] = {}
        self._closed = False

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def where(self) -> str:
        """The table, as a person is told."""
        return f"DynamoDB table {self.name} at {self._endpoint.place}"

    async def ask(self, operation: str, body: bytes) -> Any:
        """The document that answers ``body``, a request's whole text."""
        answer = await self._answer(operation, body)
        if isinstance(answer, Refusal):
            raise self._refused(operation, answer)
        return answer

    async def of_table(self, operation: str, **members: Any) -> dict[str, Any]:
        """The same of a request about the table, whose name is added."""
        answer = await self.ask(operation, self._body(members))
        assert isinstance(answer, dict)
        return answer

    async def change(self, operation: str, members: Document) -> bool:
        """One conditional write; False when its condition does not hold."""
        answer = await self._answer(operation, self._body(members))
        if not isinstance(answer, Refusal):
            return True
        if answer.code == _CONDITION_FAILED:
            return False
        raise self._refused(operation, answer)

    async def exists(self) -> bool:
        """Whether the table is there and serves."""
        answer = await self._answer("DescribeTable", self._body({}))
        if isinstance(answer, Refusal) and answer.code != _NOT_FOUND:
            raise self._refused("DescribeTable", answer)
        return not isinstance(answer, Refusal)

    async def page(self, partition: str, prefix: str, start: RawItem | None) -> Page:
        """One page of a strongly consistent Query: what is under ``partition`` and sorts under ``prefix``."""
        asked: dict[str, Any] = {
            "KeyConditionExpression": "#0 = :0 AND begins_with (#1, :1)",
            "ExpressionAttributeNames": {"#0": "pk", "#1": "sk"},
            "ExpressionAttributeValues": {":0": {"S": partition}, ":1": {"S": prefix}},
            "ConsistentRead": True,
        }
        if self._settings.page_size is not None:
            asked["Limit"] = self._settings.page_size
        if start is not None:
            asked["ExclusiveStartKey"] = start
        answer = await self.of_table("Query", **asked)
        return Page(tuple(answer.get("Items", ())), answer.get("LastEvaluatedKey"))

    def close(self) -> None:
        """Drop every connection and take no more."""
        self._closed = True
        self._threads.close()
        if self._way is not None:
            self._way.pool.close()

    def _body(self, members: Document) -> bytes:
        return json.dumps({"TableName": self.name, **members}, separators=(",", ":")).encode("ascii")

    def _refused(self, operation: str, answer: Refusal) -> RegistryUnavailable:
        why = f"an error occurred ({answer.code}) when calling {operation}: {answer.message}"
        return failure(self.where, answer.code, why)

    async def _answer(self, operation: str, body: bytes) -> Any | Refusal:
        """The document, or what DynamoDB has against the request."""
        if self._closed:
            raise TableClosed
        way = self._way
        if way is None:
            way = await self._threads.run(self._find)
        keys = way.place.fresh_keys()
        if keys is None:
            keys = await self._threads.run(way.place.renewed_keys)
        head = self._heads.get(operation)
        if head is None:
            head = self._heads[operation] = SignedHead(way.place.url, self._endpoint.region, operation)
        try:
            answer = await way.pool.ask(head.of(body, keys, time.time()) + body)
        except ConnectionError as error:
            raise RegistryUnavailable(f"{self.where}: {error}") from error
        if answer.status != 200:
            return Refusal(*error_in(answer.status, answer.body))
        try:
            return json.loads(answer.body)
        except ValueError as error:
            raise RegistryUnavailable(f"{self.where}: the answer is not DynamoDB's: {error!r}") from error

    def _find(self) -> _Way:
        """Blocks, in the one thread for it. Only what was found is remembered: keys may come later."""
        if self._way is None:
            place = find_place(self._endpoint, self.where)
            tls = tls_for(self._endpoint) if place.url.startswith("https:") else None
            self._way = _Way(place, HttpPool(place.url, tls, self._timeouts, self._threads))
        return self._way
