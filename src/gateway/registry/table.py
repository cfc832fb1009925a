"""The one table of a fleet made and looked at through pynamodb: blocking calls, for a thread of one's own.

Translates pynamodb's and botocore's exceptions to the two that matter here. It tries each call once; whether and when
to try again is the decision of whoever knows the deadline. What nodes ask while they serve is in ``calls``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session
from pynamodb.connection.base import Connection as DynamoDb
from pynamodb.connection.base import MetaTable
from pynamodb.exceptions import PynamoDBException, TableDoesNotExist

from gateway.model.aws import AwsEndpoint
from gateway.model.errors import RegistryUnavailable
from gateway.registry.failures import failure
from gateway.registry.keys import TTL_ATTRIBUTE
from gateway.registry.session import session_for
from gateway.registry.table_settings import TableSettings, Timeouts

TABLE_READY_TIMEOUT_S: Final = 60.0  # a new table is ACTIVE after 5-20 s on AWS, at once on emulators
TABLE_POLL_S: Final = 0.5

_SCHEMA: Final = {
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
}
# It is on already, or the emulator knows none: it is only the last net.
_TTL_AS_IT_IS: Final = {"ValidationException", "UnknownOperationException", "InvalidAction"}

_LIBRARY_ERRORS = (PynamoDBException, BotoCoreError, ClientError)
T = TypeVar("T")


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


def code_of(error: Exception) -> str | None:
    """DynamoDB's own name of an error that a library raised."""
    source = error.cause if isinstance(error, PynamoDBException) else error
    return source.response.get("Error", {}).get("Code") if isinstance(source, ClientError) else None
