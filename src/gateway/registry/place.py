"""Where requests to DynamoDB go, and whose keys sign them.

Mostly the endpoint says both. What it leaves to AWS's own rules, its URL or whoever the SDK's chain finds, botocore is
asked for, and loaded only then.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

from gateway.model.aws import AwsEndpoint, Credentials


@dataclass(frozen=True, slots=True)
class Place:
    """``keys`` are given ones, or botocore's, which may have to be renewed; ``where`` names the table for errors."""

    url: str
    keys: Credentials | Any
    where: str

    def fresh_keys(self) -> Credentials | None:
        """The keys, None when they have to be renewed first."""
        if isinstance(self.keys, Credentials):
            return self.keys
        from gateway.registry.session import fresh  # loaded already: these are its keys

        return fresh(self.keys)

    def renewed_keys(self) -> Credentials:
        """The keys. Blocks; raises RegistryUnavailable when they cannot be had."""
        from gateway.registry.session import renewed

        return renewed(self.keys, self.where)


def find_place(endpoint: AwsEndpoint, where: str) -> Place:
    """Blocks; raises RegistryUnavailable when there are no keys."""
    if endpoint.url is not None and endpoint.credentials is not None:
        return Place(endpoint.url, endpoint.credentials, where)
    from gateway.registry.session import located  # brings botocore: 20 MB

    return Place(*located(endpoint, where), where)


def tls_for(endpoint: AwsEndpoint) -> ssl.SSLContext:
    """The roots are the endpoint's, else those that botocore checks other calls with."""
    if endpoint.ca_bundle is not None:
        return ssl.create_default_context(cafile=endpoint.ca_bundle)
    from gateway.registry.session import public_roots

    return ssl.create_default_context(cafile=public_roots())
