"""Requests signed by botocore's own signers, as the gateway would read them from the wire."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gateway.access.principal import Principal
from gateway.access.signature import Claim, read_claim
from gateway.access.sigv4 import Realm
from gateway.model.http import HttpRequest

REALM = Realm("us-east-1", "123456789012")
KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ARN = "arn:aws:iam::123456789012:user/ada"
HOST = "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"


def principal(**changes: object) -> Principal:
    values: dict[str, object] = {"account_id": REALM.account_id, "arn": ARN, "secret": SECRET}
    return Principal(**(values | changes))  # type: ignore[arg-type]


PRINCIPALS = {KEY: principal()}


def signed(
    path: str = "/dev",
    query: str = "",
    headers: Iterable[tuple[str, str]] = (),
    *,
    method: str = "GET",
    body: bytes = b"",
    presigned: bool = False,
    expires_s: int = 300,
    token: str | None = None,
    region: str = REALM.region,
    service: str = "execute-api",
    secret: str = SECRET,
    host: str = HOST,
) -> HttpRequest:
    url = f"https://{host}{path}{f'?{query}' if query else ''}"
    request = AWSRequest(method=method, url=url, data=body)
    for name, value in headers:
        request.headers[name] = value
    credentials = Credentials(KEY, secret, token)
    signer = (
        SigV4QueryAuth(credentials, service, region, expires_s)
        if presigned
        else SigV4Auth(credentials, service, region)
    )
    signer.add_auth(request)
    parts = urlsplit(str(request.url))
    sent = [("Host", host), *((name, _as_read(value)) for name, value in request.headers.items())]
    return HttpRequest(method, parts.path, parts.query, tuple(sent), body, "192.0.2.1", host)


def _as_read(value: str | bytes) -> str:
    """Clients write UTF-8, heads are read as Latin-1."""
    return (value if isinstance(value, bytes) else value.encode("utf-8")).decode("latin-1")


def signing_time_ms(request: HttpRequest) -> int:
    """When botocore's own clock said it was."""
    claim = read_claim(request)
    assert isinstance(claim, Claim)
    return int(claim.signed.at.timestamp() * 1000)


def moment(text: str) -> int:
    """Milliseconds of an ISO time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
