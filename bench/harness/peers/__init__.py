"""Other gateways, installed where they can be, on the same work in the same run."""

from __future__ import annotations

from typing import Final

from bench.harness.peers.ministack import Ministack
from bench.harness.peers.plain_aiohttp import PlainAiohttp
from bench.harness.peers.pushpin import Pushpin
from bench.harness.peers.served import Peer
from bench.harness.peers.serverless_offline import ServerlessOffline
from bench.harness.peers.wsfleet import Wsfleet

PEERS: Final[tuple[Peer, ...]] = (Wsfleet(), PlainAiohttp(), ServerlessOffline(), Ministack(), Pushpin())
__all__ = ["PEERS", "Peer"]
