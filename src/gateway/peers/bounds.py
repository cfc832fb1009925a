"""How much nodes may ask of each other's memory and patience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.model.limits import KIB, LIFTED_MESSAGE_BYTES

MAX_BATCH_BYTES: Final = (
    256 * KIB
)  # frames under one MAC: a largest post with room to spare; what asyncio reads at once
MAX_ALONE_BYTES: Final = LIFTED_MESSAGE_BYTES + MAX_BATCH_BYTES  # one frame that is longer than that: a post, to one or
# to many, where an operator has lifted the limit of messages
MAX_PEERS: Final = 1024  # accepted connections that have shown the key; each other node of the fleet has one
MAX_STRANGERS: Final = 64  # accepted connections that have not: one more and the oldest goes, as sshd's MaxStartups
GREETING_TIMEOUT_S: Final = 3.0  # from accept to a proof of the key; two round trips and a busy loop fit many times
DIAL_TIMEOUT_S: Final = 3.0  # connecting and greeting; TCP's first two retries are at 1 and 3 s
MAX_UNREAD_BYTES: Final = 8 * KIB * KIB  # answers that the asking node does not take: MAX_IN_FLIGHT of the longest
MAX_UNSENT_BYTES: Final = (
    8 * KIB * KIB + MAX_ALONE_BYTES
)  # requests that the kernel does not take: 64 of AWS's largest posts, and one of ours
MAX_IN_FLIGHT: Final = 4096  # requests to one node without an answer: a second's worth at 4,000/s
SILENT_PEER_MS: Final = 5_000  # what was sent and is not acknowledged for so long ends TCP; Linux would try for 15 min


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of one server, which tests lower."""

    max_peers: int = MAX_PEERS
    max_strangers: int = MAX_STRANGERS
    greeting_timeout_s: float = GREETING_TIMEOUT_S
    max_unread_bytes: int = MAX_UNREAD_BYTES


DEFAULT: Final = Bounds()
