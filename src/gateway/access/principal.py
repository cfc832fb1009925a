"""Who signs requests: the holders of access keys, and what their IAM policies let them do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from gateway.access.policy import Access, Decision, evaluate
from gateway.access.signature import Refusal

_TAG: Final = "aws:PrincipalTag/"
_COMPLETE: Final = (_TAG.lower(),)
_HARMLESS: Final = frozenset({Decision.ALLOWED, Decision.IMPLICIT_DENY})


@dataclass(frozen=True, slots=True)
class Principal:
    """``session_token`` is set for temporary credentials; ``principal_id`` is IAM's unique ID (``AIDA…``), None to
    show the access key in its place; ``policies`` are parsed identity-based policies, None for "may do everything";
    ``tags`` are all it has."""

    account_id: str
    arn: str
    secret: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    principal_id: str | None = None
    policies: tuple[Mapping[str, Any], ...] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

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
        """All policies together, with what conditions may ask of this principal; beside one that is no policy the
        others allow nothing."""
        if self.policies is None:
            return Decision.ALLOWED
        asked = replace(access, context={**access.context, **self._conditions()}, complete=_COMPLETE)
        decisions = {evaluate(policy, asked) for policy in self.policies}
        if Decision.EXPLICIT_DENY in decisions:
            return Decision.EXPLICIT_DENY
        return Decision.ALLOWED if decisions <= _HARMLESS and Decision.ALLOWED in decisions else Decision.IMPLICIT_DENY

    def _conditions(self) -> dict[str, str]:
        """The values of condition keys."""
        tags = {f"{_TAG}{name}": value for name, value in self.tags.items()}
        return {"aws:PrincipalArn": self.arn, "aws:PrincipalAccount": self.account_id, **tags}


class Principals(Protocol):
    """Whoever may sign."""

    def find(self, access_key: str, session_token: str | None, now_ms: int) -> Principal | Refusal:
        """The holder of a key, with the secret that it signs with; ``session_token`` is the one that came along, None
        without. ``now_ms`` is Unix time. Never raises."""


def unverified(access_key: str, account_id: str) -> Principal:
    """Whoever claims to hold ``access_key``, where no principals are configured."""
    return Principal(account_id, f"arn:aws:iam::{account_id}:user/{access_key}", secret="")
