"""Who may call a real node: its handlers, whoever the file of principals names, and nobody else."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from fleet_process import Fleet, FleetNode, fleet_in, its_id
from gateway_process import DEADLINE_S
from many import FORBIDDEN, SENT, _is_fleet, post_to_connections
from process_watch import LINUX
from sts_double import ROLE, STRANGER, presigned, sts_server

pytestmark = pytest.mark.skipif(not LINUX, reason="processes are stopped and watched as on Linux")

REGION = "eu-central-1"
ADA, BOB = "arn:aws:iam::123456789012:user/ada", "arn:aws:iam::123456789012:user/bob"
SECRETS = {f"WSFKAAAAAAAAAAAAAAA{number}": f"secret-number-{number}-of-the-test" for number in range(4)}
FIRST, SECOND, THIRD, FOURTH = SECRETS
ARN = "arn:aws:execute-api:*:*:*"
POSTS = {"Effect": "Allow", "Action": "execute-api:ManageConnections", "Resource": f"{ARN}/prod/POST/*"}
ENTERS = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": f"{ARN}/signed/$connect"}


class Principals:
    """The file that a node goes by."""

    def __init__(self, folder: Path) -> None:
        self.path, self.policy = folder / "principals.toml", folder / "policy.json"
        for key, secret in SECRETS.items():
            (folder / key).write_text(secret)
            (folder / key).chmod(0o600)

    def write(self, keys: Mapping[str, tuple[str, ...]], statements: Sequence[object] = (POSTS, ENTERS)) -> None:
        """Every part whole; each time another file, so that there is always something to read anew."""
        lines = ["[[iam]]", 'arn = "arn:aws:iam::123456789012:role/Ops"', 'policies = ["policy.json"]']
        for arn, ids in keys.items():
            lines += ["[[principal]]", f'arn = "{arn}"', 'policies = ["policy.json"]']
            for each in ids:
                lines += ["[[principal.key]]", f'id = "{each}"', f'secret_file = "{each}"']
        for path, text in ((self.policy, json.dumps({"Statement": statements})), (self.path, "\n".join(lines))):
            draft = path.with_suffix(".draft")
            draft.write_text(text)
            draft.replace(path)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with fleet_in(tmp_path_factory.mktemp("fleet"), application="callers") as made:
        yield made


@pytest.fixture(scope="module")
def sts() -> Iterator[str]:
    """Its origin."""
    with sts_server() as (_, origin):
        yield origin


@pytest.fixture(scope="module")
def served(fleet: Fleet, sts: str) -> tuple[FleetNode, FleetNode, Principals]:
    """One node for most tests, each of which says whom it knows, and another one."""
    principals = Principals(fleet.folder)
    principals.write({})
    trust = ("--trust-iam", "123456789012 arn:aws:iam::210987654321:role/x", "--sts-endpoint-url", sts)
    options = ("--auth", "--principals-file", str(principals.path), *trust)
    node, another = fleet.start("guarded", "another", options=options)
    return node, another, principals


@pytest.fixture
def node(served: tuple[FleetNode, FleetNode, Principals]) -> FleetNode:
    node, another, principals = served
    since = another.output.end
    knows(node, principals, {ADA: (FIRST,)})
    another.output.shows("read anew, keys: 1", since)
    return node


@pytest.fixture
def another(served: tuple[FleetNode, FleetNode, Principals]) -> FleetNode:
    return served[1]


@pytest.fixture
def principals(served: tuple[FleetNode, FleetNode, Principals]) -> Principals:
    return served[2]


def knows(node: FleetNode, principals: Principals, keys: Mapping[str, tuple[str, ...]], *statements: object) -> None:
    """Written, and read by the node."""
    since = node.output.end
    principals.write(keys, statements or (POSTS, ENTERS))
    node.output.shows(f"read anew, keys: {sum(map(len, keys.values()))}", since)


def calls(node: FleetNode, access_key: str, secret: str | None = None, token: str | None = None) -> Any:
    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=f"http://{node.address}/prod",
        region_name=REGION,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret or SECRETS[access_key],
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}),
    )


def post(node: FleetNode, access_key: str, connection_id: str, **options: Any) -> str:
    """``200``, or the error's name."""
    client = calls(node, access_key, **options)
    try:
        answer = client.post_to_connection(ConnectionId=connection_id, Data=b"hello")
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        return str(error.response["Error"]["Code"])
    finally:
        client.close()
    return str(answer["ResponseMetadata"]["HTTPStatusCode"])


