"""Which values open a stage."""

from __future__ import annotations

from gateway.access.api_keys import Subscription, subscriptions
from gateway.model.ids import ApiId, StageName
from gateway.model.plan import ApiKey, UsagePlan

DEV = (ApiId("a1"), StageName("dev"))
PROD = (ApiId("a1"), StageName("prod"))
ADA, BOB = ApiKey("k1", "ada", "ada-value"), ApiKey("k2", "bob", "bob-value")
OFF = ApiKey("k3", "off", "off-value", enabled=False)


def test_only_enabled_keys_of_the_stages_own_plans() -> None:
    free = UsagePlan("p1", "free", frozenset({DEV}), (ADA, OFF))
    paid = UsagePlan("p2", "paid", frozenset({DEV, PROD}), (ADA, BOB))
    assert subscriptions([free, paid], *DEV) == {
        "ada-value": Subscription(ADA, free),
        "bob-value": Subscription(BOB, paid),
    }
    assert subscriptions([free], *PROD) == {}


def test_identity_and_no_value_in_a_log() -> None:
    subscription = Subscription(ADA, UsagePlan("p1", "free", frozenset(), (ADA,)))
    assert subscription.identity() == {"apiKey": "ada-value", "apiKeyId": "k1"}
    assert "ada-value" not in repr(subscription)
