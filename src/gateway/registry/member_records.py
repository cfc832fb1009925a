"""What a node of the fleet looks like in DynamoDB, and under which conditions its record changes.

  pk ``FLEET``  sk ``NODE#{number, ten digits}``  type ``Node``        a node; the digits sort as the numbers do
                sk ``COUNTER``                     type ``Counter``     the highest number handed out
                sk ``AGREED#{what}``               type ``Agreement``   a value all nodes go by

A node's record goes by itself ``KEEP_S`` after its last change: later than the records of its connections, which lead
to nothing without it. The counter and what was agreed stay as long as the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from gateway.model.ids import MAX_NODE_NUMBER, NodeNumber
from gateway.model.member import Member, MemberState, Renewal
from gateway.registry.records import DEFAULT_TABLE, TTL_ATTRIBUTE

FLEET: Final = "FLEET"
NODE_PREFIX: Final = "NODE#"
COUNTER: Final = "COUNTER"
AGREED_PREFIX: Final = "AGREED#"
KEEP_S: Final = 30 * 24 * 3600

_DIGITS: Final = 10
_SERVING: Final = tuple(state.value for state in MemberState if state.serves)
_RawItem = dict[str, dict[str, Any]]


class MemberRecord(Model):
    """A ``model.member.Member`` as an item."""

    class Meta:
        table_name = DEFAULT_TABLE

    pk = UnicodeAttribute(hash_key=True, default=FLEET)
    sk = UnicodeAttribute(range_key=True)
    type = UnicodeAttribute(default="Node")
    expires_at_s = NumberAttribute(attr_name=TTL_ATTRIBUTE)
    lease_ms = NumberAttribute(attr_name="leaseMs")
    machine = UnicodeAttribute()
    host = UnicodeAttribute()
    pid = NumberAttribute()
    started_at_ms = NumberAttribute(attr_name="startedAt")
    address = UnicodeAttribute(null=True)
    socket_path = UnicodeAttribute(attr_name="socketPath", null=True)
    version = NumberAttribute()
    state = UnicodeAttribute()
    connections = NumberAttribute()
    drain_asked = BooleanAttribute(attr_name="drainAsked")
    claimed_by = NumberAttribute(attr_name="claimedBy", null=True)
    reaped = NumberAttribute()


class CounterRecord(Model):
    """The highest node number that was handed out."""

    class Meta:
        table_name = DEFAULT_TABLE

    pk = UnicodeAttribute(hash_key=True, default=FLEET)
    sk = UnicodeAttribute(range_key=True, default=COUNTER)
    type = UnicodeAttribute(default="Counter")
    last = NumberAttribute()


class AgreementRecord(Model):
    """The first value proposed for something."""

    class Meta:
        table_name = DEFAULT_TABLE

    pk = UnicodeAttribute(hash_key=True, default=FLEET)
    sk = UnicodeAttribute(range_key=True)
    type = UnicodeAttribute(default="Agreement")
    value = UnicodeAttribute()


@dataclass(frozen=True, slots=True)
class Change:
    """One UpdateItem of the item ``sk`` under ``FLEET``; ``condition`` None: whatever is there."""

    sk: str
    actions: Sequence[Action]
    condition: Condition | None = None


def sort_key_of(number: NodeNumber) -> str:
    """The sort key of one node's record."""
    return f"{NODE_PREFIX}{number:0{_DIGITS}}"


def item_of(member: Member, now_s: int) -> _RawItem:
    """The item to put; ``now_s`` is Unix time."""
    record = MemberRecord(
        range_key=sort_key_of(member.number),
        expires_at_s=now_s + KEEP_S,
        lease_ms=member.lease_ms,
        machine=member.machine,
        host=member.host,
        pid=member.pid,
        started_at_ms=member.started_at_ms,
        address=member.address,
        socket_path=member.socket_path,
        version=member.version,
        state=member.state.value,
        connections=member.connections,
        drain_asked=member.drain_asked,
        claimed_by=member.claimed_by,
        reaped=member.reaped,
    )
    return record.serialize()


def member_of(item: _RawItem) -> Member:
    """The member an item stands for. Unknown attributes are ignored: a newer gateway may have written them."""
    record = MemberRecord.from_raw_data(item)
    return Member(
        number=NodeNumber(int(record.sk.removeprefix(NODE_PREFIX))),
        lease_ms=int(record.lease_ms),
        machine=record.machine,
        host=record.host,
        pid=int(record.pid),
        started_at_ms=int(record.started_at_ms),
        address=record.address,
        socket_path=record.socket_path,
        version=int(record.version),
        state=MemberState(record.state),
        connections=int(record.connections),
        drain_asked=bool(record.drain_asked),
        claimed_by=_number(record.claimed_by),
        reaped=int(record.reaped),
    )


def absent() -> Condition:
    """Nothing is under the key."""
    return MemberRecord.pk.does_not_exist()


def held_by(by: NodeNumber) -> Condition:
    """``by`` holds the claim."""
    return MemberRecord.claimed_by == by


def next_number() -> Change:
    """Raises the counter; fails when every number was handed out."""
    free = CounterRecord.last.does_not_exist() | (CounterRecord.last < MAX_NODE_NUMBER)
    return Change(COUNTER, [CounterRecord.last.add(1), CounterRecord.type.set("Counter")], free)


def renewed(renewal: Renewal, now_s: int) -> Change:
    """Sets what a node says of itself, and nothing that others say of it."""
    alive = MemberRecord.state.is_in(*_SERVING)
    if renewal.state is MemberState.LEFT:
        alive |= MemberRecord.state == MemberState.LEFT.value
    return Change(
        sort_key_of(renewal.number),
        [
            MemberRecord.version.set(renewal.version),
            MemberRecord.state.set(renewal.state.value),
            MemberRecord.connections.set(renewal.connections),
            _kept_from(now_s),
        ],
        alive,
    )


def claimed(seen: Member, by: NodeNumber, now_s: int) -> Change:
    """``by`` reaps the node, if nothing happened to it since it was ``seen``; or if ``by`` does so already."""
    becomes = MemberState.LEFT if seen.state is MemberState.LEFT else MemberState.DEAD
    claim = MemberRecord.claimed_by
    unclaimed = claim.does_not_exist() if seen.claimed_by is None else claim == seen.claimed_by
    unchanged = (MemberRecord.version == seen.version) & (MemberRecord.state == seen.state.value) & unclaimed
    mine = held_by(by) & (MemberRecord.state == becomes.value)
    actions = [claim.set(by), MemberRecord.state.set(becomes.value), _kept_from(now_s)]
    return Change(sort_key_of(seen.number), actions, unchanged | mine)


def reaped(number: NodeNumber, by: NodeNumber, count: int, now_s: int) -> Change:
    """Tells how far the holder of the claim is."""
    return Change(sort_key_of(number), [MemberRecord.reaped.set(count), _kept_from(now_s)], held_by(by))


def drain_asked(number: NodeNumber) -> Change:
    """Asks a node that serves to drain."""
    return Change(sort_key_of(number), [MemberRecord.drain_asked.set(True)], MemberRecord.state.is_in(*_SERVING))


def agreed(what: str, value: str) -> Change:
    """Sets ``value`` unless something was agreed on before."""
    first = AgreementRecord.value | value
    actions = [AgreementRecord.value.set(first), AgreementRecord.type.set("Agreement")]
    return Change(AGREED_PREFIX + what, actions)


def _number(found: float | None) -> NodeNumber | None:
    return None if found is None else NodeNumber(int(found))


def _kept_from(now_s: int) -> Action:
    return MemberRecord.expires_at_s.set(now_s + KEEP_S)
