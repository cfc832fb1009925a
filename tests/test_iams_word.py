"""A caller whom IAM vouches for gets a key that every node of the fleet tells; the stand-in for STS checks for real."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from answers import answered
from gateway.access.grant import Grant
from gateway.access.keyring import EXPIRED_TOKEN, Keyring
from gateway.access.principal import Principal
from gateway.access.session import SessionSeal
from gateway.callers import Callers, Vouched
from gateway.iams_word import MAX_ASKING, MAX_BODY_BYTES, MAX_REMEMBERED, PATH, SESSION_MS, IamsWord, Word
from gateway.model.backend import UpstreamRequest
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.invocation import UpstreamResult
from node_doubles import CountingIds, ManualClock, until_idle
from sts_double import ORIGIN, ROLE, STRANGER, USER, Holder, Sts, presigned, signed_ms

API = "a1b2c3d4e5/prod"
ALLOW: dict[str, Any] = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
GRANTS = (Grant("arn:aws:iam::123456789012:role/Ops", (ALLOW,)),)


class Behind:
    """The service that answers everything else."""

    max_body_bytes = 131_072

    async def handle(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(299, (), request.raw_path.encode())

    def too_large(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(413)


class Gated(Sts):
    """Answers once it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.waiting = 0

    async def send(self, request: UpstreamRequest, wait_ms: int) -> UpstreamResult:
        self.waiting += 1
        await self.gate.wait()
        return await super().send(request, wait_ms)


class Node:
    """One of a fleet."""

    def __init__(self, sts: Sts, *trusted: str) -> None:
        self.clock, self.told = ManualClock(), list[str]()
        vouched = Vouched(SessionSeal(b"fleet"), trusted)
        self.callers = Callers(Keyring(), vouched)
        self.callers.know(Keyring(), GRANTS)
        word = Word(sts, (ORIGIN,), lambda: {API}, self.told.append)
        self.service = IamsWord(Behind(), word, vouched, self.clock, CountingIds())

    async def post(self, document: dict[str, Any], method: str = "POST") -> tuple[int, str | None, dict[str, Any]]:
        self.clock.wall_ms = signed_ms(document)
        return await self.send(json.dumps(document).encode(), method)

    async def send(self, body: bytes, method: str = "POST") -> tuple[int, str | None, dict[str, Any]]:
        request = HttpRequest(method, PATH, "", (), body, "192.0.2.1", "h")
        answer = await answered(self.service.handle(request))
        headers = dict(answer.headers)
        assert headers["Cache-Control"] == "no-store" and headers["Content-Type"] == "application/json"
        return answer.status, headers.get("x-amzn-ErrorType"), json.loads(answer.body)


def numbered(number: int, holder: Holder = ROLE) -> dict[str, Any]:
    return presigned(holder, API, headers={"x-wsfleet-audience": API, "x-wsfleet-nonce": str(number)})


