"""Starting, changing, stopping and dying: what stays, what is told, and that nothing is left behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from gateway_process import (
    APPLICATIONS,
    COMMAND,
    DEADLINE_S,
    OWN_RUNTIME,
    GatewayProcess,
    command_of,
    descendants,
    environment,
    mentioning,
    started,
)
from process_watch import LINUX

IN_PROC = pytest.mark.skipif(not LINUX, reason="processes are looked up in /proc")
OPENED = re.compile(r"connect +(\S+) /prod ")
EMULATOR = "gateway.emulation.server"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    with started("life", tmp_path) as gateway:
        yield gateway


def client(gateway: GatewayProcess) -> ClientConnection:
    socket: ClientConnection = connect(gateway.ready.websocket_url, open_timeout=DEADLINE_S)
    return socket


def ask(socket: ClientConnection, action: str) -> str:
    socket.send(json.dumps({"action": action}))
    message = socket.recv(timeout=DEADLINE_S)
    assert isinstance(message, str)
    return message


@pytest.mark.parity("P-421")
def test_ctrl_c_tells_every_connection_its_end(gateway: GatewayProcess) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(client(gateway)) for _ in range(3)]
        ids = [line[1] for line in gateway.output.shows_all(OPENED.pattern, 3)]
        with gateway.leaving_nothing():
            assert gateway.interrupt() == 0
        for opened in clients:
            with pytest.raises(ConnectionClosed) as closed:
                opened.recv(timeout=DEADLINE_S)
            assert closed.value.rcvd is not None and closed.value.rcvd.code == 1001
    for connection_id in ids:
        gateway.output.shows(rf"^\[life-Function .*\] ended {connection_id} 1001 Going away$")
    assert "error" not in gateway.output.text


@IN_PROC
def test_kill_9_leaves_no_process(gateway: GatewayProcess) -> None:
    with client(gateway) as opened:
        grandchild = int(ask(opened, "spawn"))
        processes = descendants(gateway.pid)
        assert grandchild in processes  # in a session of its own, deaf to SIGTERM
        commands = " ".join(map(command_of, processes))
        assert all(name in commands for name in ("guardian", EMULATOR, "bootstrap/python.py"))
        with gateway.leaving_nothing():
            gateway.kill_alone()


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [COMMAND, "run", "template.yaml", "--parameter-overrides", f"Python={OWN_RUNTIME}", "--port", port],
            cwd=shutil.copytree(APPLICATIONS / "life", tmp_path / "life"),
            env=environment(tmp_path / "state"),
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )
    first, *hints = ended.stderr.splitlines()
    assert ended.returncode == 2 and ended.stdout == ""
    assert first.startswith("error: ") and port in first
    assert len(hints) <= 1 and all(hint.startswith("  hint: ") for hint in hints)
    assert mentioning(str(tmp_path)) == set()


@pytest.mark.parity("P-068")
@IN_PROC
def test_without_its_emulator_it_refuses_but_keeps_what_is_open(gateway: GatewayProcess) -> None:
    with client(gateway) as opened:
        (emulator,) = (pid for pid in descendants(gateway.pid) if EMULATOR in command_of(pid))
        os.kill(emulator, signal.SIGKILL)
        gateway.output.shows(r"^error: the embedded AWS ended")
        since = gateway.output.end
        with pytest.raises(InvalidStatus) as refused:
            client(gateway).close()
        response = refused.value.response
        document = json.loads(response.body)
        assert response.status_code == 503 and document["message"] == "Service Unavailable"
        assert response.headers["retry-after"] == "1"
        assert document["requestId"] == response.headers["x-amz-apigw-id"]
        gateway.output.shows(rf"refused +{re.escape(document['connectionId'])} 503 .*connection table", since)
        assert ask(opened, "version") == "one"
        with gateway.leaving_nothing():
            gateway.kill_alone()


@pytest.mark.parity("P-150", "P-151", "P-440")
def test_changes_are_taken_up_while_a_socket_stays_open(gateway: GatewayProcess) -> None:
    code, template = gateway.folder / "src" / "life.py", gateway.folder / "template.yaml"
    working = template.read_text(encoding="utf-8")
    extended = working.replace(
        "        spawn:", "        whatever: {FunctionArn: !GetAtt Function.Arn}\n        spawn:"
    )
    extended += "\n  WhateverResponse:\n    Type: AWS::ApiGatewayV2::RouteResponse\n"
    extended += "    Properties: {ApiId: !Ref Api, RouteId: !Ref ApiWhateverRoute, RouteResponseKey: $default}\n"

    def change(path: Path, text: str, told: str) -> None:
        since = gateway.output.end
        path.write_text(text, encoding="utf-8")
        gateway.output.shows(told, since)

    with client(gateway) as opened:
        assert ask(opened, "version") == "one"
        change(code, code.read_text(encoding="utf-8").replace('"one"', '"two"'), "changed code is used")
        assert ask(opened, "version") == "two"
        assert json.loads(ask(opened, "whatever"))["message"] == "Forbidden"
        change(template, extended, "the changed template is in use")
        assert ask(opened, "whatever") == "two"
        change(template, working.replace("!GetAtt Function.Arn", "!GetAtt Funktion.Arn"), "no longer loads")
        assert re.search(r"^error: .*template\.yaml:\d+: .*Funktion", gateway.output.text, re.M)
        assert ask(opened, "whatever") == "two"
        change(template, working, "the changed template is in use")
        assert json.loads(ask(opened, "whatever"))["message"] == "Forbidden"
        assert ask(opened, "version") == "two"
    assert len(OPENED.findall(gateway.output.text)) == 1
