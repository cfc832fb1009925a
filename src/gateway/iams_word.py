"""``POST /@fleet/sts``: a caller whom IAM vouches for gets a short-lived key. An extension, on a path of its own.

    caller ── presigned GetCallerIdentity ──▶ node ── the same, once ──▶ STS
           ◀── key, secret, session token ──      ◀── ARN ──

No stage and no base path can begin with ``@``, so no application meets the path. Nothing is written: the key is made
from what it stands for and the fleet's key, so every node tells it (``access.session``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from gateway.access.caller_identity import NOT_AVAILABLE, Presigned, denied, invalid, read_identity, read_presigned
from gateway.access.session import Session, SessionKeys
from gateway.access.signature import Refusal
from gateway.callers import Vouched
from gateway.model.backend import UpstreamRequest
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.invocation import Answered
from gateway.ports import Clock, HttpAnswer, HttpService, Ids, Upstreams

PATH: Final = "/@fleet/sts"
SESSION_MS: Final = 60 * 60 * 1000  # as AWS's own AssumeRole by default
MAX_BODY_BYTES: Final = 16 * 1024  # a URL with a session token, which may have some thousand characters
ASK_WITHIN_MS: Final = 5_000
MAX_ASKING: Final = 16  # requests to STS at once: strangers shall not make this node a burden to it
MAX_REMEMBERED: Final = 10_000  # requests that were passed on and are not too old yet, 200 bytes each
_ACCEPT: Final = ("Accept", "application/json")  # STS writes XML otherwise
_STATUS: Final = {
    "ValidationException": 400,
    "MethodNotAllowedException": 405,
    "LimitExceededException": 429,
    "ServiceUnavailableException": 503,
}
_BUSY: Final = Refusal("LimitExceededException", "Too Many Requests")


@dataclass(frozen=True, slots=True)
class Word:
    """Where it is got: ``origins`` are the STS that are trusted, ``audiences`` what this fleet is called at the
    moment; ``told`` hears of each key that is made."""

    upstreams: Upstreams
    origins: tuple[str, ...]
    audiences: Callable[[], Collection[str]]
    told: Callable[[str], None]


class IamsWord:
    """Stands before the ``service`` that answers everything else. Implements ``ports.HttpService``."""

    def __init__(self, service: HttpService, word: Word, vouched: Vouched, clock: Clock, ids: Ids) -> None:
        self._service = service
        self._word = word
        self._vouched = vouched
        self._clock = clock
        self._ids = ids
        self._asking = 0
        self._passed_on: dict[str, int] = {}  # signature, and when it is too old anyway

    @property
    def max_body_bytes(self) -> int:
        return self._service.max_body_bytes

    def too_large(self, request: HttpRequest) -> HttpResponse:
        return self._service.too_large(request)

    def handle(self, request: HttpRequest) -> HttpAnswer:
        return self._answered(request) if request.raw_path == PATH else self._service.handle(request)

    async def _answered(self, request: HttpRequest) -> HttpResponse:
        made = await self._exchange(request)
        return self._refused(made) if isinstance(made, Refusal) else self._given(*made)

    async def _exchange(self, request: HttpRequest) -> tuple[Session, SessionKeys] | Refusal:
        if request.method != "POST":
            return Refusal("MethodNotAllowedException", "POST a presigned GetCallerIdentity")
        if len(request.body) > MAX_BODY_BYTES:
            return invalid(f"the body is longer than {MAX_BODY_BYTES} bytes")
        now_ms = self._clock.now().wall_ms
        presigned = read_presigned(request.body, self._word.origins, self._word.audiences(), now_ms)
        if isinstance(presigned, Refusal):
            return presigned
        wrong = self._take(presigned, now_ms)
        if wrong is not None:
            return wrong
        return await self._ask(presigned)

    def _take(self, presigned: Presigned, now_ms: int) -> Refusal | None:
        """Each once: whoever overhears a request on its way here gets nothing for it any more."""
        if presigned.signature in self._passed_on:
            return denied("it was exchanged already: sign another one, with an x-wsfleet-nonce of its own")
        if len(self._passed_on) >= MAX_REMEMBERED:
            self._passed_on = {each: over for each, over in self._passed_on.items() if over >= now_ms}
        if self._asking >= MAX_ASKING or len(self._passed_on) >= MAX_REMEMBERED:
            return _BUSY
        self._passed_on[presigned.signature] = presigned.over_at_ms
        return None

    async def _ask(self, presigned: Presigned) -> tuple[Session, SessionKeys] | Refusal:
        request = UpstreamRequest("GET", presigned.url, (*presigned.headers, _ACCEPT))
        self._asking += 1
        try:
            answer = await self._word.upstreams.send(request, ASK_WITHIN_MS)
        finally:
            self._asking -= 1
        if not isinstance(answer, Answered):
            return NOT_AVAILABLE
        identity = read_identity(answer.status, answer.body)
        if isinstance(identity, Refusal):
            return identity
        if self._vouched.grant_for(identity.arn) is None:
            return denied(f"{identity.arn} is not trusted here, or nothing is granted to it")
        over_at_ms = self._clock.now().wall_ms // 1000 * 1000 + SESSION_MS
        session = Session(identity.arn, identity.user_id, over_at_ms, self._ids.uuid())
        keys = self._vouched.keys_for(session)
        self._word.told(f"key {keys.access_key} was made for {identity.arn}, until {_iso(over_at_ms)}")
        return session, keys

    def _given(self, session: Session, keys: SessionKeys) -> HttpResponse:
        """In the form of a ``credential_process``, which every SDK reads."""
        document = {
            "Version": 1,
            "AccessKeyId": keys.access_key,
            "SecretAccessKey": keys.secret,
            "SessionToken": keys.session_token,
            "Expiration": _iso(session.expires_at_ms),
            "Arn": session.arn,
        }
        return self._answer(200, json.dumps(document))

    def _refused(self, refusal: Refusal) -> HttpResponse:
        status = _STATUS.get(refusal.error_type, 403)
        return self._answer(status, json.dumps({"message": refusal.message}), ("x-amzn-ErrorType", refusal.error_type))

    def _answer(self, status: int, text: str, *headers: tuple[str, str]) -> HttpResponse:
        return HttpResponse(
            status,
            (
                ("Content-Type", "application/json"),
                ("Cache-Control", "no-store"),
                ("x-amzn-RequestId", self._ids.uuid()),
                *headers,
            ),
            text.encode("ascii"),
        )


def _iso(wall_ms: int) -> str:
    return datetime.fromtimestamp(wall_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
