"""Groups and lists on real nodes: joined by a header or a call at any node, reached wherever the members are."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.sync.client import ClientConnection, connect

from fleet_process import Fleet, FleetNode, client, its_id
from gateway_process import DEADLINE_S, GatewayProcess, started
from process_watch import LINUX

pytestmark = pytest.mark.skipif(not LINUX, reason="processes are stopped and watched as on Linux")


def called(url: str, method: str, body: bytes = b"") -> tuple[int, Any]:
    """Status and document."""
    request = AWSRequest(method=method, url=url, data=body)
    SigV4Auth(Credentials("any", "any"), "execute-api", "eu-central-1").add_auth(request)
    sent = urllib.request.Request(url, body or None, dict(request.headers.items()), method=method)
    try:
        with urllib.request.urlopen(sent, timeout=DEADLINE_S) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def asked(node: FleetNode, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
    return called(f"http://{node.address}/prod/@fleet/{path}", method, body)


def heard(socket: ClientConnection) -> str:
    return str(socket.recv(timeout=DEADLINE_S))


def is_silent(socket: ClientConnection) -> bool:
    """It has heard nothing that it has not read: what it asks is answered next."""
    return its_id(socket).endswith("==")


def test_a_group_over_two_nodes(fleet: Fleet) -> None:
    here, there = fleet.start("here", "there")
    room = f"groups/{quote('größte halle', safe='')}"
    with ExitStack() as stack:
        by_header = [
            stack.enter_context(client(node, f"?groups={quote('größte halle,other')}")) for node in (here, there)
        ]
        assert asked(there, "POST", room, b"at once")[1]["counts"]["sent"] == 2
        assert [heard(socket) for socket in by_header] == ["at once"] * 2, "members from the first moment"
        for socket in by_header:
            assert socket.response is not None
            assert "X-Fleet-Groups" not in socket.response.headers
        by_call, stranger = (stack.enter_context(client(here)) for _ in range(2))
        its = its_id(by_call)
        assert asked(there, "PUT", f"{room}/connections/{its}") == (204, None), "one hop away"
        assert asked(here, "GET", f"connections/{its}/groups") == (200, {"groups": ["größte halle"]})
        assert asked(there, "GET", f"connections/{its_id(by_header[0])}/groups")[1]["groups"] == [
            "größte halle",
            "other",
        ]
        nodes = {str(here.number): 2, str(there.number): 1}
        assert asked(here, "GET", room) == asked(there, "GET", room) == (200, {"count": 3, "nodes": nodes})
        status, told = asked(there, "POST", f"{room}?except={its_id(by_header[1])}", b"but one")
        assert (status, told["counts"]) == (200, {"sent": 2, "gone": 0, "limited": 0})
        assert [heard(by_header[0]), heard(by_call)] == ["but one"] * 2
        assert is_silent(by_header[1])
        assert is_silent(stranger)
        assert asked(there, "DELETE", f"{room}/connections/{its}") == (204, None)
        assert asked(here, "GET", room)[1]["count"] == 2
        by_header[1].close()
        fleet.until(
            lambda: asked(here, "GET", room)[1]["nodes"] == {str(here.number): 1, str(there.number): 0}, "its end"
        )
        assert asked(here, "PUT", f"{room}/connections/invented")[0] == 400


def test_a_list_over_two_nodes_and_one_that_does_not_answer(fleet: Fleet) -> None:
    here, there = fleet.start("here", "there")
    with ExitStack() as stack:
        sockets = [stack.enter_context(client(node, "?groups=a")) for node in (here, there) for _ in range(3)]
        everybody = {its_id(socket) for socket in sockets}
        for node in (here, there):
            told, path = [], "connections?limit=2"
            while path:
                status, page = asked(node, "GET", path)
                assert status == 200
                assert "unreachable" not in page["nodes"].values(), page
                told += page["connections"]
                path = f"connections?limit=2&next={page['next']}" if "next" in page else ""
            assert [each["connectionId"] for each in told] == [*dict.fromkeys(each["connectionId"] for each in told)]
            assert {each["connectionId"] for each in told} == everybody
            assert all(each["groups"] == ["a"] and each["sourceIp"] == "127.0.0.1" for each in told)
            assert all(each["connectedAt"] <= each["lastActiveAt"] for each in told)
        status, page = asked(here, "GET", "groups/a/connections?limit=1000")
        assert (page["count"], {each["connectionId"] for each in page["connections"]}) == (6, everybody)
        there.kill()
        status, page = asked(here, "GET", "connections")
        assert (page["count"], len(page["connections"])) == (3, 3)
        assert page["nodes"] == {str(here.number): 3, str(there.number): "unreachable"}


# -- a web server ----------------------------------------------------------------------------------------------------


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        names = parse_qs(self.path.partition("?")[2])["group"]
        self.send_response(200)
        for name in names:
            self.send_header("X-Fleet-Groups", quote(name, safe=", "))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def web_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(DEADLINE_S)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    options = ("--no-watch", "--connection-groups", "3", "--group-name-characters", "8")
    with (
        web_server() as url,
        started("groups", folder(tmp_path_factory), *options, parameters={"Upstream": url}) as made,
    ):
        yield made


def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("e2e")


def test_a_web_server_names_groups_as_a_function_does(gateway: GatewayProcess) -> None:
    ready = gateway.ready
    names = "group=room-1,gr%C3%B6%C3%9Fe&group=third"
    with connect(f"{ready.websocket_url}?{names}", open_timeout=DEADLINE_S) as socket:
        assert socket.response is not None
        assert "X-Fleet-Groups" not in socket.response.headers
        for name in ("room-1", "größe", "third"):
            status, told = called(f"{ready.management_url}/@fleet/groups/{quote(name)}", "POST", name.encode())
            assert (status, told["counts"]["sent"]) == (200, 1)
            assert heard(socket) == name


def test_what_cannot_be_joined_is_told_to_the_operator_alone(gateway: GatewayProcess) -> None:
    ready, since = gateway.ready, gateway.output.end
    with connect(f"{ready.websocket_url}?group=toolongname,a,b,c,d", open_timeout=DEADLINE_S):
        gateway.output.shows("a group's name has 11 characters, at most 8 are allowed; and 1 more", since)
        listed = called(f"{ready.management_url}/@fleet/connections", "GET")[1]["connections"]
        assert [each["groups"] for each in listed] == [["a", "b", "c"]]
        path = f"{ready.management_url}/@fleet/groups/e/connections/{listed[0]['connectionId']}"
        assert called(path, "PUT") == (409, {"message": "it is in as many groups as one connection may be in"})