@pytest.mark.parity("P-329")
async def test_a_key_for_whom_iam_vouches() -> None:
    sts = Sts()
    node, other = Node(sts, "123456789012"), Node(sts, "123456789012")
    document = presigned(ROLE, API)
    status, error, keys = await node.post(document)
    assert (status, error, len(sts.asked), sts.asked) == (200, None, 1, [document["url"]])
    assert keys.keys() == {"Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "Arn"}
    assert (keys["Version"], keys["Arn"]) == (1, ROLE.arn)
    assert len(node.told) == 1 and keys["AccessKeyId"] in node.told[0] and keys["SecretAccessKey"] not in node.told[0]
    now_ms = node.clock.wall_ms
    for each in (node, other):
        holder = each.callers.find(keys["AccessKeyId"], keys["SessionToken"], now_ms)
        assert isinstance(holder, Principal)
        assert (holder.arn, holder.secret, holder.policies) == (ROLE.arn, keys["SecretAccessKey"], (ALLOW,))
        assert each.callers.find(keys["AccessKeyId"], keys["SessionToken"], now_ms + SESSION_MS) == EXPIRED_TOKEN


async def test_each_request_is_exchanged_once() -> None:
    sts = Sts()
    node = Node(sts, "123456789012")
    document = presigned(ROLE, API)
    assert (await node.post(document))[0] == 200
    status, error, said = await node.post(document)
    assert (status, error, len(sts.asked)) == (403, "AccessDeniedException", 1)
    assert said["message"].startswith("it was exchanged already")
    assert (await node.post(numbered(1)))[0] == 200


@pytest.mark.parametrize(
    ("document", "status", "message"),
    [
        (presigned(STRANGER, API), 403, f"{STRANGER.arn} is not trusted here, or nothing is granted to it"),
        (presigned(USER, API), 403, f"{USER.arn} is not trusted here, or nothing is granted to it"),
        (presigned(ROLE, API, secret="wrong"), 403, "STS does not know the caller: SignatureDoesNotMatch"),
        (
            presigned(Holder("AKIAUNKNOWN", "x", ROLE.arn), API),
            403,
            "STS does not know the caller: InvalidClientTokenId",
        ),
        (presigned(ROLE, "other/prod"), 403, "x-wsfleet-audience is not API/STAGE of this fleet"),
    ],
)
async def test_nobody_else_gets_one(document: dict[str, Any], status: int, message: str) -> None:
    node = Node(Sts(), "123456789012")
    answer = await node.post(document)
    assert answer == (status, "AccessDeniedException", {"message": message})
    assert node.told == []


async def test_a_trust_in_one_role_alone() -> None:
    node = Node(Sts(), "arn:aws:iam::123456789012:role/Other")
    assert (await node.post(presigned(ROLE, API)))[0] == 403


async def test_what_is_forged_never_reaches_sts() -> None:
    sts = Sts()
    node = Node(sts, "123456789012")
    document = presigned(ROLE, API)
    forged = document | {"url": document["url"].replace("sts.eu-central-1.amazonaws.com", "evil.example")}
    assert (await node.post(forged))[:2] == (403, "AccessDeniedException")
    assert (await node.send(b"nonsense"))[:2] == (400, "ValidationException")
    assert (await node.send(b"x" * (MAX_BODY_BYTES + 1)))[:2] == (400, "ValidationException")
    assert (await node.send(b"", "GET"))[:2] == (405, "MethodNotAllowedException")
    assert sts.asked == []


async def test_sts_is_asked_once_and_its_silence_told() -> None:
    sts = Sts(is_away=True)
    status, error, _ = await Node(sts, "123456789012").post(presigned(ROLE, API))
    assert (status, error, len(sts.asked)) == (503, "ServiceUnavailableException", 1)


async def test_only_so_many_at_once() -> None:
    sts = Gated()
    node = Node(sts, "123456789012")
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(node.post(numbered(number))) for number in range(MAX_ASKING)]
        await until_idle(lambda: sts.waiting == MAX_ASKING)
        assert (await node.post(numbered(MAX_ASKING)))[:2] == (429, "LimitExceededException")
        sts.gate.set()
    assert [task.result()[0] for task in waiting] == [200] * MAX_ASKING
    assert (await node.post(numbered(MAX_ASKING)))[0] == 200


async def test_those_that_are_too_old_are_forgotten() -> None:
    node = Node(Sts(), "123456789012")
    node.service._passed_on = {str(number): 0 for number in range(MAX_REMEMBERED)}
    assert (await node.post(presigned(ROLE, API)))[0] == 200
    assert len(node.service._passed_on) == 1
    node.service._passed_on = {str(number): 2**60 for number in range(MAX_REMEMBERED)}
    assert (await node.post(numbered(1)))[:2] == (429, "LimitExceededException")


async def test_everything_else_is_the_services() -> None:
    node = Node(Sts(), "123456789012")
    request = HttpRequest("POST", "/prod/@connections/x", "", (), b"", "192.0.2.1", "h")
    assert (await answered(node.service.handle(request))).body == b"/prod/@connections/x"
    assert (node.service.too_large(request).status, node.service.max_body_bytes) == (413, 131_072)
