"""What a file of principals says, entry by entry, before anything that it refers to is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Policy = Path | Mapping[str, Any]
"""In a file of its own (JSON), or on the spot."""


@dataclass(frozen=True, slots=True)
class InFile:
    """The secret is all of a file, without the line's end."""

    path: Path

    def __str__(self) -> str:
        return f"file {self.path}"


@dataclass(frozen=True, slots=True)
class InVariable:
    """The secret is in a variable of the node's environment."""

    name: str

    def __str__(self) -> str:
        return f"variable {self.name}"


@dataclass(frozen=True, slots=True)
class InManager:
    """AWS Secrets Manager has it; ``member`` names one of a secret that is a JSON object, None: all of it."""

    arn: str
    member: str | None = None

    def __str__(self) -> str:
        return f"secret {self.arn}" + (f" ({self.member})" if self.member else "")


@dataclass(frozen=True, slots=True)
class OnTheSpot:
    """In the file of principals itself."""

    secret: str = field(repr=False)

    def __str__(self) -> str:
        return "here"


Place = InFile | InVariable | InManager | OnTheSpot


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """``created`` is whatever the file says, empty when nothing."""

    access_key: str
    place: Place
    created: str = ""


@dataclass(frozen=True, slots=True)
class PrincipalEntry:
    """``principal_id`` is IAM's unique ID, None when the file has none."""

    arn: str
    keys: tuple[KeyEntry, ...]
    policies: tuple[Policy, ...]
    tags: Mapping[str, str]
    principal_id: str | None = None


@dataclass(frozen=True, slots=True)
class GrantEntry:
    """For callers whom IAM vouches for; ``arn`` is a pattern."""

    arn: str
    policies: tuple[Policy, ...]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entries:
    """All of a file."""

    principals: tuple[PrincipalEntry, ...] = ()
    grants: tuple[GrantEntry, ...] = ()

    def holder_of(self, access_key: str) -> PrincipalEntry | None:
        for each in self.principals:
            if any(key.access_key == access_key for key in each.keys):
                return each
        return None
