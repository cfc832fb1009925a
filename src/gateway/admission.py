"""How much is let in: the token buckets and quotas of the account, of routes and of API keys, as this node counts them.

Buckets and counters are named, so they outlive a redeploy; ``keep`` drops those that nothing deployed uses any more,
which bounds them by the definition's size. Nothing here waits, and nothing is told to other nodes.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from gateway.access.api_keys import Subscription
from gateway.access.quota import QuotaCounter
from gateway.access.token_bucket import TokenBucket
from gateway.engine.directory import Deployment
from gateway.engine.endpoint import Endpoint
from gateway.model.ids import ApiId, RouteKey, StageName
from gateway.model.limits import AWS_ACCOUNT, AccountLimits
from gateway.model.now import Now
from gateway.model.plan import Throttle


class KeyUse(Enum):
    """Whether an API key may be used once more."""

    ADMITTED = "ADMITTED"
    THROTTLED = "THROTTLED"
    EXHAUSTED = "EXHAUSTED"


class _Use:
    """What is counted of one key in one plan."""

    __slots__ = ("bucket", "quota")

    def __init__(self) -> None:
        self.bucket = TokenBucket()
        self.quota = QuotaCounter()


class Admission:
    """Times are monotonic milliseconds but for quotas, whose periods are the calendar's. ``arrivals`` is how fast this
    node lets new connections begin, None for without bound: its own protection, no quota of AWS's."""

    def __init__(self, account: AccountLimits = AWS_ACCOUNT, arrivals: Throttle | None = None) -> None:
        self._arrivals = arrivals
        self._arrival_bucket = TokenBucket()
        self._requests = _throttle(account.requests_per_s, account.request_burst)
        self._connections = _throttle(account.connections_per_s, account.connection_burst)
        self._request_bucket = TokenBucket()
        self._connection_bucket = TokenBucket()
        self._routes: dict[tuple[ApiId, StageName, RouteKey], TokenBucket] = {}
        self._keys: dict[tuple[str, str], _Use] = {}

    @property
    def bounds_connections(self) -> bool:
        """Whether the account's new connections are limited at all."""
        return self._connections is not None

    @property
    def bounds_requests(self) -> bool:
        """Whether the account's messages and management calls are limited at all."""
        return self._requests is not None

    def arrival(self, now_ms: int) -> bool:
        """One handshake, before anything is spent on it."""
        return self._arrivals is None or self._arrival_bucket.take(self._arrivals, now_ms)

    def message(self, endpoint: Endpoint, route_key: RouteKey, throttle: Throttle | None, now_ms: int) -> bool:
        """One message, first of its route (as on AWS), then of the account."""
        if throttle is not None and not self._of_route(endpoint, route_key).take(throttle, now_ms):
            return False
        return self._requests is None or self._request_bucket.take(self._requests, now_ms)

    def callback(self, now_ms: int) -> bool:
        """One call of the management API: it shares the account's bucket with messages (parity 8)."""
        return self._requests is None or self._request_bucket.take(self._requests, now_ms)

    def connection(self, endpoint: Endpoint, route_key: RouteKey, throttle: Throttle | None, now_ms: int) -> bool:
        """One new connection, likewise."""
        if throttle is not None and not self._of_route(endpoint, route_key).take(throttle, now_ms):
            return False
        return self._connections is None or self._connection_bucket.take(self._connections, now_ms)

    def key(self, subscription: Subscription, now: Now) -> KeyUse:
        """One use of an API key; only one that is admitted counts."""
        plan = subscription.plan
        use = self._keys.setdefault(_name(subscription), _Use())
        if plan.quota is not None and use.quota.is_exhausted(plan.quota, now.wall_ms):
            return KeyUse.EXHAUSTED
        if plan.throttle is not None and not use.bucket.take(plan.throttle, now.monotonic_ms):
            return KeyUse.THROTTLED
        use.quota.count()
        return KeyUse.ADMITTED

    def keep(self, deployments: Iterable[Deployment]) -> None:
        """Forget whatever belongs to none of these."""
        deployed = tuple(deployments)
        routes = {(*_place(each.endpoint), key) for each in deployed for key in each.plans}
        keys = {_name(subscription) for each in deployed for subscription in each.subscriptions.values()}
        self._routes = {name: bucket for name, bucket in self._routes.items() if name in routes}
        self._keys = {name: use for name, use in self._keys.items() if name in keys}

    def _of_route(self, endpoint: Endpoint, route_key: RouteKey) -> TokenBucket:
        name = (*_place(endpoint), route_key)
        bucket = self._routes.get(name)
        if bucket is None:
            bucket = self._routes[name] = TokenBucket()
        return bucket


def _place(endpoint: Endpoint) -> tuple[ApiId, StageName]:
    return endpoint.api.api_id, endpoint.stage.stage_name


def _name(subscription: Subscription) -> tuple[str, str]:
    return subscription.plan.plan_id, subscription.key.key_id


def _throttle(rate: float | None, burst: int) -> Throttle | None:
    return None if rate is None else Throttle(rate, burst)
