"""The heads of requests to DynamoDB, signed by Signature Version 4 with a key that is derived once a day."""

from __future__ import annotations

import hmac
import time
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlsplit

from gateway.access.signature import ALGORITHM, TERMINATOR, Credential
from gateway.access.sigv4 import signing_key
from gateway.model.aws import Credentials

SERVICE: Final = "dynamodb"
CONTENT_TYPE: Final = "application/x-amz-json-1.0"


class SignedHead:
    """Heads of one operation at one endpoint, which is where they are sent: ``host`` as its ``Host`` header says it."""

    def __init__(self, url: str, region: str, operation: str) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc.rpartition("@")[2]
        self._region = region
        self._target = f"DynamoDB_20120810.{operation}"
        self._path = quote(parts.path or "/", safe="/~%")
        self._signed_path = quote(self._path, safe="/~")
        self._derived: tuple[str, Credentials] | None = None
        self._key = b""

    def of(self, body: bytes, keys: Credentials, at_s: float) -> bytes:
        """Request line and headers, with the empty line; ``at_s`` is Unix time."""
        timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at_s))
        date = timestamp[:8]
        token = keys.session_token
        names = "content-type;host;x-amz-date;" + ("x-amz-security-token;" if token else "") + "x-amz-target"
        signed = f"content-type:{CONTENT_TYPE}\nhost:{self.host}\nx-amz-date:{timestamp}\n"
        signed += (f"x-amz-security-token:{token}\n" if token else "") + f"x-amz-target:{self._target}\n"
        canonical = f"POST\n{self._signed_path}\n\n{signed}\n{names}\n{sha256(body).hexdigest()}"
        scope = f"{date}/{self._region}/{SERVICE}/{TERMINATOR}"
        to_sign = f"{ALGORITHM}\n{timestamp}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._key_of(date, keys), to_sign.encode(), "sha256").hex()
        return (
            f"POST {self._path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: {CONTENT_TYPE}\r\n"
            f"X-Amz-Date: {timestamp}\r\nX-Amz-Target: {self._target}\r\n"
            + (f"X-Amz-Security-Token: {token}\r\n" if token else "")
            + f"Authorization: {ALGORITHM} Credential={keys.access_key_id}/{scope}, SignedHeaders={names}, "
            f"Signature={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()

    def _key_of(self, date: str, keys: Credentials) -> bytes:
        if self._derived != (date, keys):
            credential = Credential(keys.access_key_id, date, self._region, SERVICE, TERMINATOR)
            self._key = signing_key(keys.secret_access_key, credential)
            self._derived = (date, keys)
        return self._key
