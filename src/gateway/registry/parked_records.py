"""What a parked ``$disconnect`` looks like in DynamoDB.

  pk ``FAILED``  sk ``CONN#{connection id}``  type ``Parked``

It waits for an operator, so it stays far longer than what the fleet looks after itself: ``KEEP_S`` after it was parked.
"""

from __future__ import annotations

from typing import Any, Final

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from gateway.model.ids import ConnectionId, NodeNumber
from gateway.model.parked import ParkedDisconnect
from gateway.registry.records import (
    CONNECTION_PREFIX,
    DEFAULT_TABLE,
    ItemOfConnection,
    attributes_of,
    connection_in,
)

FAILED: Final = "FAILED"
KEEP_S: Final = 365 * 24 * 3600

_RawItem = dict[str, dict[str, Any]]


class ParkedRecord(ItemOfConnection):
    """A ``model.parked.ParkedDisconnect`` as an item."""

    class Meta:
        table_name = DEFAULT_TABLE

    type = UnicodeAttribute(default="Parked")
    owner = NumberAttribute()
    code = NumberAttribute()
    reason = UnicodeAttribute()
    attempts = NumberAttribute()
    why = UnicodeAttribute()
    parked_at_ms = NumberAttribute(attr_name="parkedAt")


def sort_key_of(connection_id: ConnectionId) -> str:
    """The sort key of one connection's parked ``$disconnect``."""
    return CONNECTION_PREFIX + connection_id


def item_of(parked: ParkedDisconnect) -> _RawItem:
    """The item to put."""
    record = ParkedRecord(
        FAILED,
        sort_key_of(parked.connection.connection_id),
        expires_at_s=parked.parked_at_ms // 1000 + KEEP_S,
        owner=parked.connection.owner,
        code=parked.code,
        reason=parked.reason,
        attempts=parked.attempts,
        why=parked.why,
        parked_at_ms=parked.parked_at_ms,
        **attributes_of(parked.connection),
    )
    return record.serialize()


def parked_of(item: _RawItem) -> ParkedDisconnect:
    """What an item stands for. Unknown attributes are ignored: a newer gateway may have written them."""
    record = ParkedRecord.from_raw_data(item)
    return ParkedDisconnect(
        connection=connection_in(record, NodeNumber(int(record.owner))),
        code=int(record.code),
        reason=record.reason,
        attempts=int(record.attempts),
        why=record.why,
        parked_at_ms=int(record.parked_at_ms),
    )