def test_each_within_its_policies(node: FleetNode) -> None:
    with connect(f"ws://{node.address}/prod", open_timeout=DEADLINE_S) as socket:
        connection_id = its_id(socket)  # the handler's own post: signed with the node's keys
        assert post(node, FIRST, connection_id) == "200"
        assert socket.recv(timeout=DEADLINE_S) == "hello"
        assert post(node, FIRST, connection_id, secret="not-the-secret") == "InvalidSignatureException"
        assert post(node, SECOND, connection_id) == "UnrecognizedClientException"
        with pytest.raises(ClientError) as denied:
            calls(node, FIRST).delete_connection(ConnectionId=connection_id)
        assert denied.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        assert denied.value.response["Error"]["Code"] == "AccessDeniedException"
        assert re.fullmatch(
            rf"User: {ADA} is not authorized to perform: execute-api:ManageConnections on resource: "
            rf"arn:aws:execute-api:{REGION}:\*{{8}}9012:[a-z0-9]{{10}}/prod/DELETE/@connections/\{{connectionId\}} "
            "because no identity-based policy allows the execute-api:ManageConnections action",
            denied.value.response["Error"]["Message"],
        )


def handshake(node: FleetNode, access_key: str | None, secret: str = "") -> str:
    """Whoever signs connects: the stage that asks for ``AWS_IAM``."""
    url = f"http://{node.address}/signed"
    request = AWSRequest(method="GET", url=url, headers={"Host": node.address})
    if access_key is not None:
        keys = Credentials(access_key, secret or SECRETS[access_key])
        SigV4Auth(keys, "execute-api", REGION).add_auth(request)
    headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
    try:
        with connect(url.replace("http", "ws"), additional_headers=headers, open_timeout=DEADLINE_S):
            return "101"
    except InvalidStatus as refused:
        return refused.response.headers["x-amzn-ErrorType"]


def test_routes_that_ask_for_a_signature(node: FleetNode, principals: Principals) -> None:
    assert handshake(node, FIRST) == "101"
    assert handshake(node, None) == "MissingAuthenticationTokenException"
    assert handshake(node, FIRST, "not-the-secret-of-ada") == "InvalidSignatureException"
    assert handshake(node, SECOND) == "UnrecognizedClientException"
    knows(node, principals, {ADA: (FIRST,)}, POSTS)
    assert handshake(node, FIRST) == "AccessDeniedException"


def test_a_key_is_rotated_without_a_restart(node: FleetNode, principals: Principals) -> None:
    with connect(f"ws://{node.address}/prod", open_timeout=DEADLINE_S) as socket:
        connection_id = its_id(socket)
        knows(node, principals, {ADA: (FIRST, SECOND)})
        assert [post(node, key, connection_id) for key in (FIRST, SECOND)] == ["200", "200"]
        knows(node, principals, {ADA: (SECOND,), BOB: (THIRD, FOURTH)})
        outcomes = [post(node, key, connection_id) for key in SECRETS]
        assert outcomes == ["UnrecognizedClientException", "200", "200", "200"]
        principals.path.write_text(f"[[principal]]\narn = 'nobody'\n[[principal.key]]\nid = '{SECOND}'\n")
        node.output.shows("principals.toml is not taken over: whoever was known")
        node.output.shows("principals.toml: principal 1: arn is no ARN")
        outcomes = [post(node, key, connection_id) for key in (SECOND, THIRD)]
        assert outcomes == ["200", "UnrecognizedClientException"], "whoever is named no more is out all the same"
        assert not any(secret in node.output.text for secret in SECRETS.values())


