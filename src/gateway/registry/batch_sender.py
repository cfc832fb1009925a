"""Sends batches of connections' records to DynamoDB: what ``Writer`` calls for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from gateway.model.connection import Connection
from gateway.model.errors import RegistryUnavailable
from gateway.registry.batch_write import batch_write, unprocessed_in
from gateway.registry.batches import Key
from gateway.registry.calls import Calls

OPERATION: Final = "BatchWriteItem"


class BatchSender:
    """``writer.Send``, one request each and tried once. ``keep_s`` as in ``TableSettings``."""

    def __init__(self, calls: Calls, keep_s: int | None) -> None:
        self._calls = calls
        self._keep_s = keep_s

    async def __call__(self, puts: Sequence[Connection], deletes: Sequence[Key]) -> frozenset[Key]:
        answer = await self._calls.ask(OPERATION, batch_write(self._calls.name, puts, deletes, self._keep_s))
        return self._unprocessed(answer)

    def _unprocessed(self, answer: Any) -> frozenset[Key]:
        try:
            return unprocessed_in(answer, self._calls.name)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise RegistryUnavailable(f"{self._calls.where}: the answer is not DynamoDB's: {error!r}") from error
