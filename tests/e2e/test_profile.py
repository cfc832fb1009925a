"""What AWS has not, switched on in real nodes of one fleet."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

from fleet_process import Fleet, FleetNode, client, fleet_in, its_id
from gateway_process import DEADLINE_S
from process_watch import LINUX

pytestmark = pytest.mark.skipif(not LINUX, reason="processes are stopped and watched as on Linux")
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=x/…, SignedHeaders=host, Signature=00".encode().decode("latin-1")
}
MIB = 1024 * 1024


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with fleet_in(tmp_path) as made:
        yield made


def limits_of(node: FleetNode) -> dict[str, Any]:
    request = urllib.request.Request(f"{node.ready['management_url']}/@fleet/limits", headers=SIGNED)
    with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
        return dict(json.load(answer))


def post_binary(node: FleetNode, connection_id: str, data: bytes) -> None:
    calls = node.client()
    calls.meta.events.register(
        "before-call.apigatewaymanagementapi.PostToConnection",
        lambda params, **_: params["headers"].update({"X-Fleet-Frame": "binary"}),
    )
    calls.post_to_connection(ConnectionId=connection_id, Data=data)


def large(node: FleetNode) -> ClientConnection:
    socket: ClientConnection = connect(f"ws://{node.address}/prod", open_timeout=DEADLINE_S, max_size=32 * MIB)
    return socket


def test_limits_are_lifted_and_told(fleet: Fleet) -> None:
    options = ["--idle-timeout-seconds", "0", "--connection-duration-seconds", "0"]
    options += ["--max-message-bytes", str(16 * MIB), "--max-frame-bytes", str(MIB), "--binary", "on"]
    here, there = fleet.start("here", "there", options=options)
    told = {each["name"]: each["value"] for each in limits_of(here)["limits"] if each["differs"]}
    assert limits_of(here)["profile"] == "own"
    assert told["idle_timeout_seconds"] is told["connection_duration_seconds"] is None
    assert (told["max_message_bytes"], told["max_frame_bytes"], told["binary"]) == (16 * MIB, MIB, "on")
    assert "limits differ from AWS's: idle_timeout_seconds none (AWS: 600 s)" in here.output.text

    with large(here) as socket:
        connection_id = its_id(socket)
        socket.send(b"\x00\xff")
        assert socket.recv(timeout=DEADLINE_S) == connection_id
        socket.send("x" * MIB)  # one frame
        assert socket.recv(timeout=DEADLINE_S) == connection_id
        for node in (here, there):
            post_binary(node, connection_id, b"\xff\x00")
            assert socket.recv(timeout=DEADLINE_S) == b"\xff\x00"
            post_binary(node, connection_id, bytes(16 * MIB))
            assert socket.recv(timeout=DEADLINE_S) == bytes(16 * MIB)
    fleet.until(lambda: len(fleet.told("MESSAGE")) == 3, "its messages")
    _, binary, long = fleet.told("MESSAGE")
    assert (binary["body"], binary["base64"]) == ("AP8=", True)
    assert (len(long["body"]), long["base64"]) == (MIB, False)


def test_without_a_setting_everything_is_awss(fleet: Fleet) -> None:
    (node,) = fleet.start("plain")
    assert limits_of(node)["profile"] == "aws"
    assert "limits differ" not in node.output.text
    with client(node) as socket:
        its_id(socket)
        socket.send(b"\x00")
        with pytest.raises(ConnectionClosedError) as closed:
            socket.recv(timeout=DEADLINE_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1003


def test_a_short_idle_time_is_kept(fleet: Fleet) -> None:
    (node,) = fleet.start("node", options=["--idle-timeout-seconds", "0.5"])
    with client(node) as socket:
        connection_id = its_id(socket)
        fleet.until(lambda: fleet.disconnects() == {connection_id: 1}, "its $disconnect")
        assert fleet.told("DISCONNECT")[0]["code"] == 1001


def test_in_order_messages_and_replies_come_one_after_the_other_and_the_end_last(fleet: Fleet) -> None:
    (node,) = fleet.start("node", options=["--ordering", "connection", "--connection-in-flight", "8"])
    sent = [str(number) for number in range(60)]
    with client(node) as socket:
        for text in sent:
            socket.send(text)
        connection_id = socket.recv(timeout=DEADLINE_S)
    fleet.until(lambda: fleet.disconnects() == {connection_id: 1}, "its $disconnect")
    assert [told["body"] for told in fleet.told("MESSAGE")] == sent


def test_posts_before_the_upgrade_wait_for_it_on_whichever_node(fleet: Fleet) -> None:
    here, there = fleet.start("here", "there", options=["--early-posts", "hold"])
    marker = fleet.folder / "journal.holds"
    with ThreadPoolExecutor() as pool:
        marker.touch()
        opening = pool.submit(client, here)
        fleet.until(lambda: bool(fleet.told("CONNECT")), "its $connect")
        connection_id = fleet.told("CONNECT")[0]["id"]
        posts = [
            pool.submit(node.client().post_to_connection, ConnectionId=connection_id, Data=node.name.encode())
            for node in (here, there)
        ]
        done, _ = wait(posts, timeout=0.5)
        marker.unlink()
        with opening.result(DEADLINE_S) as socket:
            assert {socket.recv(timeout=DEADLINE_S) for _ in posts} == {"here", "there"}
        assert not done, "they wait, or are 410 at once"
        assert all(post.result(DEADLINE_S) for post in posts)
