"""Handlers find AWS unchanged (D9): the management endpoint in every form, other services, and each other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from gateway_process import DEADLINE_S, GatewayProcess, node_runtime, started

WITH_NPM = pytest.mark.skipif(shutil.which("npm") is None, reason="no npm on this machine")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    parameters = {"Node": node_runtime()}
    with started("endpoints", tmp_path_factory.mktemp("e2e"), "--no-watch", parameters=parameters) as gateway:
        yield gateway


@pytest.fixture
def socket(gateway: GatewayProcess) -> Iterator[ClientConnection]:
    with connect(gateway.ready.websocket_url, open_timeout=DEADLINE_S) as opened:
        yield opened


def ask(socket: ClientConnection, **message: str) -> str:
    socket.send(json.dumps(message))
    return heard(socket)


def heard(socket: ClientConnection) -> str:
    message = socket.recv(timeout=DEADLINE_S)
    assert isinstance(message, str)
    return message


@pytest.mark.parametrize(
    ("route", "form"),
    [
        *(("python", form) for form in ("E1", "E3", "E4")),
        *(pytest.param("v2", form, marks=WITH_NPM) for form in ("E1", "E2", "E3", "E4")),
        *(pytest.param("v3", form, marks=WITH_NPM) for form in ("E1", "E3", "E4")),
    ],
)
def test_every_form_of_the_endpoint_leads_here(socket: ClientConnection, route: str, form: str) -> None:
    assert ask(socket, action=route, form=form) == form


def test_boto3_finds_dynamodb_and_sqs(socket: ClientConnection) -> None:
    used: dict[str, Any] = json.loads(ask(socket, action="services"))
    assert used["sqs"] == [used["dynamodb"]]


def test_functions_invoke_each_other(socket: ClientConnection) -> None:
    first, *rest = sorted([ask(socket, action="invoke"), heard(socket), heard(socket)], reverse=True)
    assert json.loads(first) == {"answer": {"name": "endpoints-Other"}, "started": 202}
    assert rest == ["other was invoked"] * 2  # once waited for, once as an event


@WITH_NPM
def test_javascript_v2_finds_dynamodb_and_invokes(socket: ClientConnection) -> None:
    assert ask(socket, action="v2", form="services") == "other was invoked"
    used = json.loads(heard(socket))
    assert used["answer"] == {"name": "endpoints-Other"} and used["dynamodb"].endswith("==")
