"""A presigned ``sts:GetCallerIdentity``: read before it is passed on to STS, and what STS says of it.

Whoever signed it is whom STS names; nobody else could have. Passed on is only that one action, at the STS that is
trusted, signed for this fleet alone (``x-wsfleet-audience``) and not long ago. As Vault and EKS do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from gateway.access.grant import account_of
from gateway.access.signature import TERMINATOR, Claim, Refusal, read_claim
from gateway.model.backend import Pairs
from gateway.model.http import HttpRequest
from gateway.model.json_text import NotJson, read_bytes
from gateway.model.limits import SIGNATURE_SKEW_MS

AUDIENCE: Final = "x-wsfleet-audience"
NONCE: Final = "x-wsfleet-nonce"
MAX_IDENTITY_EXPIRES_S: Final = 900  # STS itself takes none that is older
_FIXED: Final = {"Action": "GetCallerIdentity", "Version": "2011-06-15", "X-Amz-Algorithm": "AWS4-HMAC-SHA256"}
_NEEDED: Final = frozenset(
    {*_FIXED, "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"}
)
_TOKEN: Final = "X-Amz-Security-Token"  # noqa: S105 - a parameter's name
_SIGNED: Final = frozenset({"host", AUDIENCE, NONCE})
_VALUE: Final = re.compile(r"[!-~]{1,256}")
_QUERY: Final = re.compile(r"[A-Za-z0-9\-._~%&=+/:;,]+")
_CODE: Final = re.compile(r"[A-Za-z.]{1,64}")


@dataclass(frozen=True, slots=True)
class Presigned:
    """What STS is asked: ``url`` and ``headers`` as signed. After ``over_at_ms`` (Unix time) it is too old."""

    url: str
    headers: Pairs
    signature: str
    over_at_ms: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom STS names."""

    arn: str
    user_id: str


def invalid(message: str) -> Refusal:
    return Refusal("ValidationException", message)


def denied(message: str) -> Refusal:
    return Refusal("AccessDeniedException", message)


NOT_AVAILABLE: Final = Refusal("ServiceUnavailableException", "STS did not answer; sign another request and try again")


def read_presigned(
    body: bytes, origins: Collection[str], audiences: Collection[str], now_ms: int
) -> Presigned | Refusal:
    """``{"url": …, "headers": {…}}``, or why it is not passed on. ``origins`` are ``https://HOST`` of the STS to ask,
    ``audiences`` the names of this fleet; ``now_ms`` is Unix time. Never raises."""
    try:
        document = read_bytes(body)
    except NotJson:
        document = None
    match document:
        case {"url": str(url), "headers": dict(headers), **more} if not more and _are_texts(headers):
            given = {name.lower(): str(value) for name, value in headers.items()}
        case _:
            return invalid('the body is not {"url": "https://sts…", "headers": {"x-wsfleet-audience": "…"}}')
    query = _query(url, origins)
    if isinstance(query, Refusal):
        return query
    wrong = _wrong_parameters(query)
    if wrong is not None:
        return wrong
    host = urlsplit(url).netloc
    request = HttpRequest("GET", "/", query, (("Host", host), *given.items()), b"", "", host)
    claim = read_claim(request)
    if isinstance(claim, Refusal):
        return invalid(claim.message)
    return _wrong_claim(claim, given, audiences, now_ms) or Presigned(
        url, tuple(given.items()), claim.signature, _over_at_ms(claim)
    )


def read_identity(status: int, body: bytes) -> Identity | Refusal:
    """What STS answers when it is asked for JSON. Never raises."""
    try:
        document = read_bytes(body)
    except NotJson:
        return NOT_AVAILABLE
    match document:
        case {
            "GetCallerIdentityResponse": {
                "GetCallerIdentityResult": {"Arn": str(arn), "UserId": str(user_id), "Account": str(account)}
            }
        } if status == 200 and account and account_of(arn) == account:
            return Identity(arn, user_id)
        case {"Error": {"Code": str(code)}} if 400 <= status < 500 and _CODE.fullmatch(code):
            return denied(f"STS does not know the caller: {code}")
    return NOT_AVAILABLE


def _are_texts(headers: Mapping[str, object]) -> bool:
    return len({name.lower() for name in headers}) == len(headers) and all(
        isinstance(value, str) and _VALUE.fullmatch(value) for value in headers.values()
    )


def _query(url: str, origins: Collection[str]) -> str | Refusal:
    """Of a URL that is exactly one of the origins with a query."""
    for origin in origins:
        if url.startswith(f"{origin}/?"):
            query = url[len(origin) + 2 :]
            return query if _QUERY.fullmatch(query) else invalid("the URL's query has characters that none has")
    return denied(f"the URL is not that of {' or '.join(sorted(origins))}/?Action=GetCallerIdentity…")


def _wrong_parameters(query: str) -> Refusal | None:
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    if len(given) != len(pairs) or not _NEEDED <= given.keys() <= _NEEDED | {_TOKEN}:
        return invalid("the URL's parameters are not those of a presigned GetCallerIdentity, each once and no others")
    for name, value in _FIXED.items():
        if given[name] != value:
            return denied(f"{name} is not {value}")
    return None


def _wrong_claim(claim: Claim, given: Mapping[str, str], audiences: Collection[str], now_ms: int) -> Refusal | None:
    signed = frozenset(claim.signed_headers)
    if not {"host", AUDIENCE} <= signed <= _SIGNED or signed - {"host"} != given.keys():
        return denied(f"host and {AUDIENCE} must be signed, {NONCE} may be, and no others be sent")
    if given[AUDIENCE] not in audiences:
        return denied(f"{AUDIENCE} is not API/STAGE of this fleet")
    if claim.credential.service != "sts" or claim.credential.terminator != TERMINATOR:
        return denied("it is not signed for the service sts")
    if claim.expires_s is None or claim.expires_s > MAX_IDENTITY_EXPIRES_S:
        return denied(f"X-Amz-Expires is more than {MAX_IDENTITY_EXPIRES_S} seconds")
    if claim.signed.at_s * 1000 > now_ms + SIGNATURE_SKEW_MS:
        return denied("X-Amz-Date is in the future")
    if now_ms > _over_at_ms(claim):
        return denied("it has expired: sign another one")
    return None


def _over_at_ms(claim: Claim) -> int:
    return (claim.signed.at_s + (claim.expires_s or 0)) * 1000
