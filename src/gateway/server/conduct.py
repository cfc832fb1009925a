"""How a front door treats its sockets, beside the limits of one connection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gateway.counters import Counters
from gateway.model.networks import NOBODY, Networks
from gateway.server.lot import CAN_PARK

BODY_TIMEOUT_MS: Final = 30_000  # for a request's body to arrive; API Gateway's longest request takes 29 s
KEEP_ALIVE_MS: Final = 75_000  # for an idle connection; nginx keeps its own 60 s, so it is never surprised


def nowhere(raw_path: str) -> int | None:
    """The answer of a service whose bodies are all bounded alike."""
    return None


def always() -> bool:
    """The answer of who is never fenced."""
    return True


@dataclass(frozen=True, slots=True)
class Conduct:
    """``parks``: sockets are bare descriptors, where the system can; else every socket has a transport.

    ``holds`` is asked before anything read from a socket is acted on. On False the shell drops what it has read:
    whoever answers so has closed the sockets, or does from inside the call. ``body_timeout_ms`` and ``keep_alive_ms``
    are those of HTTP connections. ``trusted`` are the proxies and balancers that are believed whose connections and
    requests they pass on. ``compresses``: clients that offer permessage-deflate get it. ``most_sockets`` and
    ``most_per_address`` are open at a time, None without bound; of trusted addresses the latter does not hold.
    ``longer_bodies`` says how many bytes a body may have at a path where it may be longer than elsewhere, else None.
    """

    parks: bool = CAN_PARK
    holds: Callable[[], bool] = always
    body_timeout_ms: int = BODY_TIMEOUT_MS
    keep_alive_ms: int = KEEP_ALIVE_MS
    trusted: Networks = NOBODY
    compresses: bool = True
    most_sockets: int | None = None
    most_per_address: int | None = None
    longer_bodies: Callable[[str], int | None] = nowhere
    counters: Counters = field(default_factory=Counters)


PLAINLY: Final = Conduct()
