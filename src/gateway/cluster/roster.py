"""The fleet as one node sees it: records as last read, and since when each has looked the same.

Immutable. ``observe`` makes the next one from what was read and when. How long a version has stood still is measured
between two readings of the observer: a pause of the observer's own never makes somebody else look old.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from gateway.model.ids import NodeNumber
from gateway.model.member import Member


class Standing(Enum):
    """``SUSPECT``: has missed renewals. ``EXPIRED``: has said nothing for its whole lease, and may be declared dead."""

    ALIVE = "ALIVE"
    SUSPECT = "SUSPECT"
    EXPIRED = "EXPIRED"
    LEFT = "LEFT"
    DEAD = "DEAD"


@dataclass(frozen=True, slots=True)
class Sighting:
    """``version_since_ms`` and ``claim_since_ms``: when its version, and who claims it, were first read as they are
    now; ``still_ms``: for how long the version has stood still at the last reading."""

    member: Member
    version_since_ms: int
    claim_since_ms: int
    still_ms: int = 0

    @property
    def expires_ms(self) -> int:
        """From when on a reading that finds the same version again makes it EXPIRED."""
        return self.version_since_ms + self.member.lease_ms

    @property
    def standing(self) -> Standing:
        member = self.member
        if not member.state.serves:
            return Standing[member.state.name]
        if self.still_ms >= member.lease_ms:
            return Standing.EXPIRED
        return Standing.SUSPECT if self.still_ms * 2 >= member.lease_ms else Standing.ALIVE


@dataclass(frozen=True, slots=True)
class Roster:
    """``read_ms`` is when the last reading began; every record of the fleet that it found is in ``sightings``."""

    sightings: Mapping[NodeNumber, Sighting] = field(default_factory=dict)
    read_ms: int = 0

    def member(self, number: NodeNumber) -> Member | None:
        """The record of a node, None when there is none (any more)."""
        sighting = self.sightings.get(number)
        return None if sighting is None else sighting.member

    def serves(self, number: NodeNumber) -> bool:
        """Whether a node is there and nobody has said that it is not."""
        member = self.member(number)
        return member is not None and member.state.serves

    def look_in_ms(self, now_ms: int, usual_ms: int) -> int:
        """How long to wait for the next reading: the usual pause, or less where it would tell of a death sooner."""
        due = (each.expires_ms for each in self.sightings.values() if each.member.state.serves)
        soonest = min((at_ms for at_ms in due if at_ms > now_ms), default=now_ms + usual_ms)
        return min(usual_ms, soonest - now_ms)

    def observe(self, members: Iterable[Member], began_ms: int, ended_ms: int) -> Roster:
        """What is known after a reading that took from ``began_ms`` to ``ended_ms`` by this node's clock."""
        seen = {member.number: self._sighting(member, began_ms, ended_ms) for member in members}
        return Roster(seen, began_ms)

    def _sighting(self, member: Member, began_ms: int, ended_ms: int) -> Sighting:
        """What changed counts from the end of the reading: it was written before that, at the latest."""
        before = self.sightings.get(member.number)
        if before is None:
            return Sighting(member, ended_ms, ended_ms)
        same_claim = before.member.claimed_by == member.claimed_by
        claim_since_ms = before.claim_since_ms if same_claim else ended_ms
        if before.member.version != member.version:
            return Sighting(member, ended_ms, claim_since_ms)
        since_ms = before.version_since_ms
        return Sighting(member, since_ms, claim_since_ms, max(0, began_ms - since_ms))
