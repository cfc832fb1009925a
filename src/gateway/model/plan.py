"""API keys and the usage plans that count them, and custom domains with their mappings: what stands beside an API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from gateway.model.ids import ApiId, StageName


class QuotaPeriod(Enum):
    """UsagePlan.Quota.Period; weeks begin on Monday 00:00 UTC, months on the 1st."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """``value`` is what clients send in ``x-api-key``; a disabled key is as good as none."""

    key_id: str
    name: str
    value: str = field(repr=False)
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Quota:
    """``limit`` requests per period, counted per key."""

    limit: int
    period: QuotaPeriod
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Throttle:
    """A token bucket: ``rate_limit`` tokens per second, at most ``burst_limit`` at once."""

    rate_limit: float
    burst_limit: int


@dataclass(frozen=True, slots=True)
class UsagePlan:
    """Which keys open which stages, how fast and how often; None means without that bound."""

    plan_id: str
    name: str
    stages: frozenset[tuple[ApiId, StageName]]
    keys: tuple[ApiKey, ...] = ()
    throttle: Throttle | None = None
    quota: Quota | None = None


@dataclass(frozen=True, slots=True)
class DomainName:
    """A custom domain; ``mappings`` lead a base path (empty: the root) to an API's stage (parity 1.1)."""

    domain_name: str
    mappings: Mapping[str, tuple[ApiId, StageName]]
