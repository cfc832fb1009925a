"""The management API to the byte (parity 7), on a node whose ports are doubled."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

import signing
from answers import answered
from gateway.access.keyring import Keyring
from gateway.calls import Outside
from gateway.crowds import Crowds
from gateway.management import Guard, IdCheck, ManagementApi
from gateway.model import ids
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.ids import NodeNumber
from gateway.model.limits import Limits
from gateway.model.peer import ConnectionInfo, ManyRequest, Outcome, PeerAnswer, PeerRequest
from gateway.node import Node
from gateway.reach import LocalReach
from gateway.registry.memory import MemoryRegistry
from node_doubles import (
    KEY,
    OK,
    OWNER,
    CountingIds,
    FakeSocket,
    ManualClock,
    RecordingReporter,
    ScriptedFunctions,
    alone,
    backends,
)
from node_doubles import until_idle as until
from sample_definitions import directory, handshake, route

SIGNED = (("Authorization", "AWS4-HMAC-SHA256 Credential=x/…, SignedHeaders=host, Signature=00"),)


class Service:
    """One open connection and the API in front of it."""

    def __init__(self, **limits: Any) -> None:
        self.clock, self.registry, self.socket = ManualClock(), MemoryRegistry(), FakeSocket()
        fresh = CountingIds()
        functions = ScriptedFunctions(connect=OK, disconnect=OK)
        outside = Outside(backends(functions), self.registry, self.clock, fresh, RecordingReporter())
        served = directory(route("$connect"), route("$disconnect"), stages=("dev", "prod"))
        self.node = Node(
            alone(self.clock), served, outside, Limits(max_out_buffer_bytes=200_000, **limits), lambda: None
        )
        self.api = ManagementApi(self.node, LocalReach(Crowds(self.node)), IdCheck(KEY), fresh)

    async def open(self) -> str:
        self.node.handshake(self.socket, handshake())
        await until(lambda: self.socket.is_open)
        return self.registry.records[0].connection_id

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        headers: tuple[tuple[str, str], ...] = SIGNED,
        query: str = "",
    ) -> HttpResponse:
        request = HttpRequest(method, path, query, headers, body, "127.0.0.1", "localhost:8080")
        return await answered(self.api.handle(request))


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    made = Service()
    yield made
    await made.node.stop(0.1)


def named(response: HttpResponse) -> dict[str, str]:
    return dict(response.headers)


@pytest.mark.parity("P-342", "P-343", "P-346", "P-347")
@pytest.mark.parametrize("at", ["@", "%40"])
async def test_post(service: Service, at: str) -> None:
    connection_id = await service.open()
    answer = await service.ask("POST", f"/dev/{at}connections/{connection_id.replace('=', '%3D')}", b"hello")
    assert (answer.status, answer.body) == (200, b"")
    assert service.socket.sent == [b"hello"]
    assert list(named(answer)) == ["Content-Type", "x-amzn-RequestId", "x-amz-apigw-id", "X-Amzn-Trace-Id"]
    assert named(answer)["Content-Type"] == "application/json"
    assert re.fullmatch(r"[0-9a-f-]{36}", named(answer)["x-amzn-RequestId"])


@pytest.mark.parametrize(
    ("value", "text", "binary"),
    [
        pytest.param("binary", [], [b"\xff"], id="binary"),
        pytest.param("Binary", [], [b"\xff"], id="in any case"),
        pytest.param("text", ["\ufffd".encode()], [], id="anything else is text"),
    ],
)
async def test_a_post_may_ask_for_a_binary_frame(value: str, text: list[bytes], binary: list[bytes]) -> None:
    service = Service(binary=True)
    headers = (*SIGNED, ("X-Fleet-Frame", value))
    path = f"/dev/@connections/{await service.open()}"
    assert (await service.ask("POST", path, b"\xff", headers=headers)).status == 200
    assert (service.socket.sent, service.socket.sent_binary) == (text, binary)
    await service.node.stop(0.1)


async def test_where_binary_is_off_whoever_asks_for_it_is_told(service: Service) -> None:
    headers = (*SIGNED, ("X-Fleet-Frame", "binary"))
    answer = await service.ask("POST", f"/dev/@connections/{await service.open()}", b"\xff", headers=headers)
    assert (answer.status, named(answer)["x-amzn-ErrorType"]) == (400, "BadRequestException")
    assert answer.body == b'{"message":"X-Fleet-Frame: binary needs the setting binary = on"}'
    assert (service.socket.sent, service.socket.sent_binary) == ([], [])


async def test_the_longest_body_is_the_longest_message() -> None:
    assert Service(max_message_bytes=1_000_000).api.max_body_bytes == 1_000_000


@pytest.mark.parity("P-357")
async def test_an_empty_post_is_an_empty_message(service: Service) -> None:
    await service.ask("POST", f"/dev/@connections/{await service.open()}")
    assert service.socket.sent == [b""]


@pytest.mark.parity("P-344", "P-348", "P-349")
async def test_get_to_the_byte(service: Service) -> None:
    connection_id = await service.open()
    service.clock.advance(21_526)
    await service.ask("POST", f"/dev/@connections/{connection_id}", b"x")
    answer = await service.ask("GET", f"/dev/@connections/{connection_id}")
    assert answer.status == 200
    assert answer.body == (
        b'{\n  "identity" : {\n    "sourceIp" : "192.0.2.1",\n    "userAgent" : "Python/3.13 websockets/17.4"\n  },\n'
        b'  "connectedAt" : "2026-09-25T09:20:05.217Z",\n  "lastActiveAt" : "2026-09-25T09:20:26.743Z"\n}'
    )


@pytest.mark.parity("P-345", "P-364", "P-365")
async def test_delete_then_gone(service: Service) -> None:
    path = f"/dev/@connections/{await service.open()}"
    answer = await service.ask("DELETE", path)
    assert (answer.status, answer.body) == (204, b"")
    for method in ("DELETE", "POST", "GET"):
        answer = await service.ask(method, path)
        assert (answer.status, answer.body, named(answer)["x-amzn-ErrorType"]) == (410, b"", "GoneException")


@pytest.mark.parity("P-380")
async def test_any_stage_of_the_api_reaches_the_connection(service: Service) -> None:
    assert (await service.ask("POST", f"/prod/@connections/{await service.open()}", b"x")).status == 200


@pytest.mark.parity("P-365")
async def test_an_issued_id_that_is_gone_is_410(service: Service) -> None:
    gone = ids.connection_id(OWNER, b"absent", KEY)
    assert (await service.ask("POST", f"/dev/@connections/{gone}")).status == 410


@pytest.mark.parity("P-366", "P-367")
async def test_an_invented_id_is_400_before_authentication(service: Service) -> None:
    answer = await service.ask("POST", "/dev/@connections/cjy8i76bx002884le6n17d49b", headers=())
    assert (answer.status, named(answer)["x-amzn-ErrorType"]) == (400, "BadRequestException")
    assert answer.body == b'{"message":"Invalid connectionId: cjy8i76bx002884le6n17d49b"}'


@pytest.mark.parity("P-370", "P-371")
async def test_without_a_signature(service: Service) -> None:
    path = f"/dev/@connections/{await service.open()}"
    answer = await service.ask("POST", path, b"x", headers=())
    assert (answer.status, answer.body) == (403, b'{"message":"Missing Authentication Token"}')
    assert named(answer)["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"
    assert service.socket.sent == []
    assert (await service.ask("POST", path, b"x", headers=(), query="X-Amz-Signature=00")).status == 200


@pytest.mark.parity("P-369")
@pytest.mark.parametrize("path", ["/nope/@connections/x", "/", "/dev/other", "/@connections/x"])
async def test_another_path_is_forbidden(service: Service, path: str) -> None:
    answer = await service.ask("POST", path)
    assert (answer.status, answer.body) == (403, b'{"message":"Forbidden"}')
    assert named(answer)["x-amzn-ErrorType"] == "ForbiddenException"


@pytest.mark.parity("P-064")
async def test_a_plain_get_of_a_stage_asks_for_the_upgrade(service: Service) -> None:
    assert (await service.ask("GET", "/dev")).status == 426


@pytest.mark.parity("P-378")
async def test_another_method_is_not_in_the_api(service: Service) -> None:
    assert (await service.ask("PUT", f"/dev/@connections/{await service.open()}")).status == 403


@pytest.mark.parity("P-359")
async def test_too_large_is_413_with_nothing(service: Service) -> None:
    answer = service.api.too_large(HttpRequest("POST", "/dev/@connections/x", "", SIGNED, b"", "127.0.0.1", ""))
    assert (answer.status, answer.body) == (413, b"")
    assert not {"x-amzn-requestid", "x-amzn-errortype"} & {name.lower() for name, _ in answer.headers}
    assert service.api.max_body_bytes == 131_072


@pytest.mark.parity("P-376", "P-377")
async def test_a_full_buffer_is_429(service: Service) -> None:
    path = f"/dev/@connections/{await service.open()}"
    service.socket.buffered = 200_000
    answer = await service.ask("POST", path, b"x")
    assert (answer.status, named(answer)["x-amzn-ErrorType"]) == (429, "LimitExceededException")


class Elsewhere:
    """Every connection is another node's, which answers what the test says."""

    def __init__(self, says: PeerAnswer) -> None:
        self.says = says
        self.asked: list[tuple[NodeNumber, PeerRequest]] = []

    async def ask(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer:
        self.asked.append((owner, request))
        return self.says


INFO = ConnectionInfo(1_790_328_005_217, 1_790_328_005_217, "192.0.2.1", None)


@pytest.mark.parametrize(
    ("says", "method", "status", "error_type"),
    [
        (Outcome.DONE, "POST", 200, None),
        (Outcome.DONE, "DELETE", 204, None),
        (INFO, "GET", 200, None),
        (Outcome.GONE, "POST", 410, "GoneException"),
        (Outcome.LIMITED, "POST", 429, "LimitExceededException"),
        (Outcome.UNREACHABLE, "POST", 500, "InternalServerErrorException"),
        (Outcome.FENCED, "POST", 503, "ServiceUnavailableException"),
    ],
)
async def test_what_another_node_answers_has_one_status(
    service: Service, says: PeerAnswer, method: str, status: int, error_type: str | None
) -> None:
    elsewhere = Elsewhere(says)
    service.api = ManagementApi(service.node, elsewhere, IdCheck(KEY), CountingIds())
    connection_id = ids.connection_id(NodeNumber(99), b"absent", KEY)
    answer = await service.ask(method, f"/dev/@connections/{connection_id}", b"data")
    assert (answer.status, named(answer).get("x-amzn-ErrorType")) == (status, error_type)
    assert ("Retry-After" in named(answer)) == (status == 503)
    ((owner, request),) = elsewhere.asked
    assert not isinstance(request, ManyRequest)
    assert (owner, request.connection_id) == (99, connection_id)


@pytest.mark.parity("P-372", "P-373", "P-374", "P-375")
async def test_where_principals_are_known_only_their_signatures_count(service: Service) -> None:
    connection_id = await service.open()
    path = f"/dev/@connections/{connection_id.replace('=', '%3D')}"
    resource = "arn:aws:execute-api:*:*:*/dev/POST/@connections/{connectionId}"
    allows = {"Effect": "Allow", "Action": "execute-api:ManageConnections", "Resource": resource}
    policy = {"Version": "2012-10-17", "Statement": [allows]}
    guard = Guard(Keyring({signing.KEY: signing.principal(policies=(policy,))}), service.clock)
    service.api = ManagementApi(
        service.node, LocalReach(Crowds(service.node)), IdCheck(KEY), CountingIds(), None, guard
    )

    async def answer(late_ms: int = 0, **changes: Any) -> tuple[int, str | None, bytes]:
        request = signing.signed(path, **({"method": "POST", "body": b"hi"} | changes))
        service.clock.wall_ms = signing.signing_time_ms(request) + late_ms
        response = await answered(service.api.handle(replace(request, host="localhost")))
        return response.status, named(response).get("x-amzn-ErrorType"), response.body

    assert (await answer())[0] == 200
    assert service.socket.sent == [b"hi"]
    wrong = await answer(secret="wrong")
    assert wrong[:2] == (403, "InvalidSignatureException")
    assert b"The Canonical String for this request should have been" in wrong[2]
    expired = await answer(late_ms=3_600_000)
    assert expired[:2] == (403, "InvalidSignatureException") and b"Signature expired: " in expired[2]
    unread = replace(signing.signed(path, method="POST"), headers=(("Authorization", "Bearer x"),), host="localhost")
    malformed = await answered(service.api.handle(unread))
    assert (malformed.status, named(malformed)["x-amzn-ErrorType"]) == (403, "IncompleteSignatureException")
    denied = await answer(method="GET", body=b"")
    assert denied[:2] == (403, "AccessDeniedException")
    assert denied[2].startswith(b'{"Message":"User: ') and b"GET/@connections/{connectionId}" in denied[2]


@pytest.mark.parity("P-327")
@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, 200),
        ({"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, 403),
        ({"Bool": {"aws:SecureTransport": "true"}}, 200),
        ({"DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, 403),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, 200),
        ({"StringLike": {"aws:PrincipalTag/team": "support-*"}}, 200),
        ({"StringLike": {"aws:PrincipalTag/team": "billing-*"}}, 403),
        ({"StringEquals": {"aws:VpcSourceIp": "192.0.2.1"}}, 403),
    ],
)
async def test_conditions_of_a_management_call(service: Service, condition: dict[str, Any], status: int) -> None:
    path = f"/dev/@connections/{await service.open()}"
    allows = {"Effect": "Allow", "Action": "execute-api:Manage*", "Resource": "*", "Condition": condition}
    holder = signing.principal(policies=({"Statement": [allows]},), tags={"team": "support-eu"})
    guard = Guard(Keyring({signing.KEY: holder}), service.clock)
    service.api = ManagementApi(
        service.node, LocalReach(Crowds(service.node)), IdCheck(KEY), CountingIds(), None, guard
    )
    request = signing.signed(path, method="POST", body=b"hi")
    service.clock.wall_ms = signing.signing_time_ms(request)
    answer = await answered(service.api.handle(replace(request, host="localhost", secure=True)))
    assert answer.status == status


async def test_delete_with_a_code_and_a_reason(service: Service) -> None:
    path = f"/dev/@connections/{await service.open()}"
    wrong = await service.ask("DELETE", path, query="code=1006")
    assert (wrong.status, named(wrong)["x-amzn-ErrorType"]) == (400, "BadRequestException")
    assert service.socket.closed is None
    assert (await service.ask("DELETE", path, query="code=4001&reason=kicked")).status == 204
    assert service.socket.closed == (4001, "kicked")
