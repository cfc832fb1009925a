"""What ``wsfleet serve`` refuses to be exposed with, before anything is started: a laptop's habits on a network.

Only an address of this machine alone (loopback) is no network.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from gateway.model.errors import UserError
from gateway.settings import ServeSettings
from gateway.station import own_keys
from gateway.system.private_file import check_private

# What the documents of moto, LocalStack, DynamoDB Local and the like have everybody use as a secret.
EVERYBODYS: Final = frozenset(("test", "testing", "dummy", "fake", "foobar", "local", "localstack", "mock"))


def check_exposure(settings: ServeSettings) -> None:
    """Raises UserError for what a stranger could make use of."""
    if not is_loopback(settings.host):
        _check_callers(settings)
        _check_certificates(settings)
    check_private(settings.key_file)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there; a name but localhost may lead anywhere."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _check_callers(settings: ServeSettings) -> None:
    if settings.no_auth:
        if not settings.no_auth_on_network:
            raise UserError(
                f"with no_auth whoever reaches {settings.host} could speak to every client, and end every connection",
                "leave --no-auth out; or add --no-auth-on-network where your network lets trusted callers in only",
            )
    elif (keys := own_keys(settings)) is not None and keys.secret_access_key.lower() in EVERYBODYS:
        raise UserError(
            f"this node has keys that everybody uses with emulators: whoever reaches {settings.host} would be believed",
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to keys of your own; an emulator takes those too",
        )


def _check_certificates(settings: ServeSettings) -> None:
    if settings.tls_port is not None and not settings.has_certificates:
        raise UserError(
            f"the certificate for {settings.host} would be signed by this machine's own authority, as on a laptop",
            "name a certificate: --tls-cert-file and --tls-key-file; or leave --tls-port to a balancer that ends TLS",
        )
