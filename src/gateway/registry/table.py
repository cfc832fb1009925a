"""The one table of a fleet, as every adapter of this room asks it: blocking calls, for threads of their own.

Translates pynamodb's and botocore's exceptions to the two that matter here. It tries each call once; whether and when
to try again is the decision of whoever knows the deadline.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.session import Session
from pynamodb.connection.base import Connection as DynamoDb
from pynamodb.connection.base import MetaTable
from pynamodb.exceptions import PynamoDBException, TableDoesNotExist
from pynamodb.expressions.operand import Path

from gateway.model.aws import AwsEndpoint
from gateway.model.errors import RegistryUnavailable
from gateway.registry.failures import code_of, failure
from gateway.registry.records import DEFAULT_TABLE, TTL_ATTRIBUTE
from gateway.registry.session import session_for

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
# It is on already, or the emulator knows none: it is only the last net.
_TTL_AS_IT_IS: Final = {"ValidationException", "UnknownOperationException", "InvalidAction"}
_CONDITION_FAILED: Final = "ConditionalCheckFailedException"

_LIBRARY_ERRORS = (PynamoDBException, BotoCoreError, ClientError)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TableSettings:
    """``keep_s``: seconds after its connect when DynamoDB may drop a connection's record by itself, None for never;
    must be longer than any connection lives. ``page_size``: records read at once, None for as many as fit DynamoDB's
    1 MB; an emulator cannot read that many within a timeout."""

    name: str = DEFAULT_TABLE
    keep_s: int | None = KEEP_S
    page_size: int | None = 500


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds of one call. A DynamoDB that does not answer a SYN within ``connect_s`` is away; it answers in 10 ms,
    and the 60 s that SDKs wait for it are too long for a held upgrade."""

    connect_s: float = 1.0
    read_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Page:
    """Items as DynamoDB types them; ``next_key`` continues the Query, None on the last page."""

    items: tuple[dict[str, Any], ...]
    next_key: dict[str, Any] | None


class _Connection(DynamoDb):
    """pynamodb's low-level connection on this room's session instead of one made from the environment."""

    def __init__(self, endpoint: AwsEndpoint, max_connections: int, timeouts: Timeouts) -> None:
        super().__init__(
            region=endpoint.region,
            host=endpoint.url,
            connect_timeout_seconds=timeouts.connect_s,
            read_timeout_seconds=timeouts.read_s,
            max_retry_attempts=0,
            max_pool_connections=max_connections,
        )
        self._our_session = session_for(endpoint)

    @property
    def session(self) -> Session:
        return self._our_session


class Table:
    """Every method blocks and may be called from ``max_connections`` threads at once. The client is made when first
    used, and belongs to this object alone.

    Raises RegistryUnavailable when DynamoDB cannot be reached or will not serve now, RecordRejected when it will never
    take what it was given.
    """

    def __init__(
        self, endpoint: AwsEndpoint, settings: TableSettings, max_connections: int, timeouts: Timeouts | None = None
    ) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._max_connections = max_connections
        self._timeouts = timeouts or Timeouts()
        self._lock = Lock()
        self._made: _Connection | None = None

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def timeouts(self) -> Timeouts:
        return self._timeouts

    @property
    def where(self) -> str:
        """The table, as a person is told."""
        return f"DynamoDB table {self.name} at {self._endpoint.place}"

    def ask(self, call: Callable[[_Connection], T]) -> T:
        """What ``call`` returns, given pynamodb's connection."""
        try:
            return call(self._dynamodb())
        except _LIBRARY_ERRORS as error:
            raise self._translated(error) from error

    def change(self, call: Callable[[DynamoDb], object]) -> bool:
        """One conditional write; False when its condition does not hold."""
        try:
            call(self._dynamodb())
        except _LIBRARY_ERRORS as error:
            if code_of(error) == _CONDITION_FAILED:
                return False
            raise self._translated(error) from error
        return True

    def page(self, partition: str, prefix: str, start: dict[str, Any] | None) -> Page:
        """One page of a strongly consistent Query: what is under ``partition`` and sorts under ``prefix``."""
        answer = self.ask(
            lambda dynamodb: dynamodb.query(
                self.name,
                partition,
                range_key_condition=Path("sk").startswith(prefix),
                consistent_read=True,
                exclusive_start_key=start,
                limit=self._settings.page_size,
            )
        )
        return Page(tuple(answer.get("Items", ())), answer.get("LastEvaluatedKey"))

    def endpoint(self) -> tuple[str, Any]:
        """The URL that requests go to, and botocore's credentials that sign them."""

        def find(dynamodb: _Connection) -> tuple[str, Any]:
            keys = dynamodb.session.get_credentials()
            if keys is None:
                raise NoCredentialsError
            return dynamodb.client.meta.endpoint_url, keys

        return self.ask(find)

    def exists(self) -> bool:
        """Whether the table is there and serves."""
        return self.ask(self._exists)

    def ensure(self, sleep: Callable[[float], None] = time.sleep) -> bool:
        """Create the table unless it exists, wait until it serves; True when it was created.

        Its time to live is switched on every time: whoever created it may have ended before that.
        """

        def create(dynamodb: DynamoDb) -> bool:
            created = not self._exists(dynamodb) and self._create(dynamodb)
            self._wait_until_active(dynamodb, sleep)
            return created

        created = self.ask(create)
        self._enable_ttl()
        return created

    def close(self) -> None:
        """Close the pooled sockets. Calls after this open new ones."""
        with self._lock:
            if self._made is not None:
                self._made.client.close()
                self._made = None

    def _dynamodb(self) -> _Connection:
        with self._lock:  # making a botocore client is slow and not thread-safe
            if self._made is None:
                made = _Connection(self._endpoint, self._max_connections, self._timeouts)
                made.add_meta_table(MetaTable({"TableName": self.name, **_SCHEMA}))
                _ = made.client
                self._made = made
            return self._made

    def _exists(self, dynamodb: DynamoDb) -> bool:
        try:
            dynamodb.describe_table(self.name)
        except TableDoesNotExist:
            return False
        return True

    def _create(self, dynamodb: DynamoDb) -> bool:
        try:
            dynamodb.create_table(
                self.name,
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
            if dynamodb.describe_table(self.name).get("TableStatus", "ACTIVE") in ("ACTIVE", "UPDATING"):
                return
            sleep(TABLE_POLL_S)
        raise RegistryUnavailable(f"DynamoDB table {self.name} is not ready after {TABLE_READY_TIMEOUT_S:.0f} s")

    def _enable_ttl(self) -> None:
        try:
            self._dynamodb().update_time_to_live(self.name, TTL_ATTRIBUTE)
        except _LIBRARY_ERRORS as error:
            if code_of(error) not in _TTL_AS_IT_IS:
                raise self._translated(error) from error

    def _translated(self, error: Exception) -> RegistryUnavailable:
        return failure(self.where, code_of(error), error)
