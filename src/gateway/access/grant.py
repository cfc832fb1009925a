"""What callers whom IAM vouches for may do: policies by patterns of their ARNs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.access.wildcard import matches

_ASSUMED: Final = re.compile(r"arn:(aws[a-z-]*):sts::([0-9]{12}):assumed-role/([^/]+)/.+")
_PATTERN: Final = re.compile(r"arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:\S+")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, slots=True)
class Grant:
    """``arn`` is a pattern with IAM's wildcards; ``policies`` are identity-based and have been checked."""

    arn: str
    policies: tuple[Mapping[str, Any], ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


def granted(grants: Iterable[Grant], arn: str) -> Grant | None:
    """All that is granted to ``arn`` together, None when nothing is meant for it. Of a tag the last one counts."""
    found = [grant for grant in grants if covers(grant.arn, arn)]
    if not found:
        return None
    tags = {name: value for grant in found for name, value in grant.tags.items()}
    return Grant(arn, tuple(policy for grant in found for policy in grant.policies), tags)


def covers(pattern: str, arn: str) -> bool:
    """Whether a pattern is meant for this caller; one of an account's ID alone is for everybody in it. STS calls the
    session of a role ``assumed-role/NAME/SESSION``: the role's own ARN, without its path, is meant for it too."""
    if _ACCOUNT.fullmatch(pattern):
        return account_of(arn) == pattern
    role = _ASSUMED.fullmatch(arn)
    return matches(pattern, arn) or (
        role is not None and matches(pattern, "arn:{}:iam::{}:role/{}".format(*role.groups()))
    )


def is_pattern(text: str) -> bool:
    """Whether it names one account at least, so that no stranger's role of the same name is meant."""
    return bool(_PATTERN.fullmatch(text))


def is_account(text: str) -> bool:
    return bool(_ACCOUNT.fullmatch(text))


def account_of(arn: str) -> str:
    """Twelve digits; empty for what is no ARN of IAM's."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 else ""
