"""Real nodes on one table: posts from anywhere, and what becomes of connections when their node is killed, stopped,
drained, or cut off from the table."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from fleet_process import LEASE_S, Fleet, FleetNode, client, fleet_in, its_id
from gateway_process import DEADLINE_S
from host_network import hosts, hosts_possible
from process_watch import LINUX

pytestmark = pytest.mark.skipif(not LINUX, reason="processes are stopped and watched as on Linux")


def end_of(socket: ClientConnection) -> int | None:
    """The close code that the client was told; None when the connection was cut. No message may come before."""
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=DEADLINE_S)
    return None if closed.value.rcvd is None else closed.value.rcvd.code


def fault_of(call: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as failed:
        call()
    return failed.value.response["ResponseMetadata"]["HTTPStatusCode"], failed.value.response["Error"]["Code"]


def health(node: FleetNode, path: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"http://{node.address}{path}", timeout=DEADLINE_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_any_node_answers_for_any_connection(fleet: Fleet) -> None:
    here, there = fleet.start("here", "there")
    with client(here) as socket:
        connection_id = its_id(socket)
        for node in (here, there):
            calls = node.client()
            calls.post_to_connection(ConnectionId=connection_id, Data=b"through " + node.name.encode())
            assert socket.recv(timeout=DEADLINE_S) == f"through {node.name}"
            assert calls.get_connection(ConnectionId=connection_id)["Identity"]["SourceIp"] == "127.0.0.1"
        elsewhere = there.client()
        assert fault_of(lambda: elsewhere.post_to_connection(ConnectionId="invented", Data=b""))[0] == 400
        elsewhere.delete_connection(ConnectionId=connection_id)
        assert end_of(socket) == 1000
    assert fault_of(lambda: elsewhere.post_to_connection(ConnectionId=connection_id, Data=b"")) == (
        410,
        "GoneException",
    )
    fleet.until(lambda: fleet.disconnects() == {connection_id: 1}, "its $disconnect")
    fleet.until(lambda: fleet.connection_records() == 0, "no record left")


def test_everybody_on_a_killed_node_gets_a_disconnect_once(fleet: Fleet) -> None:
    doomed, survivor = fleet.start("doomed", "survivor")
    with ExitStack() as stack:
        sockets = [stack.enter_context(client(doomed)) for _ in range(120)]
        ids = {its_id(socket) for socket in sockets}
        stays = stack.enter_context(client(survivor))
        kept = its_id(stays)
        doomed.kill()
        calls = survivor.client()
        victim = next(iter(ids))
        status, _ = fault_of(lambda: calls.post_to_connection(ConnectionId=victim, Data=b""))
        assert status in (500, 410), "not known to be gone yet, or known"
        fleet.until(lambda: len(fleet.disconnects()) >= len(ids), "all $disconnect", LEASE_S + DEADLINE_S)
        fleet.until(lambda: fleet.connection_records() == 1, "records of the living alone")
        assert fleet.disconnects() == dict.fromkeys(ids, 1)
        assert fault_of(lambda: calls.post_to_connection(ConnectionId=victim, Data=b""))[0] == 410
        assert its_id(stays) == kept
    connects = {line["id"]: line for line in fleet.told("CONNECT")}
    for line in fleet.told("DISCONNECT"):
        assert (line["code"], line["reason"]) == (1006, "Connection closed abnormally") or line["id"] == kept
        assert (line["ip"], line["since"]) == (connects[line["id"]]["ip"], connects[line["id"]]["since"])
    fleet.until(lambda: [node["node"] for node in fleet.ask("nodes")["nodes"]] == [survivor.number], "one node listed")


def test_a_node_that_was_stopped_wakes_fenced_and_comes_back(fleet: Fleet) -> None:
    (node,) = fleet.start("sleeper")
    number = node.number
    with client(node) as socket:
        connection_id = its_id(socket)
        messages = len(fleet.told("MESSAGE"))
        node.signal(signal.SIGSTOP)
        socket.send("while it sleeps")
        began = time.monotonic()
        fleet.until(lambda: time.monotonic() - began > LEASE_S, "a whole lease passed")
        node.signal(signal.SIGCONT)
        assert end_of(socket) == 1012
    fleet.until(lambda: fleet.disconnects() == {connection_id: 1}, "its $disconnect", LEASE_S + DEADLINE_S)
    assert fleet.told("DISCONNECT")[0]["code"] == 1006
    assert len(fleet.told("MESSAGE")) == messages, "nothing is invoked after the fence"
    fleet.until(lambda: node.number > number, "another number")
    with client(node) as again:
        assert its_id(again) != connection_id


def test_a_short_outage_of_the_table_is_noticed_by_nobody_who_is_connected(fleet: Fleet) -> None:
    (node,) = fleet.start("steady")
    number = node.number
    with client(node) as socket:
        connection_id = its_id(socket)
        with fleet.dynamodb_stopped():
            began = time.monotonic()
            while time.monotonic() - began < LEASE_S / 2:
                assert its_id(socket) == connection_id
        began = time.monotonic()
        while time.monotonic() - began < LEASE_S:
            assert its_id(socket) == connection_id
        assert node.number == number
    fleet.until(lambda: fleet.disconnects() == {connection_id: 1}, "its $disconnect, by its own node")
    assert fleet.told("DISCONNECT")[0]["code"] == 1000


def test_a_long_outage_fences_and_ends_with_everybody_told(fleet: Fleet) -> None:
    (node,) = fleet.start("cut-off")
    number = node.number
    with client(node) as socket:
        connection_id = its_id(socket)
        with fleet.dynamodb_stopped():
            assert end_of(socket) == 1012
            assert health(node, "/ready")[0] == 503
            assert health(node, "/live")[0] == 200
            with pytest.raises(InvalidStatus) as refused:
                client(node)
            assert refused.value.response.status_code == 503
            assert refused.value.response.headers["retry-after"]
            assert not fleet.disconnects()
    fleet.until(lambda: node.number > number, "it came back")
    fleet.until(lambda: fleet.disconnects() == {connection_id: 1}, "its $disconnect", LEASE_S + DEADLINE_S)
    fleet.until(lambda: fleet.connection_records() == 0, "no record left")


def test_a_node_that_is_told_to_stop_drains_and_leaves_nothing_to_others(fleet: Fleet) -> None:
    leaver, stayer = fleet.start("leaver", "stayer", options=["--drain-seconds", "3"])
    with ExitStack() as stack:
        sockets = [stack.enter_context(client(leaver)) for _ in range(20)]
        ids = {its_id(socket) for socket in sockets}
        leaver.terminate()
        assert {end_of(socket) for socket in sockets} == {1001}
    assert leaver.wait() == 0
    assert fleet.disconnects() == dict.fromkeys(ids, 1)
    assert {line["code"] for line in fleet.told("DISCONNECT")} == {1001}
    assert fleet.connection_records() == 0
    assert [node["node"] for node in fleet.ask("nodes")["nodes"]] == [stayer.number]
    assert "is gone" not in stayer.output.text


def test_drain_from_anywhere_and_ready_says_so(fleet: Fleet) -> None:
    (node,) = fleet.start("asked", options=["--drain-seconds", "6"])
    with client(node) as socket:
        its_id(socket)
        number = str(node.number)
        assert health(node, "/ready") == (200, {"status": "ok", "node": node.number, "connections": 1})
        fleet.run("drain", number, "--no-wait")
        assert end_of(socket) == 1001
    assert node.wait() == 0
    fleet.run("drain", number, "--no-wait", status=1)


def test_a_second_signal_ends_at_once_and_loses_nothing(fleet: Fleet) -> None:
    hasty, survivor = fleet.start("hasty", "survivor", options=["--drain-seconds", "60"])
    with ExitStack() as stack:
        ids = {its_id(stack.enter_context(client(hasty))) for _ in range(60)}
        hasty.terminate()
        hasty.output.shows("drains")
        hasty.terminate()
        assert hasty.wait() == 130
        fleet.until(lambda: set(fleet.disconnects()) == ids, "all $disconnect", LEASE_S + DEADLINE_S)
    fleet.until(lambda: fleet.connection_records() == 0, "no record left")
    assert survivor.is_running


def test_what_handlers_do_not_take_is_parked_and_replayed(fleet: Fleet) -> None:
    doomed, _ = fleet.start("doomed", "survivor", options=["--reap-attempts", "2"])
    with client(doomed) as socket:
        connection_id = its_id(socket)
        with fleet.failing_disconnects():
            doomed.kill()
            fleet.until(lambda: fleet.ask("failed", "list") != [], "a parked $disconnect", LEASE_S + DEADLINE_S)
            (parked,) = fleet.ask("failed", "list")
            assert parked["connection_id"] == connection_id
            assert parked["attempts"] == 2
    called = fleet.disconnects()[connection_id]
    fleet.run("failed", "replay", connection_id)
    fleet.until(lambda: fleet.disconnects()[connection_id] == called + 1, "the replayed $disconnect")
    assert fleet.ask("failed", "list") == []
    assert len({line["request"] for line in fleet.told("DISCONNECT")}) == 1, "always the same event"
    fleet.until(lambda: fleet.connection_records() == 0, "no record left", LEASE_S + DEADLINE_S)


def test_more_than_the_admitted_rate_is_told_to_come_back(fleet: Fleet) -> None:
    (node,) = fleet.start("calm", options=["--connect-rate", "5"])
    refused = 0
    with ExitStack() as stack:
        opened = stack.enter_context(client(node))
        for _ in range(20):
            try:
                stack.enter_context(client(node))
            except InvalidStatus as error:
                refused += 1
                assert error.response.status_code == 429
                assert 1 <= int(error.response.headers["retry-after"]) <= 5
                assert json.loads(error.response.body or b"")["message"] == "Too Many Requests"
        assert refused
        its_id(opened)


def test_without_a_table_it_says_so(tmp_path: Path) -> None:
    with fleet_in(tmp_path) as fleet:
        node = FleetNode(fleet, "lost", ["--table", "nowhere"])
        fleet.nodes.append(node)
        assert node.wait() == 2
        node.output.shows(r"error: there is no table nowhere")
        node.output.shows(r"hint: .*wsfleet init")


def test_another_fleet_key_is_refused(fleet: Fleet) -> None:
    fleet.start("first")
    stranger = FleetNode(fleet, "stranger", ["--fleet-key-file", str(fleet.folder / "other.key")])
    fleet.nodes.append(stranger)
    assert stranger.wait() == 2
    stranger.output.shows("error: this node has another fleet key")


def test_connections_and_nodes_as_an_operator_sees_them(fleet: Fleet) -> None:
    one, two = fleet.start("one", "two")
    with client(one) as first, client(two) as second, client(two) as third:
        ids = {its_id(socket): node for socket, node in ((first, one), (second, two), (third, two))}
        fleet.until(lambda: fleet.connection_records() == 3, "three records")
        listed = fleet.ask("connections", "list")
        assert {line["connection_id"]: line["node"] for line in listed} == {k: n.number for k, n in ids.items()}
        counted = fleet.ask("connections", "count", "--by", "node")
        assert counted["total"] == 3
        shown = fleet.ask("connections", "show", next(iter(ids)))
        assert shown["stage"] == "prod"
        assert shown["source_ip"] == "127.0.0.1"
    fleet.ask("connections", "show", "hK3nTc7vdQAYKEjVWA==", status=1)


def test_a_release_in_another_folder_is_the_same_application(fleet: Fleet) -> None:
    (old,) = fleet.start("old")
    release = shutil.copytree(fleet.application, fleet.folder / "release-2") / "template.yaml"
    (new,) = fleet.start("new", options=["--api", str(release)])
    with client(old) as socket:
        connection_id = its_id(socket)
        calls = new.client()
        calls.post_to_connection(ConnectionId=connection_id, Data=b"from the new release")
        assert socket.recv(timeout=DEADLINE_S) == "from the new release"
        old.kill()
        fleet.until(lambda: fleet.disconnects() == {connection_id: 1}, "its $disconnect", LEASE_S + DEADLINE_S)


def test_several_workers_share_a_port_and_each_is_a_node(fleet: Fleet) -> None:
    (parent,) = fleet.start("parent", options=["--workers", "2"])
    first, second = parent.ready["workers"]
    assert first["node"] != second["node"] and parent.pid not in (first["pid"], second["pid"])
    with ExitStack() as stack:
        sockets = [stack.enter_context(client(parent)) for _ in range(24)]
        ids = {its_id(socket): socket for socket in sockets}
        calls = parent.client()
        for connection_id, socket in ids.items():
            calls.post_to_connection(ConnectionId=connection_id, Data=b"whoever takes this call")
            assert socket.recv(timeout=DEADLINE_S) == "whoever takes this call"
        counted = {
            group["node"]: group["count"] for group in fleet.ask("connections", "count", "--by", "node")["groups"]
        }
        assert set(counted) == {first["node"], second["node"]}, "clients are spread over both"
        os.kill(first["pid"], signal.SIGKILL)
        fleet.until(
            lambda: len(fleet.disconnects()) == counted[first["node"]], "their $disconnect", LEASE_S + DEADLINE_S
        )
        fleet.until(lambda: first["node"] not in {worker["node"] for worker in parent.ready["workers"]}, "a successor")
        parent.terminate()
        assert parent.wait() == 0
    assert fleet.disconnects() == dict.fromkeys(ids, 1)
    assert fleet.connection_records() == 0


@pytest.mark.skipif(not hosts_possible(), reason="hosts in network namespaces need root and iproute2")
def test_hosts_cut_off_from_each_other_and_from_the_table(tmp_path: Path) -> None:
    with hosts("a", "b", "db") as net, fleet_in(tmp_path, net.address("db"), net.inside("db")) as fleet:
        a, b = (
            fleet.start(
                name,
                options=[
                    *("--host", net.address(name), "--advertise", f"{net.address(name)}:7000"),
                    "--no-auth-on-network",
                ],
                prefix=net.inside(name),
            )[0]
            for name in ("a", "b")
        )
        number = a.number
        with client(a) as socket, client(b) as other:
            connection_id, kept = its_id(socket), its_id(other)
            calls = b.client()
            calls.post_to_connection(ConnectionId=connection_id, Data=b"from one host to another")
            assert socket.recv(timeout=DEADLINE_S) == "from one host to another"

            net.cut("a", "b")
            assert fault_of(lambda: calls.post_to_connection(ConnectionId=connection_id, Data=b"lost"))[0] == 500
            assert its_id(socket) == connection_id, "it is served, so it is not gone"
            net.heal("a", "b")

            net.cut("a", "db")
            assert end_of(socket) == 1012
            fleet.until(lambda: fleet.disconnects() == {connection_id: 1}, "its $disconnect", LEASE_S + DEADLINE_S)
            fleet.until(
                lambda: fault_of(lambda: calls.post_to_connection(ConnectionId=connection_id, Data=b""))[0] == 410,
                "410",
            )
            assert its_id(other) == kept
            net.heal("a", "db")
            fleet.until(lambda: a.number > number, "it comes back", LEASE_S + DEADLINE_S)
            with client(a) as again:
                fresh = its_id(again)
                calls.post_to_connection(ConnectionId=fresh, Data=b"welcome back")
                assert again.recv(timeout=DEADLINE_S) == "welcome back"
