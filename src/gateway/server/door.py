"""What the sockets of one front door share: who to tell, the limits, the clock, and one wheel for their deadlines.

A shell is whichever protocol reads a socket at the moment. Deadlines here are those of the wire (a head that never
ends, bytes that never leave); those of a conversation belong to the node.
"""

from __future__ import annotations

from typing import Final, Generic, Protocol

from gateway.engine.deadlines import Wheel
from gateway.model.limits import Limits
from gateway.model.now import Now
from gateway.ports import Clock, Conversations, ConversationT
from gateway.server.conduct import PLAINLY, Conduct
from gateway.server.meter import Meter
from gateway.server.pulse import Pulse
from gateway.server.ticker import Ticker

_GRANULARITY_MS: Final = 500  # of deadlines of 5 and 10 s


class Shell(Protocol):
    """One socket's reader."""

    def __hash__(self) -> int: ...

    def overdue(self) -> None:
        """The deadline set by ``watch`` has passed."""

    def drop(self) -> None:
        """The door closes: end the connection now."""


class Door(Generic[ConversationT]):
    """One front door, however many listeners it has; ``holds``, ``trusted`` and ``compresses`` are of its ``Conduct``.
    ``meter`` is None where no rate of a connection is bounded, ``pulse`` where nobody is pinged."""

    __slots__ = (
        "_clock",
        "_shells",
        "_ticker",
        "_wheel",
        "compresses",
        "conversations",
        "counters",
        "holds",
        "limits",
        "meter",
        "pulse",
        "trusted",
        "unread",
    )

    def __init__(
        self,
        conversations: Conversations[ConversationT],
        clock: Clock,
        limits: Limits,
        conduct: Conduct = PLAINLY,
    ) -> None:
        self.conversations = conversations
        self.limits = limits
        self.holds = conduct.holds
        self.trusted = conduct.trusted
        self.compresses = conduct.compresses
        self.counters = conduct.counters
        self.meter = Meter(limits, clock, self.counters) if limits.are_metered else None
        self.pulse = None if limits.ping_ms is None else Pulse(limits.ping_ms, clock)
        self.unread: dict[Shell, int] = {}  # bytes that waited for each slow client when it was last looked at
        self._clock = clock
        self._shells: set[Shell] = set()
        self._wheel: Wheel[Shell] = Wheel(_GRANULARITY_MS)
        self._ticker = Ticker(clock, _GRANULARITY_MS, self._tick)

    def __len__(self) -> int:
        """How many shells have entered."""
        return len(self._shells)

    def enter(self, shell: Shell) -> None:
        """A shell took a socket over; a parked one need not, its lot knows it."""
        self._shells.add(shell)

    def leave(self, shell: Shell) -> None:
        """A shell gave its socket away or lost it; its deadline is forgotten too."""
        self._shells.discard(shell)
        self._wheel.cancel(shell)

    def forget(self, shell: Shell) -> None:
        """A shell that never entered has no deadline any more."""
        self._wheel.cancel(shell)

    def watch(self, shell: Shell, after_ms: int) -> None:
        """Call ``shell.overdue()`` in ``after_ms``, unless it leaves before."""
        self._wheel.set(shell, self._clock.now().monotonic_ms + after_ms)
        self._ticker.wake()

    def wall_ms(self) -> int:
        """Unix time in milliseconds."""
        return self._clock.now().wall_ms

    def close(self) -> None:
        """Drop every socket that is left."""
        self._ticker.stop()
        if self.meter is not None:
            self.meter.stop()
        if self.pulse is not None:
            self.pulse.stop()
        for shell in tuple(self._shells):
            shell.drop()

    def _tick(self, now: Now) -> bool:
        for shell in self._wheel.due(now.monotonic_ms):
            shell.overdue()
        return self._wheel.next_ms() is not None
