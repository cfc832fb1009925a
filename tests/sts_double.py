"""A stand-in for AWS STS: ``GetCallerIdentity`` is answered to whoever has really signed it, by botocore's signer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gateway.model.backend import UpstreamRequest
from gateway.model.invocation import Answered, TimedOut, UpstreamResult
from signing import moment

REGION = "eu-central-1"
ORIGIN = f"https://sts.{REGION}.amazonaws.com"


@dataclass(frozen=True)
class Holder:
    """Somebody in an AWS account."""

    access_key: str
    secret: str
    arn: str
    token: str | None = None

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]


ROLE = Holder(
    "ASIAEXAMPLEROLE00001", "secret-of-the-role", "arn:aws:sts::123456789012:assumed-role/Ops/i-0abc", "t0ken+/="
)
USER = Holder("AKIAEXAMPLEUSER00001", "secret-of-the-user", "arn:aws:iam::123456789012:user/ada")
STRANGER = Holder("AKIAEXAMPLEXXX000001", "secret-of-the-stranger", "arn:aws:iam::210987654321:user/eve")


def presigned(
    holder: Holder,
    audience: str,
    origin: str = ORIGIN,
    *,
    headers: Mapping[str, str] | None = None,
    query: str = "Action=GetCallerIdentity&Version=2011-06-15",
    expires_s: int = 60,
    service: str = "sts",
    secret: str | None = None,
) -> dict[str, Any]:
    """What a caller posts: the documentation's own example, with everything that a test may want otherwise."""
    signed = {"x-wsfleet-audience": audience} if headers is None else dict(headers)
    request = AWSRequest(method="GET", url=f"{origin}/?{query}", headers=signed)
    keys = Credentials(holder.access_key, secret or holder.secret, holder.token)
    SigV4QueryAuth(keys, service, REGION, expires_s).add_auth(request)
    return {"url": request.url, "headers": signed}


def signed_ms(document: dict[str, Any]) -> int:
    """When botocore's own clock said it was."""
    stamp = dict(parse_qsl(urlsplit(document["url"]).query))["X-Amz-Date"]
    return moment(f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:11]}:{stamp[11:13]}:{stamp[13:15]}")


@dataclass
class Sts:
    """Implements ``ports.Upstreams`` too. ``is_away``: it does not answer."""

    holders: tuple[Holder, ...] = (ROLE, USER, STRANGER)
    asked: list[str] = field(default_factory=list)
    is_away: bool = False

    async def send(self, request: UpstreamRequest, wait_ms: int) -> UpstreamResult:
        assert request.method == "GET" and wait_ms > 0
        if self.is_away:
            self.asked.append(request.url)
            return TimedOut()
        status, body = self.answer(request.url, dict(request.headers))
        return Answered(status, (), body)

    def answer(self, url: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self.asked.append(url)
        given = {name.lower(): value for name, value in headers.items()}
        query = dict(parse_qsl(urlsplit(url).query))
        key = query.get("X-Amz-Credential", "").partition("/")[0]
        holder = next((each for each in self.holders if each.access_key == key), None)
        if holder is None or query.get("X-Amz-Security-Token") != holder.token:
            return _error("InvalidClientTokenId")
        if query["X-Amz-Signature"] != _signature(url, query, given, holder):
            return _error("SignatureDoesNotMatch")
        if query.get("Action") != "GetCallerIdentity":
            return _error("InvalidAction")
        assert given["accept"] == "application/json"
        result = {"Arn": holder.arn, "UserId": "AIDAEXAMPLE", "Account": holder.account}
        answer = {"GetCallerIdentityResult": result, "ResponseMetadata": {"RequestId": "1"}}
        return 200, json.dumps({"GetCallerIdentityResponse": answer}).encode()


def _signature(url: str, query: Mapping[str, str], headers: Mapping[str, str], holder: Holder) -> str:
    """What botocore makes of the same request."""
    names = query["X-Amz-SignedHeaders"].split(";")
    unsigned = url.replace(f"&X-Amz-Signature={query['X-Amz-Signature']}", "")
    kept = {name: headers[name] for name in names if name in headers}
    request = AWSRequest(method="GET", url=unsigned, headers=kept)
    request.context["timestamp"] = query["X-Amz-Date"]
    signer = SigV4QueryAuth(Credentials(holder.access_key, holder.secret, holder.token), "sts", REGION)
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))


def _error(code: str) -> tuple[int, bytes]:
    return 403, json.dumps({"Error": {"Code": code, "Message": "…", "Type": "Sender"}, "RequestId": "1"}).encode()


@contextmanager
def sts_server() -> Iterator[tuple[Sts, str]]:
    """On loopback, in a thread; its origin."""
    sts = Sts()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = sts.answer(f"http://{self.headers['Host']}{self.path}", dict(self.headers.items()))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, name="sts", daemon=True)
    thread.start()
    try:
        yield sts, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
