"""``HttpHost``, made when the first request comes that aiohttp is to serve: 15 MB that many a node never needs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.server.conduct import Conduct
from gateway.server.desk import Desk
from gateway.wire.handshake import Peer

if TYPE_CHECKING:
    from gateway.server.http import Farewell, HttpHost, Upgrade


class LateHttpHost:
    """Takes and does what ``HttpHost`` takes and does."""

    def __init__(
        self, desk: Desk, conduct: Conduct, upgrade: Upgrade | None = None, farewell: Farewell | None = None
    ) -> None:
        self._desk = desk
        self._conduct = conduct
        self._upgrade = upgrade
        self._farewell = farewell
        self._made: HttpHost | None = None

    def protocol(self, peer: Peer) -> asyncio.Protocol:
        """The protocol of one connection, which ``peer`` has made."""
        if self._made is None:
            self._made = self._make()
        return self._made.protocol(peer)

    async def close(self, timeout_s: float) -> None:
        """Let running requests end for at most ``timeout_s`` and close every connection."""
        if self._made is not None:
            await self._made.close(timeout_s)

    def _make(self) -> HttpHost:
        from gateway.server.http import HttpHost  # brings aiohttp: 0.2 s, once

        return HttpHost(self._desk, self._conduct, self._upgrade, self._farewell)
