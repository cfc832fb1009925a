"""Where AWS is for these calls: one URL for every service (an emulator), or AWS's own hosts by region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from gateway.model.aws import AwsEndpoint
from gateway.upstream.credentials import CredentialSource, FixedCredentials


@dataclass(frozen=True, slots=True)
class AwsPlace:
    """``region`` is meant where a target names none; ``url`` None is AWS itself. ``assumes_roles``: whether a
    ``CredentialsArn`` is assumed, which an emulator has no use for."""

    region: str
    credentials: CredentialSource
    url: str | None = None
    assumes_roles: bool = True

    @classmethod
    def emulator(cls, endpoint: AwsEndpoint) -> Self:
        assert endpoint.url is not None and endpoint.credentials is not None, "not AWS itself, nor somebody's own keys"
        return cls(endpoint.region, FixedCredentials(endpoint.credentials), endpoint.url, assumes_roles=False)

    def origin(self, host: str) -> str:
        """Scheme, host and leading path of the service whose own host is ``host``."""
        return f"https://{host}" if self.url is None else self.url.rstrip("/")
