"""Who takes care of what a node leaves behind: decided from a roster alone, so that all survivors decide alike.

Deciding is not enough: the table itself admits one of those who try (``ports.Members.claim``).
"""

from __future__ import annotations

from gateway.cluster.roster import Roster, Sighting, Standing
from gateway.model.ids import NodeNumber
from gateway.model.member import Member


def reapable(roster: Roster, me: NodeNumber) -> tuple[Member, ...]:
    """The nodes that ``me`` should try to claim, in an order that differs from node to node.

    Those whose lease has run out and those that have left, unless somebody who is there reaps them already. A claim is
    taken over once its holder has been gone for a quarter of a lease: the holder may merely not have been read yet.
    """
    found = [
        each.member for each in roster.sightings.values() if each.member.number != me and _is_due(each, roster, me)
    ]
    return tuple(sorted(found, key=lambda member: (member.number < me, member.number)))


def fair_share(roster: Roster, me: NodeNumber, fleet_rate: float) -> float:
    """This node's part of a rate that the fleet shares: evenly among those who are reaping."""
    claimers = {each.member.claimed_by for each in roster.sightings.values()} - {None, me}
    reaping = sum(1 for claimer in claimers if claimer is not None and roster.serves(claimer))
    return fleet_rate / (reaping + 1)


def _is_due(sighting: Sighting, roster: Roster, me: NodeNumber) -> bool:
    member, standing = sighting.member, sighting.standing
    if standing in (Standing.ALIVE, Standing.SUSPECT):
        return False
    if standing is Standing.EXPIRED or member.claimed_by in (None, me):
        return True  # one's own claim too: the answer to it may have been lost
    if roster.serves(member.claimed_by):
        claimer = roster.sightings[member.claimed_by]
        return claimer.standing is Standing.EXPIRED
    return roster.read_ms - sighting.claim_since_ms >= member.lease_ms // 4
