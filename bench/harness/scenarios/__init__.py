"""The rows of the table, by what they exercise."""

from __future__ import annotations

from typing import Final

from ..scenario import Scenario
from .broadcast import BROADCAST
from .connects import CONNECTS
from .dormant import DORMANT, FLEET, IDLE, TLS
from .messages import AWS_MESSAGES, OWN_MESSAGES
from .parts import MESSAGE_PATH, REGISTRY
from .posts import FORWARDED, POSTS
from .start import START

SCENARIOS: Final[tuple[Scenario, ...]] = (
    DORMANT, TLS, FLEET, CONNECTS, REGISTRY, AWS_MESSAGES, OWN_MESSAGES, MESSAGE_PATH, POSTS, FORWARDED, BROADCAST,
    IDLE, START,
)  # fmt: skip
