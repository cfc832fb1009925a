"""Sends batches of connections' records to DynamoDB: what ``Writer`` calls for each of them.

Text, signature and HTTP are this room's own, for pynamodb and botocore would take most of what a connect costs. Where
to send and whose keys to sign with comes from botocore, in a thread, for that may block.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from botocore.credentials import RefreshableCredentials
from botocore.httpsession import get_cert_path

from gateway.model.aws import AwsEndpoint, Credentials
from gateway.model.connection import Connection
from gateway.model.errors import RegistryUnavailable
from gateway.registry.batch_write import batch_write, error_in, unprocessed_in
from gateway.registry.batches import Key
from gateway.registry.failures import failure
from gateway.registry.http_connection import Answer
from gateway.registry.http_pool import HttpPool
from gateway.registry.signed_head import SignedHead
from gateway.registry.table import Table
from gateway.registry.threads import CLOSED, Threads

OPERATION: Final = "BatchWriteItem"
LOOKUP_THREADS: Final = 1


@dataclass(frozen=True, slots=True)
class _Way:
    """How a request gets there; ``keys`` are botocore's, and may have to be renewed."""

    pool: HttpPool
    head: SignedHead
    keys: Any


class BatchSender:
    """``writer.Send``, one request each and tried once. ``keep_s`` as in ``TableSettings``."""

    def __init__(self, endpoint: AwsEndpoint, table: Table, keep_s: int | None) -> None:
        self._endpoint = endpoint
        self._table = table
        self._keep_s = keep_s
        self._threads = Threads(LOOKUP_THREADS, "registry-lookup")
        self._way: _Way | None = None
        self._closed = False

    async def __call__(self, puts: Sequence[Connection], deletes: Sequence[Key]) -> frozenset[Key]:
        way = await self._found()
        keys = await self._keys(way.keys)
        body = batch_write(self._table.name, puts, deletes, self._keep_s)
        try:
            answer = await way.pool.ask(way.head.of(body, keys, time.time()) + body)
        except ConnectionError as error:
            raise RegistryUnavailable(f"{self._table.where}: {error}") from error
        return self._unprocessed(answer)

    def close(self) -> None:
        """Drop every connection and take no more."""
        self._closed = True
        self._threads.close()
        if self._way is not None:
            self._way.pool.close()

    async def _found(self) -> _Way:
        if self._closed:
            raise RegistryUnavailable(CLOSED)
        if self._way is None:
            return await self._threads.run(self._find)
        return self._way

    def _find(self) -> _Way:
        """Blocks, and runs in the one thread for it. Only what was found is remembered: keys may come later."""
        way = self._way or self._look()
        self._way = way
        return way

    def _look(self) -> _Way:
        url, keys = self._table.endpoint()
        tls = _tls(self._endpoint.ca_bundle) if url.startswith("https:") else None
        pool = HttpPool(url, tls, self._table.timeouts, self._threads)
        return _Way(pool, SignedHead(url, self._endpoint.region, OPERATION), keys)

    async def _keys(self, keys: Any) -> Credentials:
        if isinstance(keys, RefreshableCredentials) and keys.refresh_needed():
            frozen = await self._threads.run(self._table.ask, lambda _: keys.get_frozen_credentials())
        else:
            frozen = keys.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)

    def _unprocessed(self, answer: Answer) -> frozenset[Key]:
        if answer.status != 200:
            code, message = error_in(answer.status, answer.body)
            why = f"an error occurred ({code}) when calling {OPERATION}: {message}"
            raise failure(self._table.where, code, why)
        try:
            return unprocessed_in(json.loads(answer.body), self._table.name)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise RegistryUnavailable(f"{self._table.where}: the answer is not DynamoDB's: {error!r}") from error


def _tls(ca_bundle: str | None) -> ssl.SSLContext:
    """The roots are those botocore checks the other calls with."""
    return ssl.create_default_context(cafile=ca_bundle or get_cert_path(True))
