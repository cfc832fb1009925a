"""API keys as a stage knows them: which values open it, and under which usage plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from gateway.model.ids import ApiId, StageName
from gateway.model.plan import ApiKey, UsagePlan


class KeySource(Enum):
    """Api.ApiKeySelectionExpression: where the key's value comes from (parity 3.2)."""

    HEADER = "$request.header.x-api-key"
    AUTHORIZER = "$context.authorizer.usageIdentifierKey"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A key's place in a usage plan: what is counted and throttled together."""

    key: ApiKey
    plan: UsagePlan

    def identity(self) -> dict[str, str]:
        """What ``requestContext.identity`` gains (parity 2.4)."""
        return {"apiKey": self.key.value, "apiKeyId": self.key.key_id}


def subscriptions(plans: Iterable[UsagePlan], api_id: ApiId, stage: StageName) -> Mapping[str, Subscription]:
    """The enabled keys of one stage by value; of a key in several plans the first counts (AWS allows one per stage)."""
    found: dict[str, Subscription] = {}
    for plan in plans:
        if (api_id, stage) in plan.stages:
            for key in plan.keys:
                if key.enabled:
                    found.setdefault(key.value, Subscription(key, plan))
    return found
