"""One client as the node keeps it: socket, record, lifecycle, and what only the upgrade needs."""

from __future__ import annotations

from gateway.early_posts import EarlyPosts
from gateway.engine.directory import Deployment
from gateway.engine.exchange import Occasion
from gateway.engine.lifecycle import Lifecycle
from gateway.journal import Entry
from gateway.model.connection import Connection
from gateway.model.handshake import Handshake
from gateway.model.limits import Limits
from gateway.ports import Socket


class Opening:
    """The handshake, the occasion that the authorizer's and CONNECT's events share, the authorizer's latency; what the
    stage's logs will say, None where there are none; the posts that came too early, None as long as none did."""

    __slots__ = ("authorizer_latency_ms", "deployment", "early", "entry", "handshake", "occasion")

    def __init__(
        self, deployment: Deployment, handshake: Handshake, occasion: Occasion, entry: Entry | None = None
    ) -> None:
        self.deployment = deployment
        self.handshake = handshake
        self.occasion = occasion
        self.entry = entry
        self.authorizer_latency_ms: int | None = None
        self.early: EarlyPosts | None = None


class Conversation(Lifecycle):
    """``in_flight`` counts messages whose calls are not over; ``opening`` is None once the upgrade is decided. Nothing
    else here grows or is replaced while a client idles.

    It is its own lifecycle rather than holding one: an object less for each of a hundred thousand idle clients.
    """

    __slots__ = ("connection", "in_flight", "opening", "socket")

    def __init__(self, socket: Socket, connection: Connection, limits: Limits, opening: Opening) -> None:
        super().__init__(limits)
        self.socket = socket
        self.connection = connection
        self.in_flight = 0
        self.opening: Opening | None = opening
