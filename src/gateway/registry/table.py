"""Blocking calls against the one table, for a thread of the registry's own.

Translates: records to items and back, pynamodb's and botocore's exceptions to the two that matter here. It tries each
call once; whether and when to try again is the writer's decision, who knows the deadline.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session
from pynamodb.connection.base import Connection as DynamoDb
from pynamodb.connection.base import MetaTable
from pynamodb.exceptions import PynamoDBException, TableDoesNotExist
from pynamodb.expressions.operand import Path

from gateway.model.aws import AwsEndpoint
from gateway.model.connection import Connection
from gateway.model.errors import RegistryUnavailable
from gateway.model.ids import ConnectionId, NodeNumber
from gateway.registry.batches import Key, RecordRejected
from gateway.registry.records import (
    CONNECTION_PREFIX,
    DEFAULT_TABLE,
    TTL_ATTRIBUTE,
    connection_of,
    item_of,
    key_of,
    partition_of,
)
from gateway.registry.session import session_for

CONNECT_TIMEOUT_S: Final = 1.0  # a DynamoDB that does not answer a SYN in this time is away
READ_TIMEOUT_S: Final = 2.0  # DynamoDB answers in 10 ms; SDKs wait 60 s, too long for a held upgrade
TABLE_READY_TIMEOUT_S: Final = 60.0  # a new table is ACTIVE after 5-20 s on AWS, at once on emulators
TABLE_POLL_S: Final = 0.5
KEEP_S: Final = 30 * 24 * 3600  # AWS's connections live 2 h

_SCHEMA: Final = {
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
}
# DynamoDB looked at what we sent and will never take it; everything else may go away by itself.
_REJECTED_CODES: Final = {"ValidationException", "SerializationException", "ItemCollectionSizeLimitExceededException"}

_LIBRARY_ERRORS = (PynamoDBException, BotoCoreError, ClientError)


@dataclass(frozen=True, slots=True)
class TableSettings:
    """``keep_s``: seconds after its connect when DynamoDB may drop a record by itself, None for never; must be longer
    than any connection lives. ``page_size``: records read at once, None for as many as fit DynamoDB's 1 MB."""

    name: str = DEFAULT_TABLE
    keep_s: int | None = KEEP_S
    page_size: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """``next_key`` continues the Query, None on the last page."""

    connections: tuple[Connection, ...]
    next_key: dict[str, Any] | None


class _Connection(DynamoDb):
    """pynamodb's low-level connection on this room's session instead of one made from the environment."""

    def __init__(self, endpoint: AwsEndpoint, max_connections: int) -> None:
        super().__init__(
            region=endpoint.region,
            host=endpoint.url,
            connect_timeout_seconds=CONNECT_TIMEOUT_S,
            read_timeout_seconds=READ_TIMEOUT_S,
            max_retry_attempts=0,
            max_pool_connections=max_connections,
        )
        self._our_session = session_for(endpoint)

    @property
    def session(self) -> Session:
        return self._our_session


