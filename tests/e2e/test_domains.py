"""A custom domain end to end: its certificate, its base path, and a handler that calls back by it (parity 1.1)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection

from gateway_process import DEADLINE_S, GatewayProcess, started
from tls_client import secure_connect

DOMAIN = "ws.example.com"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with started("domains", tmp_path_factory.mktemp("e2e"), "--no-watch") as gateway:
        yield gateway


def visit(gateway: GatewayProcess, path: str) -> ClientConnection:
    """As a client whose resolver knows the domain."""
    return secure_connect(gateway.ready.secure_port, gateway.ready.tls, DOMAIN, f"ws://{DOMAIN}{path}")


@pytest.mark.parity("P-012", "P-017", "P-021", "P-341", "P-534")
def test_a_handler_posts_through_the_domain_that_its_event_names(gateway: GatewayProcess) -> None:
    with visit(gateway, "/chat") as opened:
        opened.send("hello")
        assert json.loads(opened.recv(timeout=DEADLINE_S)) == {"domainName": DOMAIN, "stage": "prod"}


@pytest.mark.parity("P-012")
@pytest.mark.parametrize("path", ["/prod", "/"])
def test_the_stage_is_no_path_of_the_domain(gateway: GatewayProcess, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        visit(gateway, path).close()
    assert refused.value.response.status_code == 403
