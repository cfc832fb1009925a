"""Other gateways, installed where they can be, on the same work in the same run."""

from __future__ import annotations

from typing import Final

from .ministack import Ministack
from .plain_aiohttp import PlainAiohttp
from .pushpin import Pushpin
from .served import Peer
from .serverless_offline import ServerlessOffline
from .wsfleet import Wsfleet

PEERS: Final[tuple[Peer, ...]] = (Wsfleet(), PlainAiohttp(), ServerlessOffline(), Ministack(), Pushpin())
__all__ = ["PEERS", "Peer"]
