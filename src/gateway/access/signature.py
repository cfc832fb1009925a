"""What a request says of its own signature (Signature Version 4): in the ``Authorization`` header or in the query.

Only read here, not believed: ``sigv4`` decides. Texts of refusals are AWS's own.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from gateway.model.http import HttpRequest
from gateway.model.limits import MAX_PRESIGNED_EXPIRES_S

ALGORITHM: Final = "AWS4-HMAC-SHA256"
TERMINATOR: Final = "aws4_request"
SIGNATURE_PARAMETER: Final = "X-Amz-Signature"
UNSIGNED_PAYLOAD: Final = "UNSIGNED-PAYLOAD"
_PAYLOAD: Final = "x-amz-content-sha256"
_STREAMING: Final = "STREAMING-"  # how every kind of chunk-signed or trailing payload begins
_BASIC_FORMAT: Final = "%Y%m%dT%H%M%SZ"
_BASIC_DATE: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_REMEMBERED: Final = 256  # beginnings of headers, dates; those of one key, day and second recur all the time

Fields = Mapping[str, str]
"""The last value of each header, by its name in lower case."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """403 with ``x-amzn-ErrorType`` and a message; ``member`` is the document's member it stands in."""

    error_type: str
    message: str
    member: str = "message"


MISSING_TOKEN: Final = Refusal("MissingAuthenticationTokenException", "Missing Authentication Token")


def incomplete(message: str) -> Refusal:
    return Refusal("IncompleteSignatureException", message)


@dataclass(frozen=True, slots=True)
class Credential:
    """``{access key}/{yyyymmdd}/{region}/{service}/aws4_request``, as claimed."""

    access_key: str
    date: str
    region: str
    service: str
    terminator: str

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/{self.terminator}"


class Instant(NamedTuple):
    """To the second: Unix time, and the same in ISO 8601's basic format."""

    at_s: int
    timestamp: str


class Claim(NamedTuple):
    """``expires_s`` is set for a presigned query only; ``unsigned_payload``: the signature does not cover the body."""

    credential: Credential
    signed_headers: tuple[str, ...]
    signature: str
    signed: Instant
    expires_s: int | None
    session_token: str | None
    unsigned_payload: bool = False


def basic_format(at_s: int) -> str:
    """Unix time as ``20260925T002250Z``."""
    at = datetime.fromtimestamp(at_s, UTC)
    return f"{at.year:04}{at:%m%dT%H%M%SZ}"


def read_claim(request: HttpRequest) -> Claim | Refusal:
    """The signature a request carries; MISSING_TOKEN when there is none."""
    fields = request.fields
    authorization = fields.get("authorization")
    payload = fields.get(_PAYLOAD)
    if authorization is not None and authorization.startswith("AWS4-"):
        claim = _as_sdks_write(fields, authorization) or _in_header(fields, authorization)
    else:
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        if "X-Amz-Algorithm" not in query and SIGNATURE_PARAMETER not in query:
            return MISSING_TOKEN if authorization is None else _unread(authorization, _header_lacks({}, fields))
        claim = _in_query(query)
        payload = payload or next((query[name] for name in query if name.lower() == _PAYLOAD), None)
    return claim if payload is None or isinstance(claim, Refusal) else _with_payload(claim, payload)


def _with_payload(claim: Claim, payload: str) -> Claim | Refusal:
    """By what the signer says of the body; a hash is not looked at, for the body has its own."""
    if payload.startswith(_STREAMING):
        return incomplete(
            f"x-amz-content-sha256 '{payload[:64]}' is not supported by service 'execute-api': a body that is signed "
            f"in chunks, or has a trailer, is not taken. Sign the whole body, or send '{UNSIGNED_PAYLOAD}'."
        )
    return claim._replace(unsigned_payload=True) if payload == UNSIGNED_PAYLOAD else claim


def _as_sdks_write(fields: Fields, authorization: str) -> Claim | None:
    """What ``_in_header`` reads where the signature comes last and nothing is wrong, at a tenth of its cost: all but
    the signature is the same in every request that one key signs in one second. None for anything else."""
    before, _, signature = authorization.rpartition(", Signature=")
    signer = _signer(before) if signature.isalnum() else None
    signed = _instant(fields.get("x-amz-date") or fields.get("date") or "")
    if signer is None or signed is None:
        return None
    return Claim(*signer, signature, signed, None, fields.get("x-amz-security-token"))


