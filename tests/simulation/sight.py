"""Which nodes a call that is for all of them must have come to."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from gateway.model.ids import NodeNumber


@dataclass(eq=False)
class Sight:
    """When it was asked for, the nodes ``served`` served, and the one that was asked knew of ``known``; ``looked``: the
    node records were read for it."""

    served: frozenset[NodeNumber]
    known: frozenset[NodeNumber]
    looked: bool = False

    @property
    def must(self) -> frozenset[NodeNumber]:
        """Whoever of these still serves is asked."""
        return self.served if self.looked else self.known


CURRENT: Final[ContextVar[Sight | None]] = ContextVar("sight", default=None)  # of the task that asks
