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

from gateway.model.ids import MAX_NODE_NUMBER, NodeNumber
from gateway.model.member import Member, MemberState, Renewal
from gateway.registry.expression import Terms
from gateway.registry.keys import TTL_ATTRIBUTE, RawItem
from gateway.registry.records import number as n
from gateway.registry.records import text as s
from gateway.registry.records import text_in

FLEET: Final = "FLEET"
NODE_PREFIX: Final = "NODE#"
COUNTER: Final = "COUNTER"
AGREED_PREFIX: Final = "AGREED#"
KEEP_S: Final = 30 * 24 * 3600

_DIGITS: Final = 10
_SERVING: Final = tuple(s(state.value) for state in MemberState if state.serves)


@dataclass(frozen=True, slots=True)
class Change:
    """One UpdateItem of the item ``sk`` under ``FLEET``; ``condition`` None: whatever is there."""

    sk: str
    update: str
    terms: Terms
    condition: str | None = None

    def members(self) -> dict[str, Any]:
        """Of the request, but for the table."""
        condition = {} if self.condition is None else {"ConditionExpression": self.condition}
        return {"Key": key(self.sk), "UpdateExpression": self.update, **condition, **self.terms.members()}


def key(sk: str) -> RawItem:
    """The whole key of an item under ``FLEET``."""
    return {"pk": s(FLEET), "sk": s(sk)}


def sort_key_of(number: NodeNumber) -> str:
    """The sort key of one node's record."""
    return f"{NODE_PREFIX}{number:0{_DIGITS}}"


def item_of(member: Member, now_s: int) -> RawItem:
    """The item to put; ``now_s`` is Unix time."""
    item = {
        **key(sort_key_of(member.number)),
        "type": s("Node"),
        TTL_ATTRIBUTE: n(now_s + KEEP_S),
        "leaseMs": n(member.lease_ms),
        "machine": s(member.machine),
        "host": s(member.host),
        "pid": n(member.pid),
        "startedAt": n(member.started_at_ms),
        "version": n(member.version),
        "state": s(member.state.value),
        "connections": n(member.connections),
        "drainAsked": {"BOOL": member.drain_asked},
        "reaped": n(member.reaped),
    }
    if member.address is not None:
        item["address"] = s(member.address)
    if member.socket_path is not None:
        item["socketPath"] = s(member.socket_path)
    if member.claimed_by is not None:
        item["claimedBy"] = n(member.claimed_by)
    return item


def member_of(item: RawItem) -> Member:
    """The member an item stands for. Unknown attributes are ignored: a newer gateway may have written them."""
    claimed_by = item.get("claimedBy", {}).get("N")
    return Member(
        number=NodeNumber(int(item["sk"]["S"].removeprefix(NODE_PREFIX))),
        lease_ms=int(item["leaseMs"]["N"]),
        machine=item["machine"]["S"],
        host=item["host"]["S"],
        pid=int(item["pid"]["N"]),
        started_at_ms=int(item["startedAt"]["N"]),
        address=text_in(item, "address"),
        socket_path=text_in(item, "socketPath"),
        version=int(item["version"]["N"]),
        state=MemberState(item["state"]["S"]),
        connections=int(item["connections"]["N"]),
        drain_asked=bool(item["drainAsked"]["BOOL"]),
        claimed_by=None if claimed_by is None else NodeNumber(int(claimed_by)),
        reaped=int(item["reaped"]["N"]),
    )


def absent(terms: Terms) -> str:
    """Nothing is under the key."""
    return terms.absent("pk")


def held_by(terms: Terms, by: NodeNumber) -> str:
    """``by`` holds the claim."""
    return terms.equal("claimedBy", n(by))


def next_number() -> Change:
    """Raises the counter; fails when every number was handed out."""
    terms = Terms()
    last = terms.name("last")
    free = f"{terms.absent('last')} OR {last} < {terms.value(n(MAX_NODE_NUMBER))}"
    update = f"SET {terms.equal('type', s('Counter'))} ADD {last} {terms.value(n(1))}"
    return Change(COUNTER, update, terms, free)


def renewed(renewal: Renewal, now_s: int) -> Change:
    """Sets what a node says of itself, and nothing that others say of it."""
    terms = Terms()
    alive = terms.one_of("state", *_SERVING)
    if renewal.state is MemberState.LEFT:
        alive = f"{alive} OR {terms.equal('state', s(MemberState.LEFT.value))}"
    actions = (
        terms.equal("version", n(renewal.version)),
        terms.equal("state", s(renewal.state.value)),
        terms.equal("connections", n(renewal.connections)),
    )
    return Change(sort_key_of(renewal.number), _set(terms, actions, now_s), terms, alive)


def claimed(seen: Member, by: NodeNumber, now_s: int) -> Change:
    """``by`` reaps the node, if nothing happened to it since it was ``seen``; or if ``by`` does so already."""
    terms = Terms()
    becomes = s((MemberState.LEFT if seen.state is MemberState.LEFT else MemberState.DEAD).value)
    unclaimed = terms.absent("claimedBy") if seen.claimed_by is None else held_by(terms, seen.claimed_by)
    version, state = terms.equal("version", n(seen.version)), terms.equal("state", s(seen.state.value))
    mine = f"{held_by(terms, by)} AND {terms.equal('state', becomes)}"
    condition = f"({version} AND {state} AND {unclaimed}) OR ({mine})"
    actions = (terms.equal("claimedBy", n(by)), terms.equal("state", becomes))
    return Change(sort_key_of(seen.number), _set(terms, actions, now_s), terms, condition)


def reaped(number: NodeNumber, by: NodeNumber, count: int, now_s: int) -> Change:
    """Tells how far the holder of the claim is."""
    terms = Terms()
    update = _set(terms, (terms.equal("reaped", n(count)),), now_s)
    return Change(sort_key_of(number), update, terms, held_by(terms, by))


def drain_asked(number: NodeNumber) -> Change:
    """Asks a node that serves to drain."""
    terms = Terms()
    update = f"SET {terms.equal('drainAsked', {'BOOL': True})}"
    return Change(sort_key_of(number), update, terms, terms.one_of("state", *_SERVING))


def agreed(what: str, value: str) -> Change:
    """Sets ``value`` unless something was agreed on before."""
    terms = Terms()
    name = terms.name("value")
    first = f"{name} = if_not_exists ({name}, {terms.value(s(value))})"
    return Change(AGREED_PREFIX + what, f"SET {first}, {terms.equal('type', s('Agreement'))}", terms)


def _set(terms: Terms, actions: Sequence[str], now_s: int) -> str:
    """The update; what shows life puts the end of the record off."""
    return f"SET {', '.join((*actions, terms.equal(TTL_ATTRIBUTE, n(now_s + KEEP_S))))}"
