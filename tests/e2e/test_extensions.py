"""The extensions on real nodes: one call reaches everybody, wherever they are connected, and says what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import boto3
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from fleet_calls import asked, called
from fleet_process import Fleet, FleetNode, client, its_id
from gateway_process import DEADLINE_S, GatewayProcess, node_runtime, started
from many import GONE, SENT, UNREACHABLE, _is_fleet, post_to_connections
from process_watch import LINUX

pytestmark = pytest.mark.skipif(not LINUX, reason="processes are stopped and watched as on Linux")


def heard(socket: ClientConnection) -> str:
    return str(socket.recv(timeout=DEADLINE_S))


class Everybody:
    """Clients of some nodes, by connection ID."""

    def __init__(self, stack: ExitStack, *nodes: FleetNode, each: int = 3) -> None:
        self.sockets: dict[str, ClientConnection] = {}
        self.by_node: dict[str, list[str]] = {}
        for node in nodes:
            for _ in range(each):
                socket = stack.enter_context(client(node))
                connection_id = its_id(socket)
                self.sockets[connection_id] = socket
                self.by_node.setdefault(node.name, []).append(connection_id)

    @property
    def ids(self) -> list[str]:
        return list(self.sockets)


def test_one_call_posts_to_many_on_every_node(fleet: Fleet) -> None:
    here, there = fleet.start("here", "there")
    with ExitStack() as stack:
        everybody = Everybody(stack, here, there)
        left = everybody.ids[0], everybody.ids[-1]
        for connection_id in left:
            everybody.sockets.pop(connection_id).close()
        fleet.until(lambda: len(fleet.disconnects()) == 2, "their $disconnect")
        for node in (here, there):
            calls = stack.enter_context(closing(node.client()))
            targets = [*everybody.ids, *left]
            outcomes = post_to_connections(calls, targets, b"by " + node.name.encode())
            assert _is_fleet[calls], "by one call"
            assert outcomes == dict.fromkeys(everybody.ids, SENT) | dict.fromkeys(left, GONE)
            assert {heard(socket) for socket in everybody.sockets.values()} == {f"by {node.name}"}


def test_a_node_that_is_killed_is_unreachable_and_all_others_are_served(fleet: Fleet) -> None:
    doomed, survivor = fleet.start("doomed", "survivor")
    with ExitStack() as stack:
        everybody = Everybody(stack, doomed, survivor)
        calls = stack.enter_context(closing(survivor.client()))
        assert set(post_to_connections(calls, everybody.ids, b"before").values()) == {SENT}
        doomed.kill()
        outcomes = post_to_connections(calls, everybody.ids, b"after")
        lost, kept = everybody.by_node["doomed"], everybody.by_node["survivor"]
        assert {outcomes[each] for each in kept} == {SENT}
        assert {outcomes[each] for each in lost} <= {UNREACHABLE, GONE}, "not known to be dead yet, or known"
        for connection_id in kept:
            assert [heard(everybody.sockets[connection_id]) for _ in range(2)] == ["before", "after"]


def test_a_broadcast_reaches_every_node_from_any(fleet: Fleet) -> None:
    here, there = fleet.start("here", "there")
    with ExitStack() as stack:
        everybody = Everybody(stack, here, there)
        nodes = {str(node.number): {"sent": 3, "gone": 0, "limited": 0} for node in (here, there)}
        for node in (here, there):
            told = asked(node, "POST", "broadcast", b"by " + node.name.encode())
            assert told["nodes"] == nodes
            assert {heard(socket) for socket in everybody.sockets.values()} == {f"by {node.name}"}
        assert set(asked(there, "POST", "broadcast?wait=false", b"first")["nodes"].values()) == {"taken"}
        assert asked(here, "POST", "broadcast", b"second")["counts"]["sent"] == 6
        for socket in everybody.sockets.values():
            assert [heard(socket), heard(socket)] == ["first", "second"]
        left_out = everybody.ids[0]
        assert asked(there, "POST", f"broadcast?except={left_out}", b"others")["counts"]["sent"] == 5


def test_a_node_that_is_killed_during_broadcasts_is_told_and_all_others_hear_each_in_order(fleet: Fleet) -> None:
    doomed, survivor = fleet.start("doomed", "survivor")
    with ExitStack() as stack:
        everybody = Everybody(stack, doomed, survivor)
        number = str(doomed.number)
        answers = [asked(survivor, "POST", "broadcast", b"0")]
        doomed.kill()
        answers += [asked(survivor, "POST", "broadcast", str(n).encode()) for n in range(1, 6)]
        assert answers[0]["nodes"][number] == {"sent": 3, "gone": 0, "limited": 0}
        assert answers[1]["nodes"][number] == "unreachable"
        assert all(answer["counts"]["sent"] == 3 for answer in answers[1:])
        for connection_id in everybody.by_node["survivor"]:
            assert [heard(everybody.sockets[connection_id]) for _ in answers] == list("012345")


def test_a_connection_is_closed_with_the_callers_code_from_any_node(fleet: Fleet) -> None:
    here, there = fleet.start("here", "there")
    with client(here) as socket:
        connection_id = its_id(socket)
        url = f"http://{there.address}/prod/@connections/{connection_id}?code=4001&reason=kicked%20out"
        assert called(url, "DELETE") == (204, b"")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=DEADLINE_S)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "kicked out")
    fleet.until(lambda: len(fleet.told("DISCONNECT")) == 1, "its $disconnect")
    (told,) = fleet.told("DISCONNECT")
    assert (told["code"], told["reason"]) == (4001, "kicked out")


# -- one process -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    parameters = {"Node": node_runtime()}
    with started("management", tmp_path_factory.mktemp("e2e"), "--no-watch", parameters=parameters) as gateway:
        yield gateway


@pytest.fixture(params=["http", "https"])
def calls(request: pytest.FixtureRequest, gateway: GatewayProcess) -> Iterator[Any]:
    """boto3's client of a gateway that stands alone."""
    ready = gateway.ready
    url = ready.management_url if request.param == "http" else ready.secure_management_url
    with closing(
        boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=url,
            verify=ready.ca_bundle,
            region_name=ready.region,
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
    ) as opened:
        yield opened


def alone(gateway: GatewayProcess, stack: ExitStack) -> tuple[ClientConnection, str]:
    socket = stack.enter_context(connect(gateway.ready.websocket_url, open_timeout=DEADLINE_S))
    socket.send('{"action": "whoami"}')
    return socket, heard(socket)


def test_a_gateway_that_stands_alone_posts_to_many(gateway: GatewayProcess, calls: Any) -> None:
    with ExitStack() as stack:
        clients = [alone(gateway, stack) for _ in range(3)]
        outcomes = post_to_connections(calls, [*(each for _, each in clients), "invented"], "grüße".encode())
        assert outcomes == {each: SENT for _, each in clients} | {"invented": "forbidden"}
        assert _is_fleet[calls], "by one call"
        assert [heard(socket) for socket, _ in clients] == ["grüße"] * 3
        calls.post_to_connection(ConnectionId=clients[0][1], Data=b"to one")
        assert heard(clients[0][0]) == "to one"
