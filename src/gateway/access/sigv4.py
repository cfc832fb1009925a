"""AWS Signature Version 4, verified: is this request from the holder of an access key (parity 1.3, 6.2, 7.4)?

Where principals are configured everything is checked, in AWS's order. Where none are (a laptop) a signature must be
there and readable, and whoever it names is believed: tests sign with invented keys.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Final

from gateway.access.canonical import canonical_requests, wire
from gateway.access.policy import Access, Decision
from gateway.access.principal import Principal, Principals, unverified
from gateway.access.signature import (
    ALGORITHM,
    TERMINATOR,
    Claim,
    Credential,
    Refusal,
    basic_format,
    read_claim,
)
from gateway.model.hot_value import hot_value
from gateway.model.http import HttpRequest
from gateway.model.limits import SIGNATURE_SKEW_MS

SERVICE: Final = "execute-api"
INVALID_TOKEN: Final = Refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
_MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
_BLOCK_BYTES: Final = 64  # of SHA-256
_READY_KEYS: Final = 256  # some 500 bytes each; only who is known and in time gets that far, so strangers displace none
_SKEW: Final = timedelta(milliseconds=SIGNATURE_SKEW_MS)


@hot_value
class Realm:
    """Where signatures must be meant for; ``account_id`` owns whoever is believed unverified."""

    region: str
    account_id: str


@hot_value
class Signed:
    """A request by ``principal``, whose key is ``access_key``."""

    access_key: str
    principal: Principal

    def identity(self) -> Mapping[str, str]:
        """What ``requestContext.identity`` gains."""
        return self.principal.identity(self.access_key)

    def refusal(self, access: Access) -> Refusal | None:
        """Why the principal may not do this, None when its policies let it; with AWS's capital ``Message``."""
        decision = self.principal.decide(access)
        if decision is Decision.ALLOWED:
            return None
        why = (
            "with an explicit deny in an identity-based policy"
            if decision is Decision.EXPLICIT_DENY
            else f"because no identity-based policy allows the {access.action} action"
        )
        message = (
            f"User: {self.principal.arn} is not authorized to perform: {access.action} "
            f"on resource: {_masked(access.resource)} {why}"
        )
        return Refusal("AccessDeniedException", message, member="Message")


def authenticate(request: HttpRequest, realm: Realm, principals: Principals | None, now_ms: int) -> Signed | Refusal:
    """Who signed the request, or why that cannot be told. ``now_ms`` is Unix time. Never raises."""
    claim = read_claim(request)
    if isinstance(claim, Refusal):
        return claim
    access_key = claim.credential.access_key
    if principals is None:
        return Signed(access_key, unverified(access_key, realm.account_id))
    wrong = _untimely(claim, datetime.fromtimestamp(now_ms // 1000, UTC)) or _out_of_scope(claim, realm)
    if wrong is not None:
        return wrong
    principal = principals.get(access_key)
    if principal is None or not _same(claim.session_token or "", principal.session_token or ""):
        return INVALID_TOKEN
    return _mismatch(request, claim, principal) or Signed(access_key, principal)


def _untimely(claim: Claim, now: datetime) -> Refusal | None:
    signed_at, timestamp = claim.signed
    if signed_at > now + _SKEW:
        bound = f"{basic_format(now + _SKEW)} ({basic_format(now)} + {_minutes(_SKEW)})"
        return _invalid(f"Signature not yet current: {timestamp} is still later than {bound}")
    lifetime = _SKEW if claim.expires_s is None else timedelta(seconds=claim.expires_s)
    if signed_at + lifetime < now:
        bound = f"{basic_format(now - lifetime)} ({basic_format(now)} - {_minutes(lifetime)})"
        return _invalid(f"Signature expired: {timestamp} is now earlier than {bound}")
    return None


def _minutes(span: timedelta) -> str:
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    return f"{minutes} min." if not seconds else f"{minutes} min. {seconds} s"


def _out_of_scope(claim: Claim, realm: Realm) -> Refusal | None:
    credential, timestamp = claim.credential, claim.signed.timestamp
    if "host" not in claim.signed_headers:
        return _invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    if credential.terminator != TERMINATOR:
        return _invalid(
            f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{credential.terminator}'."
        )
    if credential.service != SERVICE:
        return _invalid(f"Credential should be scoped to correct service: '{SERVICE}'. ")
    if credential.region != realm.region:
        return _invalid(f"Credential should be scoped to a valid region, not '{credential.region}'. ")
    if credential.date != timestamp[:8]:
        return _invalid(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{credential.date}' != '{timestamp[:8]}', from '{timestamp}'."
        )
    return None


def _mismatch(request: HttpRequest, claim: Claim, principal: Principal) -> Refusal | None:
    """None when the signature is right; the text shows what should have been signed, as AWS does."""
    canonical = canonical_requests(request, claim.signed_headers)
    to_sign = [_string_to_sign(claim, each) for each in canonical]
    key = _ready_key(principal.secret, claim.credential)
    if any([_same(key.sign(each), claim.signature) for each in to_sign]):
        return None
    return _invalid(
        f"{_MISMATCH}\n\nThe Canonical String for this request should have been\n'{_shown(canonical[0])}'\n\n"
        f"The String-to-Sign should have been\n'{to_sign[0]}'\n"
    )


def _string_to_sign(claim: Claim, canonical: bytes) -> str:
    digest = sha256(canonical).hexdigest()
    return f"{ALGORITHM}\n{claim.signed.timestamp}\n{claim.credential.scope}\n{digest}"


def signing_key(secret: str, credential: Credential) -> bytes:
    """The key of one day, region and service."""
    key = f"AWS4{secret}".encode()
    for part in (credential.date, credential.region, credential.service, credential.terminator):
        key = hmac.digest(key, wire(part), "sha256")
    return key


class _ReadyKey:
    """HMAC (RFC 2104) by one key, its two halves begun once: less than half of ``hmac.digest`` for each signature."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def sign(self, text: str) -> str:
        """In hexadecimal."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(wire(text))
        outer.update(inner.digest())
        return outer.hexdigest()


@lru_cache(maxsize=_READY_KEYS)
def _ready_key(secret: str, credential: Credential) -> _ReadyKey:
    """By access key, date, region and service; and by secret, so that one that was replaced signs nothing."""
    return _ReadyKey(signing_key(secret, credential))


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(wire(one), wire(other))


def _shown(canonical: bytes) -> str:
    return canonical.decode("utf-8", "replace")


def _invalid(message: str) -> Refusal:
    return Refusal("InvalidSignatureException", message)


def _masked(arn: str) -> str:
    """The account's last four digits only (parity 7.4)."""
    parts = arn.split(":")
    if len(parts) > 4:
        parts[4] = f"{'*' * max(len(parts[4]) - 4, 0)}{parts[4][-4:]}"
    return ":".join(parts)
