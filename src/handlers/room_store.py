"""Who is connected, under which name, in which room: one item per connection.

A connection is found by its ID, a room's members by one query of the ``room`` index. `$disconnect` removes the item;
should it never arrive, the item expires a little after the two hours a connection may last.
"""

from __future__ import annotations

import os
from datetime import timedelta

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.exceptions import DeleteError, DoesNotExist, UpdateError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

EXPIRY = timedelta(hours=3)
CONDITION_FAILED = "ConditionalCheckFailedException"


class RoomIndex(GlobalSecondaryIndex["Member"]):
    class Meta:
        index_name = "room"
        projection = AllProjection()

    room = UnicodeAttribute(hash_key=True)
    connection_id = UnicodeAttribute(range_key=True)


class Member(Model):
    class Meta:
        table_name = os.environ["CONNECTIONS_TABLE"]

    connection_id = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute()
    room = UnicodeAttribute(null=True)
    expires_at = TTLAttribute(default_for_new=EXPIRY)
    by_room = RoomIndex()


def add(connection_id: str, name: str) -> None:
    Member(connection_id, name=name).save()


def find(connection_id: str) -> Member | None:
    """The member behind a connection, or None once it is gone."""
    try:
        return Member.get(connection_id, consistent_read=True)
    except DoesNotExist:
        return None


def move(member: Member, room: str) -> bool:
    """Put a member into a room; False when it has left meanwhile."""
    try:
        member.update([Member.room.set(room)], condition=Member.connection_id.exists())
    except UpdateError as error:
        if error.cause_response_code != CONDITION_FAILED:
            raise
        return False
    return True


def members(room: str) -> list[Member]:
    return list(Member.by_room.query(room))


def remove(connection_id: str) -> Member | None:
    """Forget a connection. Of all who ask, one gets the member that was there; the others get None."""
    member = find(connection_id)
    if member is None:
        return None
    try:
        member.delete(condition=Member.connection_id.exists())
    except DeleteError as error:
        if error.cause_response_code != CONDITION_FAILED:
            raise
        return None
    return member
