"""How a front door treats its sockets, beside the limits of one connection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.model.networks import NOBODY, Networks
from gateway.server.door import always
from gateway.server.lot import CAN_PARK

BODY_TIMEOUT_MS: Final = 30_000  # for a request's body to arrive; API Gateway's longest request takes 29 s
KEEP_ALIVE_MS: Final = 75_000  # for an idle connection; nginx keeps its own 60 s, so it is never surprised


@dataclass(frozen=True, slots=True)
class Conduct:
    """``parks``: sockets are bare descriptors, where the system can; else every socket has a transport.
    ``holds`` and ``compresses`` are ``Door``'s; ``body_timeout_ms`` and ``keep_alive_ms`` those of HTTP connections.
    ``trusted`` are the proxies and balancers that are believed whose connections and requests they pass on."""

    parks: bool = CAN_PARK
    holds: Callable[[], bool] = always
    body_timeout_ms: int = BODY_TIMEOUT_MS
    keep_alive_ms: int = KEEP_ALIVE_MS
    trusted: Networks = NOBODY
    compresses: bool = True