class ConnectionTable:
    """The table of one fleet. Every method blocks and may be called from several threads at once.

    Raises RegistryUnavailable when DynamoDB cannot be reached or will not serve now, RecordRejected when it will never
    take what it was given.
    """

    def __init__(self, endpoint: AwsEndpoint, settings: TableSettings, max_connections: int) -> None:
        self._endpoint = endpoint
        self._name = settings.name
        self._keep_s = settings.keep_s
        self._page_size = settings.page_size
        self._max_connections = max_connections
        self._lock = Lock()
        self._made: _Connection | None = None

    def ensure(self, sleep: Callable[[float], None] = time.sleep) -> bool:
        """Create the table unless it exists, wait until it serves; True when it was created."""
        try:
            dynamodb = self._dynamodb()
            created = not self._exists(dynamodb) and self._create(dynamodb)
            self._wait_until_active(dynamodb, sleep)
        except _LIBRARY_ERRORS as error:
            raise self._translate(error) from error
        if created:
            self._enable_ttl(dynamodb)
        return created

    def write(self, puts: Sequence[Connection], deletes: Sequence[Key]) -> frozenset[Key]:
        """One BatchWriteItem of at most 25 different keys; returns the keys DynamoDB left unprocessed."""
        try:
            answer = self._dynamodb().batch_write_item(
                self._name,
                put_items=[item_of(connection, self._keep_s) for connection in puts],
                delete_items=[key_of(owner, connection_id) for owner, connection_id in deletes],
            )
        except _LIBRARY_ERRORS as error:
            raise self._translate(error) from error
        return frozenset(_key_in(request) for request in answer.get("UnprocessedItems", {}).get(self._name, ()))

    def page(self, owner: NodeNumber, start: dict[str, Any] | None) -> Page:
        """One page of a strongly consistent Query of everything ``owner`` holds."""
        try:
            answer = self._dynamodb().query(
                self._name,
                partition_of(owner),
                range_key_condition=Path("sk").startswith(CONNECTION_PREFIX),
                consistent_read=True,
                exclusive_start_key=start,
                limit=self._page_size,
            )
        except _LIBRARY_ERRORS as error:
            raise self._translate(error) from error
        return Page(tuple(map(connection_of, answer.get("Items", ()))), answer.get("LastEvaluatedKey"))

    def close(self) -> None:
        """Close the pooled sockets. Calls after this open new ones."""
        with self._lock:
            if self._made is not None:
                self._made.client.close()
                self._made = None

    def _dynamodb(self) -> _Connection:
        with self._lock:  # making a botocore client is slow and not thread-safe
            if self._made is None:
                self._made = _Connection(self._endpoint, self._max_connections)
                self._made.add_meta_table(MetaTable({"TableName": self._name, **_SCHEMA}))
                _ = self._made.client
            return self._made

    def _exists(self, dynamodb: DynamoDb) -> bool:
        try:
            dynamodb.describe_table(self._name)
        except TableDoesNotExist:
            return False
        return True

    def _create(self, dynamodb: DynamoDb) -> bool:
        try:
            dynamodb.create_table(
                self._name,
                attribute_definitions=_SCHEMA["AttributeDefinitions"],
                key_schema=_SCHEMA["KeySchema"],
                billing_mode="PAY_PER_REQUEST",
            )
        except PynamoDBException as error:
            if error.cause_response_code != "ResourceInUseException":  # another node was quicker
                raise
            return False
        return True

    def _wait_until_active(self, dynamodb: DynamoDb, sleep: Callable[[float], None]) -> None:
        for _ in range(int(TABLE_READY_TIMEOUT_S / TABLE_POLL_S)):
            if dynamodb.describe_table(self._name).get("TableStatus", "ACTIVE") in ("ACTIVE", "UPDATING"):
                return
            sleep(TABLE_POLL_S)
        raise RegistryUnavailable(f"DynamoDB table {self._name} is not ready after {TABLE_READY_TIMEOUT_S:.0f} s")

    def _enable_ttl(self, dynamodb: DynamoDb) -> None:
        try:
            dynamodb.update_time_to_live(self._name, TTL_ATTRIBUTE)
        except _LIBRARY_ERRORS as error:  # some emulators know no TTL; it is only the last net
            if _code(error) not in ("UnknownOperationException", "InvalidAction", "ValidationException"):
                raise self._translate(error) from error

    def _translate(self, error: Exception) -> Exception:
        if _code(error) in _REJECTED_CODES:
            return RecordRejected(f"DynamoDB table {self._name}: {error}")
        return RegistryUnavailable(f"DynamoDB table {self._name} at {self._endpoint.url}: {error}")


def _code(error: Exception) -> str | None:
    source = error.cause if isinstance(error, PynamoDBException) else error
    return source.response.get("Error", {}).get("Code") if isinstance(source, ClientError) else None


def _key_in(request: dict[str, Any]) -> Key:
    item = request["PutRequest"]["Item"] if "PutRequest" in request else request["DeleteRequest"]["Key"]
    owner = NodeNumber(int(item["pk"]["S"].partition("#")[2]))
    return owner, ConnectionId(item["sk"]["S"].removeprefix(CONNECTION_PREFIX))
