"""A queue and a table's stream call functions, which post back to the connection that caused it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from websockets.sync.client import connect

from gateway_process import DEADLINE_S, GatewayProcess, started


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with started("sources", tmp_path_factory.mktemp("e2e")) as gateway:
        yield gateway


@pytest.mark.parametrize("source", ["queue", "table"])
def test_what_was_left_there_comes_back_in_order(gateway: GatewayProcess, source: str) -> None:
    with connect(gateway.ready.websocket_url, open_timeout=DEADLINE_S) as socket:
        for number in range(3):
            text = json.dumps({"action": source, "number": number})
            socket.send(text)
            assert socket.recv(timeout=DEADLINE_S) == f"{source} {text}"


def test_a_changed_template_is_followed(gateway: GatewayProcess) -> None:
    template = gateway.folder / "template.yaml"
    text = template.read_text(encoding="utf-8")
    changed = text.replace("Handler: app.from_queue", "Handler: app.from_queue\n      Description: changed")
    since = gateway.output.end
    template.write_text(changed.replace("Queue: !GetAtt Queue.Arn", "Queue: !GetAtt Queue.Arn, BatchSize: 1"))
    gateway.output.shows("the changed template is in use", since)
    test_what_was_left_there_comes_back_in_order(gateway, "queue")
