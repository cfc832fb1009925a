"""Logs of a stage: what a whole run leaves in files."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from gateway_process import DEADLINE_S, GatewayProcess, started

AGENT = 'evil" "status":"999'


def live(gateway: GatewayProcess) -> None:
    """A connection from its beginning to its end, with a failure and a post, and one that is refused."""
    ready = gateway.ready
    with connect(ready.websocket_url, open_timeout=DEADLINE_S, user_agent_header=AGENT) as socket:
        socket.send("fail")
        failed = json.loads(socket.recv(timeout=DEADLINE_S))
        post(gateway, failed["connectionId"])
        assert socket.recv(timeout=DEADLINE_S) == "posted"
    with pytest.raises(InvalidStatus):
        connect(f"{ready.websocket_url}?refuse=1", open_timeout=DEADLINE_S, user_agent_header=AGENT)


def post(gateway: GatewayProcess, connection_id: str) -> None:
    client = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=gateway.ready.management_url,
        region_name=gateway.ready.region,
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    with closing(client) as opened:
        opened.post_to_connection(ConnectionId=connection_id, Data=b"posted")


def summary(line: dict[str, Any]) -> str:
    return " ".join((line["event"], line["route"], line["status"], line["why"]))


LIFE = [
    "CONNECT $connect 200 -",
    "CONNECT $connect 403 -",
    "CONNECTION_API POST /@connections/{connectionId} 200 -",
    "DISCONNECT $disconnect 200 -",
    "MESSAGE $default 502 INTEGRATION_FAILURE",
]


def test_files(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    with started("logs", tmp_path, "--no-watch", "--log-dir", str(folder)) as gateway:
        live(gateway)
        place = folder / gateway.ready.api_id / "prod"
    access = [json.loads(line) for line in (place / "access.log").read_text(encoding="utf-8").splitlines()]
    assert sorted(map(summary, access)) == LIFE
    assert [line["agent"] for line in access].count(AGENT) == 4
    execution = (place / "execution.log").read_text(encoding="utf-8").splitlines()
    failed = next(line["requestId"] for line in access if line["event"] == "MESSAGE")
    assert [line.partition("Z ")[2] for line in execution if failed in line] == [
        f"({failed}) Lambda execution failed due to customer function error: ValueError: as asked",
        f"({failed}) Execution failed: Internal server error",
    ]
    assert sum("Integration returned status: 403" in line for line in execution) == 1
    assert sum("WebSocket Request Route" in line for line in execution) == 1, "only of $disconnect"
    assert str(place / "execution.log") in gateway.output.text
