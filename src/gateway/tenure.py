"""Which incarnation of the node this is, and whether it may act: what every other part asks before it does anything."""

from __future__ import annotations

from math import inf
from typing import Final

from gateway.cluster.lease import Lease
from gateway.model.ids import NodeNumber
from gateway.ports import Clock

NOBODY: Final = NodeNumber(0)  # no node is ever given this number


class Tenure:
    """One for the whole process: ``number`` changes when a fenced node comes back. ``lease`` is the number's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.number = NOBODY
        self.lease = Lease()
        self._former: set[NodeNumber] = set()

    @classmethod
    def alone(cls, clock: Clock, number: NodeNumber) -> Tenure:
        """Of a node without a fleet, which nobody could declare dead."""
        tenure = cls(clock)
        tenure.begin(number, inf)
        return tenure

    def holds(self) -> bool:
        """Whether this incarnation may act at this moment."""
        lease = self.lease
        return lease.is_endless or lease.holds(self._clock.now().monotonic_ms)

    def is_still(self, number: NodeNumber) -> bool:
        """Whether ``number`` is the incarnation of now, and may act."""
        return self.number == number and self.holds()

    def was(self, number: NodeNumber) -> bool:
        """Whether ``number`` is an earlier incarnation of this process, whose sockets are all closed."""
        return number in self._former

    def begin(self, number: NodeNumber, until_ms: float) -> None:
        """Be another incarnation from now on."""
        self._former.add(self.number)
        self.number = number
        self.lease.begin(until_ms)