@lru_cache(maxsize=_REMEMBERED)
def _signer(before: str) -> tuple[Credential, tuple[str, ...]] | None:
    """Who signed which headers, by an ``Authorization`` up to its signature; None when there is anything to refuse."""
    algorithm, _, rest = before.partition(" ")
    given = dict(_pair(part) for part in rest.split(","))
    parts = given.get("Credential", "").rsplit("/", 4)
    signed_headers = given.get("SignedHeaders")
    if algorithm != ALGORITHM or len(parts) != 5 or not parts[0] or not signed_headers:
        return None
    return Credential(*parts), _names(signed_headers)


def _in_header(fields: Fields, authorization: str) -> Claim | Refusal:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        return incomplete(f"Unsupported AWS 'algorithm': '{algorithm[:32]}'.")
    given = dict(_pair(part) for part in rest.split(","))
    lacking = _header_lacks(given, fields)
    if lacking:
        return _unread(authorization, lacking)
    date = fields.get("x-amz-date") or fields.get("date") or ""
    claim = _claim(given["Credential"], given["SignedHeaders"], given["Signature"], date)
    if isinstance(claim, Refusal):
        return claim
    return Claim(*claim, expires_s=None, session_token=fields.get("x-amz-security-token"))


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.strip().partition("=")
    return name, value


def _header_lacks(given: Mapping[str, str], fields: Fields) -> list[str]:
    lacking = [
        f"Authorization header requires '{name}' parameter."
        for name in ("Credential", "Signature", "SignedHeaders")
        if not given.get(name)
    ]
    if "x-amz-date" not in fields and "date" not in fields:
        lacking.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    return lacking


def _unread(authorization: str, lacking: list[str]) -> Refusal:
    digest = b64encode(sha256(authorization.encode("utf-8", "surrogatepass")).digest()).decode("ascii")
    told = f"(Hashed with SHA-256 and encoded with Base64) Authorization={digest}"
    return incomplete(" ".join([*lacking, told]))


_QUERY_NEEDS: Final = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", SIGNATURE_PARAMETER)


def _in_query(query: Mapping[str, str]) -> Claim | Refusal:
    lacking = [f"AWS query-string parameters must include '{name}'." for name in _QUERY_NEEDS if not query.get(name)]
    if lacking:
        return incomplete(f"{' '.join(lacking)} Re-examine the query-string parameters.")
    if query["X-Amz-Algorithm"] != ALGORITHM:
        return incomplete(f"Unsupported AWS 'algorithm': '{query['X-Amz-Algorithm'][:32]}'.")
    expires = query.get("X-Amz-Expires", "")
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 9):
        return incomplete("X-Amz-Expires should be a number")
    if int(expires) > MAX_PRESIGNED_EXPIRES_S:
        return incomplete(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less "
            f"than {MAX_PRESIGNED_EXPIRES_S} seconds"
        )
    claim = _claim(
        query["X-Amz-Credential"], query["X-Amz-SignedHeaders"], query[SIGNATURE_PARAMETER], query["X-Amz-Date"]
    )
    if isinstance(claim, Refusal):
        return claim
    return Claim(*claim, expires_s=int(expires), session_token=query.get("X-Amz-Security-Token"))


def _claim(
    credential: str, signed_headers: str, signature: str, date: str
) -> tuple[Credential, tuple[str, ...], str, Instant] | Refusal:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or not parts[0]:
        return incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{credential[:200]}'"
        )
    signed = _instant(date)
    if signed is None:
        return incomplete(
            f"Date must be in ISO-8601 'basic format'. Got '{date[:40]}'. See http://en.wikipedia.org/wiki/ISO_8601"
        )
    return Credential(*parts), _names(signed_headers), signature, signed


def _names(signed_headers: str) -> tuple[str, ...]:
    return tuple(sorted({name.strip().lower() for name in signed_headers.split(";")}))


@lru_cache(maxsize=_REMEMBERED)
def _instant(text: str) -> Instant | None:
    """ISO 8601's basic format, or HTTP's own for a ``Date`` header."""
    try:
        if _BASIC_DATE.fullmatch(text):
            at = datetime.strptime(text, _BASIC_FORMAT).replace(tzinfo=UTC)
        else:
            at = parsedate_to_datetime(text).astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None
    return Instant(int(at.timestamp()), at.strftime(_BASIC_FORMAT))
