"""What a parked ``$disconnect`` looks like in DynamoDB.

  pk ``FAILED``  sk ``CONN#{connection id}``  type ``Parked``

It waits for an operator, so it stays far longer than what the fleet looks after itself: ``KEEP_S`` after it was parked.
"""

from __future__ import annotations

from typing import Final

from gateway.model.ids import ConnectionId, NodeNumber
from gateway.model.parked import ParkedDisconnect
from gateway.registry.keys import CONNECTION_PREFIX, TTL_ATTRIBUTE, RawItem
from gateway.registry.records import attributes_of, connection_in, number, text

FAILED: Final = "FAILED"
KEEP_S: Final = 365 * 24 * 3600


def key_of(connection_id: ConnectionId) -> RawItem:
    """The whole key of one connection's parked ``$disconnect``."""
    return {"pk": text(FAILED), "sk": text(CONNECTION_PREFIX + connection_id)}


def item_of(parked: ParkedDisconnect) -> RawItem:
    """The item to put."""
    return {
        **key_of(parked.connection.connection_id),
        **attributes_of(parked.connection),
        "type": text("Parked"),
        TTL_ATTRIBUTE: number(parked.parked_at_ms // 1000 + KEEP_S),
        "owner": number(parked.connection.owner),
        "code": number(parked.code),
        "reason": text(parked.reason),
        "attempts": number(parked.attempts),
        "why": text(parked.why),
        "parkedAt": number(parked.parked_at_ms),
    }


def parked_of(item: RawItem) -> ParkedDisconnect:
    """What an item stands for. Unknown attributes are ignored: a newer gateway may have written them."""
    return ParkedDisconnect(
        connection=connection_in(item, NodeNumber(int(item["owner"]["N"]))),
        code=int(item["code"]["N"]),
        reason=item["reason"]["S"],
        attempts=int(item["attempts"]["N"]),
        why=item["why"]["S"],
        parked_at_ms=int(item["parkedAt"]["N"]),
    )
