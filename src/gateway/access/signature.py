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
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl

from gateway.model.http import HttpRequest
from gateway.model.limits import MAX_PRESIGNED_EXPIRES_S

ALGORITHM: Final = "AWS4-HMAC-SHA256"
TERMINATOR: Final = "aws4_request"
SIGNATURE_PARAMETER: Final = "X-Amz-Signature"
_BASIC_FORMAT: Final = "%Y%m%dT%H%M%SZ"
_BASIC_DATE: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")


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


@dataclass(frozen=True, slots=True)
class Claim:
    """``signed_at`` to the second, in UTC; ``expires_s`` is set for a presigned query only."""

    credential: Credential
    signed_headers: tuple[str, ...]
    signature: str
    signed_at: datetime
    expires_s: int | None
    session_token: str | None

    @property
    def timestamp(self) -> str:
        return basic_format(self.signed_at)


def basic_format(moment: datetime) -> str:
    """``20260925T002250Z``."""
    return moment.strftime(_BASIC_FORMAT)


def read_claim(request: HttpRequest) -> Claim | Refusal:
    """The signature a request carries; MISSING_TOKEN when there is none."""
    authorization = request.header("authorization")
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    if authorization is not None and authorization.startswith("AWS4-"):
        return _in_header(request, authorization)
    if "X-Amz-Algorithm" in query or SIGNATURE_PARAMETER in query:
        return _in_query(query)
    return MISSING_TOKEN if authorization is None else _unread(authorization, _header_lacks({}, request))


def _in_header(request: HttpRequest, authorization: str) -> Claim | Refusal:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        return incomplete(f"Unsupported AWS 'algorithm': '{algorithm[:32]}'.")
    given = dict(_pair(part) for part in rest.split(","))
    lacking = _header_lacks(given, request)
    if lacking:
        return _unread(authorization, lacking)
    date = request.header("x-amz-date") or request.header("date") or ""
    claim = _claim(given["Credential"], given["SignedHeaders"], given["Signature"], date)
    if isinstance(claim, Refusal):
        return claim
    return Claim(*claim, expires_s=None, session_token=request.header("x-amz-security-token"))


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.strip().partition("=")
    return name, value


def _header_lacks(given: Mapping[str, str], request: HttpRequest) -> list[str]:
    lacking = [
        f"Authorization header requires '{name}' parameter."
        for name in ("Credential", "Signature", "SignedHeaders")
        if not given.get(name)
    ]
    if request.header("x-amz-date") is None and request.header("date") is None:
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
) -> tuple[Credential, tuple[str, ...], str, datetime] | Refusal:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or not parts[0]:
        return incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{credential[:200]}'"
        )
    signed_at = _moment(date)
    if signed_at is None:
        return incomplete(
            f"Date must be in ISO-8601 'basic format'. Got '{date[:40]}'. See http://en.wikipedia.org/wiki/ISO_8601"
        )
    names = tuple(sorted({name.strip().lower() for name in signed_headers.split(";")}))
    return Credential(*parts), names, signature, signed_at


def _moment(text: str) -> datetime | None:
    """ISO 8601's basic format, or HTTP's own for a ``Date`` header."""
    try:
        if _BASIC_DATE.fullmatch(text):
            return datetime.strptime(text, _BASIC_FORMAT).replace(tzinfo=UTC)
        return parsedate_to_datetime(text).astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None
