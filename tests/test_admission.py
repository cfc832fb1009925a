"""What is counted, of whom, and what a redeploy keeps of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.access.api_keys import Subscription
from gateway.admission import Admission, KeyUse
from gateway.engine.directory import Directory
from gateway.model.ids import CONNECT, DEFAULT, RouteKey
from gateway.model.limits import UNLIMITED, AccountLimits
from gateway.model.now import Now
from gateway.model.plan import ApiKey, Quota, QuotaPeriod, Throttle, UsagePlan
from sample_definitions import api, definition, endpoint, route
from signing import moment

ENDPOINT = endpoint(route("$default"))
ONCE = Throttle(0, 1)


def message(admission: Admission, throttle: Throttle | None = None, key: RouteKey = DEFAULT, at_ms: int = 0) -> bool:
    return admission.message(ENDPOINT, key, throttle, at_ms)


@pytest.mark.parity("P-396", "P-459")
def test_the_accounts_messages() -> None:
    admission = Admission(AccountLimits(requests_per_s=1_000, request_burst=2))
    assert [message(admission), message(admission), message(admission)] == [True, True, False]
    assert message(admission, at_ms=1)
    aws = Admission()
    assert sum(message(aws) for _ in range(6_000)) == 5_000
    assert sum(message(aws, at_ms=100) for _ in range(6_000)) == 1_000


@pytest.mark.parity("P-395", "P-423")
def test_the_accounts_connections() -> None:
    aws = Admission()
    assert sum(aws.connection(ENDPOINT, CONNECT, None, 0) for _ in range(1_000)) == 500
    assert sum(aws.connection(ENDPOINT, CONNECT, None, 1_000) for _ in range(1_000)) == 500
    assert aws.bounds_connections and not Admission(UNLIMITED).bounds_connections
    unlimited = Admission(UNLIMITED)
    assert all(unlimited.connection(ENDPOINT, CONNECT, None, 0) and message(unlimited) for _ in range(20_000))


def test_each_route_has_its_own_bucket_and_spares_the_accounts() -> None:
    admission = Admission(AccountLimits(requests_per_s=0, request_burst=3))
    assert message(admission, ONCE)
    assert not any(message(admission, ONCE) for _ in range(10))
    assert message(admission, ONCE, RouteKey("other"))
    assert admission.connection(ENDPOINT, CONNECT, ONCE, 0)
    assert not admission.connection(ENDPOINT, CONNECT, ONCE, 0)
    assert message(admission)
    assert not message(admission), "three in all"


KEY = ApiKey("k1", "ada", "value")
MORNING = Now(moment("2026-09-25T10:00:00"), 0)


def subscription(throttle: Throttle | None = None, quota: Quota | None = None, key: ApiKey = KEY) -> Subscription:
    return Subscription(key, UsagePlan("p1", "plan", frozenset(), (key,), throttle, quota))


@pytest.mark.parity("P-326")
def test_a_quota_counts_what_was_admitted() -> None:
    admission, plan = Admission(), subscription(Throttle(1, 1), Quota(2, QuotaPeriod.DAY))
    at_ms = (0, 0, 1_000, 2_000)
    uses = [admission.key(plan, Now(MORNING.wall_ms, ms)) for ms in at_ms]
    assert uses == [KeyUse.ADMITTED, KeyUse.THROTTLED, KeyUse.ADMITTED, KeyUse.EXHAUSTED]
    assert admission.key(plan, Now(moment("2026-09-26T00:00:00"), 3_000)) is KeyUse.ADMITTED


def test_each_key_is_counted_by_itself() -> None:
    admission, quota = Admission(), Quota(1, QuotaPeriod.MONTH)
    other = ApiKey("k2", "bob", "other")
    assert admission.key(subscription(quota=quota), MORNING) is KeyUse.ADMITTED
    assert admission.key(subscription(quota=quota, key=other), MORNING) is KeyUse.ADMITTED
    assert admission.key(subscription(quota=quota), MORNING) is KeyUse.EXHAUSTED
    assert admission.key(subscription(), MORNING) is KeyUse.ADMITTED, "the quota was taken off the plan"


def test_a_redeploy_keeps_what_is_still_deployed() -> None:
    admission, quota = Admission(), Quota(1, QuotaPeriod.MONTH)
    plan = UsagePlan("p1", "plan", frozenset({(ENDPOINT.api.api_id, ENDPOINT.stage.stage_name)}), (KEY,), None, quota)
    with_plan = Directory(replace(definition(api(route("$default"))), usage_plans=(plan,)))
    without = Directory(definition(api(route("other"))))
    message(admission, ONCE)
    admission.key(Subscription(KEY, plan), MORNING)
    admission.keep(with_plan.deployments)
    assert not message(admission, ONCE)
    assert admission.key(Subscription(KEY, plan), MORNING) is KeyUse.EXHAUSTED
    admission.keep(without.deployments)
    assert message(admission, ONCE), "nobody deployed it, so it begins anew"
    assert admission.key(Subscription(KEY, plan), MORNING) is KeyUse.ADMITTED
