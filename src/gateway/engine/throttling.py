"""Which token bucket a route has (parity 10): its own settings, member by member before the stage's defaults.

The defaults of a stage are each route's own, not one bucket for all; what neither level sets is the account's.
"""

from __future__ import annotations

from gateway.model.api import RouteSettings, Stage
from gateway.model.ids import RouteKey
from gateway.model.limits import ACCOUNT_REQUEST_BURST, ACCOUNT_REQUESTS_PER_S
from gateway.model.plan import Throttle


def route_throttle(stage: Stage, route_key: RouteKey) -> Throttle | None:
    """None for a route that no setting throttles."""
    own, above = stage.route_settings.get(route_key, RouteSettings()), stage.default_route_settings
    rate = above.throttling_rate_limit if own.throttling_rate_limit is None else own.throttling_rate_limit
    burst = above.throttling_burst_limit if own.throttling_burst_limit is None else own.throttling_burst_limit
    if rate is None and burst is None:
        return None
    return Throttle(ACCOUNT_REQUESTS_PER_S if rate is None else rate, ACCOUNT_REQUEST_BURST if burst is None else burst)
