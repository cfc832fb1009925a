"""The rows of the table, by what they exercise."""

from __future__ import annotations

from typing import Final

from bench.harness.scenario import Scenario
from bench.harness.scenarios.batch import BATCH
from bench.harness.scenarios.broadcast import BROADCAST
from bench.harness.scenarios.connects import CONNECTS
from bench.harness.scenarios.dormant import DORMANT, FLEET, IDLE, TLS
from bench.harness.scenarios.messages import AWS_MESSAGES, OWN_MESSAGES
from bench.harness.scenarios.others import OTHERS
from bench.harness.scenarios.parts import MESSAGE_PATH, REGISTRY
from bench.harness.scenarios.posts import FORWARDED, POSTS
from bench.harness.scenarios.start import START

SCENARIOS: Final[tuple[Scenario, ...]] = (
    DORMANT, TLS, FLEET, CONNECTS, REGISTRY, AWS_MESSAGES, OWN_MESSAGES, MESSAGE_PATH, POSTS, FORWARDED, BATCH,
    BROADCAST, OTHERS, IDLE, START,
)  # fmt: skip
