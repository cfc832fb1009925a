"""Who signs requests: the holders of access keys, and what their IAM policies let them do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.access.policy import Access, Decision, evaluate
from gateway.access.signature import Refusal


@dataclass(frozen=True, slots=True)
class Principal:
    """``session_token`` is set for temporary credentials; ``principal_id`` is IAM's unique ID (``AIDA…``), None to
    show the access key in its place; ``policies`` are parsed identity-based policies, None for "may do everything"."""

    account_id: str
    arn: str
    secret: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    principal_id: str | None = None
    policies: tuple[Mapping[str, Any], ...] | None = None

    @property
    def may_do_everything(self) -> bool:
        """Whether there is nothing to ask of any policy."""
        return self.policies is None

    def identity(self, access_key: str) -> dict[str, str]:
        """What ``requestContext.identity`` gains with ``AWS_IAM`` (parity 2.4)."""
        unique = self.principal_id or access_key
        return {
            "accessKey": access_key,
            "accountId": self.account_id,
            "caller": unique,
            "user": unique,
            "userArn": self.arn,
        }

    def decide(self, access: Access) -> Decision:
        """All policies together; one that is none allows nothing."""
        if self.policies is None:
            return Decision.ALLOWED
        decisions = {evaluate(policy, access) for policy in self.policies}
        if Decision.EXPLICIT_DENY in decisions:
            return Decision.EXPLICIT_DENY
        return Decision.ALLOWED if Decision.ALLOWED in decisions else Decision.IMPLICIT_DENY


class Principals(Protocol):
    """Whoever may sign."""

    def find(self, access_key: str, session_token: str | None, now_ms: int) -> Principal | Refusal:
        """The holder of a key, with the secret that it signs with; ``session_token`` is the one that came along, None
        without. ``now_ms`` is Unix time. Never raises."""


def unverified(access_key: str, account_id: str) -> Principal:
    """Whoever claims to hold ``access_key``, where no principals are configured."""
    return Principal(account_id, f"arn:aws:iam::{account_id}:user/{access_key}", secret="")
