"""What only the adapter of parked ``$disconnect`` calls on DynamoDB does: it tries for a while, and no longer."""

from __future__ import annotations

import pytest

from dynamodb_double import DONE, failure, scripted
from gateway.model.errors import RegistryUnavailable
from gateway.registry.parked import DynamoDbParked
from gateway.registry.table_settings import TableSettings
from tables import connection, parked

THROTTLED = failure("ThrottlingException")


async def test_a_call_that_was_throttled_is_made_again() -> None:
    with scripted(
        PutItem=[THROTTLED, DONE], Query=[THROTTLED, (200, {"Items": []})], DeleteItem=[THROTTLED, DONE]
    ) as server:
        shelf = DynamoDbParked(server.endpoint, TableSettings("t"))
        await shelf.park(parked(1))
        assert [each async for each in shelf.all()] == []
        await shelf.discard(connection(1).connection_id)
        assert [operation for operation, _ in server.asked] == [
            "PutItem", "PutItem", "Query", "Query", "DeleteItem", "DeleteItem",
        ]  # fmt: skip
        await shelf.close()


async def test_a_table_that_takes_nothing_is_unavailable_in_the_end() -> None:
    with scripted(PutItem=[THROTTLED]) as server:
        shelf = DynamoDbParked(server.endpoint, TableSettings("t"), for_s=0.3)
        with pytest.raises(RegistryUnavailable, match="Throttling"):
            await shelf.park(parked(1))
        assert len(server.asked) > 1
        await shelf.close()


async def test_what_the_table_will_never_take_is_not_repeated() -> None:
    with scripted(PutItem=[failure("ValidationException")]) as server:
        shelf = DynamoDbParked(server.endpoint, TableSettings("t"))
        with pytest.raises(RegistryUnavailable, match="Validation"):
            await shelf.park(parked(1))
        assert len(server.asked) == 1
        await shelf.close()