def exchanged(node: FleetNode, document: dict[str, Any]) -> dict[str, Any]:
    data = json.dumps(document).encode()
    request = urllib.request.Request(f"http://{node.address}/@fleet/sts", data, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        with error:
            return {"status": error.code, **json.load(error)}


@pytest.mark.parity("P-329")
def test_iams_word_is_good_for_a_key_at_every_node(node: FleetNode, another: FleetNode, sts: str) -> None:
    open_api, audience = "http://{}/prod", f"{node.ready['api_id']}/{node.ready['stage']}"
    keys = exchanged(node, presigned(ROLE, audience, sts))
    assert keys["Arn"] == ROLE.arn
    with connect(open_api.format(node.address).replace("http", "ws"), open_timeout=DEADLINE_S) as socket:
        connection_id = its_id(socket)
        given = {"secret": keys["SecretAccessKey"], "token": keys["SessionToken"]}
        for each in (node, another):
            assert post(each, keys["AccessKeyId"], connection_id, **given) == "200"
            assert socket.recv(timeout=DEADLINE_S) == "hello"
        assert post(node, keys["AccessKeyId"], connection_id, **given | {"token": "x"}) == "UnrecognizedClientException"
        with pytest.raises(ClientError) as denied:
            calls(node, keys["AccessKeyId"], **given).delete_connection(ConnectionId=connection_id)
        assert denied.value.response["Error"]["Message"].startswith(f"User: {ROLE.arn} is not authorized to perform: ")
    assert not any(given["secret"] in each.output.text for each in (node, another))


def test_iams_word_is_not_good_for_others(node: FleetNode, sts: str) -> None:
    audience = f"{node.ready['api_id']}/{node.ready['stage']}"
    for document in (presigned(STRANGER, audience, sts), presigned(ROLE, "other/prod", sts), presigned(ROLE, audience)):
        assert exchanged(node, document)["status"] == 403


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (
            lambda path: (path.parent / FIRST).chmod(0o644),
            f"key {FIRST}: its secret_file .*: everybody",
        ),
        (lambda path: (path.parent / FIRST).unlink(), f"key {FIRST}: its secret_file .* cannot be read"),
        (lambda path: path.unlink(), "principals.toml: it cannot be read: No such file or directory"),
    ],
)
def test_a_bad_file_lets_nothing_start(fleet: Fleet, tmp_path: Path, spoil: Any, told: str) -> None:
    principals = Principals(tmp_path)
    principals.write({ADA: (FIRST,)})
    spoil(principals.path)
    node = FleetNode(fleet, tmp_path.name, ("--auth", "--principals-file", str(principals.path)))
    fleet.nodes.append(node)
    assert node.wait() == 2
    node.output.shows(told)


def test_a_call_for_many_is_signed_and_judged_as_a_post_for_one(node: FleetNode) -> None:
    with connect(f"ws://{node.address}/prod", open_timeout=DEADLINE_S) as socket:
        connection_id = its_id(socket)
        known, unknown = calls(node, FIRST), calls(node, SECOND)
        wanted = {connection_id: SENT, "invented": FORBIDDEN}
        assert post_to_connections(known, wanted, b"hello") == wanted
        assert _is_fleet[known], "by one call"
        assert socket.recv(timeout=DEADLINE_S) == "hello"
        with pytest.raises(ClientError) as refused:
            post_to_connections(unknown, wanted, b"hello")
        assert refused.value.response["Error"]["Code"] == "UnrecognizedClientException"


def signed_call(node: FleetNode, method: str, path: str, access_key: str) -> int:
    """The status."""
    request = AWSRequest(method=method, url=f"http://{node.address}/prod/@fleet/{path}", data=b"")
    SigV4Auth(Credentials(access_key, SECRETS[access_key]), "execute-api", REGION).add_auth(request)
    sent = urllib.request.Request(request.url, None, dict(request.headers.items()), method=method)
    try:
        with urllib.request.urlopen(sent, timeout=DEADLINE_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_policy_names_the_groups_that_a_caller_is_for(node: FleetNode, principals: Principals) -> None:
    with connect(f"ws://{node.address}/prod", open_timeout=DEADLINE_S) as socket:
        member = f"connections/{its_id(socket)}"
        calls = (
            ("PUT", f"groups/room-1/{member}"),
            ("POST", "groups/room-1"),
            ("GET", "groups/room-1"),
            ("DELETE", f"groups/room-1/{member}"),
            ("PUT", f"groups/room-2/{member}"),
            ("POST", "broadcast?group=room-1"),
            ("GET", "connections?group=room-1"),
            ("GET", f"{member}/groups"),
        )

        def statuses() -> list[int]:
            return [signed_call(node, method, path, FIRST) for method, path in calls]

        everything = {"Effect": "Allow", "Action": "execute-api:*", "Resource": "*"}
        knows(node, principals, {ADA: (FIRST,)}, everything)
        assert statuses() == [403] * 8, "the actions of AWS alone grant none of them"
        room = {"Effect": "Allow", "Action": "wsfleet:*", "Resource": f"{ARN}/prod/*/@fleet/groups/room-1*"}
        knows(node, principals, {ADA: (FIRST,)}, room)
        assert statuses() == [204, 200, 200, 204, 403, 403, 403, 403]
        lists = {"Effect": "Allow", "Action": "wsfleet:ListConnections", "Resource": f"{ARN}/prod/GET/@fleet/*"}
        knows(node, principals, {ADA: (FIRST,)}, lists)
        assert statuses() == [403, 403, 200, 403, 403, 403, 200, 200]
