"""Posts as SDKs send them: signed by Signature Version 4, each for itself, before the clock runs."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import quote

SERVICE: Final = "execute-api"
_ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Keys:
    access_key: str
    secret: str
    region: str


def signing_key(keys: Keys, date: str) -> bytes:
    """Of one day; ``date`` as YYYYMMDD."""
    key = f"AWS4{keys.secret}".encode()
    for part in (date, keys.region, SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signed_post(keys: Keys, host: str, path: str, body: bytes, at_s: float | None = None) -> bytes:
    """The whole request, as boto3 sends it; ``path`` is as it goes over the wire, ``at_s`` Unix time, None for now."""
    timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() if at_s is None else at_s))
    scope = f"{timestamp[:8]}/{keys.region}/{SERVICE}/aws4_request"
    canonical = (
        f"POST\n{quote(path, safe='/~-._')}\n\nhost:{host}\nx-amz-date:{timestamp}\n\nhost;x-amz-date\n"
        f"{sha256(body).hexdigest()}"
    )
    to_sign = f"{_ALGORITHM}\n{timestamp}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(signing_key(keys, timestamp[:8]), to_sign.encode(), "sha256").hex()
    return _post(
        host,
        path,
        f"X-Amz-Date: {timestamp}\r\nAuthorization: {_ALGORITHM} Credential={keys.access_key}/{scope}, "
        f"SignedHeaders=host;x-amz-date, Signature={signature}\r\n",
        body,
    )


def plain_post(host: str, path: str, body: bytes) -> bytes:
    """For peers that read no signature: the same without one."""
    return _post(host, path, "", body)


def _post(host: str, path: str, fields: str, body: bytes) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: identity\r\n"
        "User-Agent: Boto3/1.43 md/Botocore#1.43 ua/2.1 os/linux lang/python#3.11 cfg/retry-mode#legacy\r\n"
        f"{fields}amz-sdk-invocation-id: 5d4f1c1e-6a4b-4e5e-9c68-0c9f1b2a3d4e\r\namz-sdk-request: attempt=1\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
