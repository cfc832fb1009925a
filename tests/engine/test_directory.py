"""Paths and hosts to endpoints, by table (parity 1.1, 7)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.engine.directory import Directory
from gateway.model.ids import ApiId, StageName
from gateway.model.plan import DomainName
from sample_definitions import HOST, api, definition, route

CHAT = api(route("$default"), stages=("dev", "my-stage_2"))
OTHER = api(route("$default"), api_id="zzzzzzzzzz", stages=("other",))
SERVED = Directory(definition(CHAT, OTHER))


@pytest.mark.parity("P-001", "P-002", "P-004", "P-006", "P-007", "P-008")
@pytest.mark.parametrize(
    ("path", "host", "stage"),
    [
        ("/dev", "localhost:8080", "dev"),
        ("/dev/", None, "dev"),
        ("/my-stage_2", "x", "my-stage_2"),
        ("/other", "localhost", "other"),
        ("/other", "ZZZZZZZZZZ.execute-api.us-east-1.amazonaws.com:443", "other"),
        ("/dev", HOST, "dev"),
        ("/other", HOST, None),
        ("/dev", "written0in.execute-api.us-east-1.amazonaws.com", "dev"),
        ("/", "x", None),
        ("", "x", None),
        ("/dev/more", "x", None),
        ("/dev//", "x", None),
        ("//dev", "x", None),
        ("/Dev", "x", None),
        ("dev", "x", None),
    ],
)
def test_handshakes(path: str, host: str | None, stage: str | None) -> None:
    found = SERVED.for_handshake(path, host)
    assert (None if found is None else found.deployment.endpoint.stage.stage_name) == stage


@pytest.mark.parity("P-340", "P-342")
@pytest.mark.parametrize(
    ("path", "connection_id"),
    [
        ("/dev/@connections/L0SM9cOFvHcCIhw=", "L0SM9cOFvHcCIhw="),
        ("/dev/@connections/L0SM9cOFvHcCIhw%3D", "L0SM9cOFvHcCIhw="),
        ("/dev/%40connections/L0SM9cOFvHcCIhw%3d", "L0SM9cOFvHcCIhw="),
        ("/dev/@connections/a%253D%3D", "a%3D="),
        ("/dev/@connections/%%3D3D%2", "%=3D%2"),
        ("/dev/@connections/a/b", "a/b"),
        ("/dev//@connections/a%3D", "a="),
        ("/dev/@connections/", None),
        ("/dev/@connections", None),
        ("/dev/connections/a", None),
        ("/nope/@connections/a", None),
        ("/@connections/a", None),
    ],
)
def test_connections(path: str, connection_id: str | None) -> None:
    found = SERVED.for_connections(path, "localhost")
    assert (None if found is None else found.connection_id) == connection_id


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/dev/@fleet/post", ("post",)),
        ("/dev/%40fleet/post", ("post",)),
        ("/dev//@fleet/post", ("post",)),
        ("/dev/@fleet/groups/a%2Fb/connections/c%3D", ("groups", "a/b", "connections", "c=")),
        ("/dev/@fleet/", ("",)),
        ("/dev/@fleet", None),
        ("/nope/@fleet/post", None),
        ("/@fleet/sts", None),
    ],
)
def test_extensions(path: str, parts: tuple[str, ...] | None) -> None:
    found = SERVED.for_fleet(path, "localhost")
    assert (None if found is None else found.parts) == parts
    assert found is None or found.endpoint.stage.stage_name == "dev"


@pytest.mark.parity("P-294", "P-450")
def test_by_name_and_arn() -> None:
    found = SERVED.get(ApiId("a1b2c3d4e5"), StageName("dev"))
    assert found is not None
    assert found.endpoint.domain_name == HOST
    assert found.endpoint.method_arn("$connect") == "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/$connect"
    assert SERVED.get(ApiId("a1b2c3d4e5"), StageName("gone")) is None
    assert len(SERVED.deployments) == 3


DOMAINS = Directory(
    replace(
        definition(CHAT, OTHER),
        domain_names=(
            DomainName("ws.example.com", {"chat": (CHAT.api_id, StageName("dev"))}),
            DomainName("root.example.com", {"": (OTHER.api_id, StageName("other"))}),
        ),
    )
)


@pytest.mark.parity("P-012", "P-013", "P-014", "P-024", "P-159")
@pytest.mark.parametrize(
    ("path", "host", "stage"),
    [
        ("/chat", "ws.example.com", "dev"),
        ("/chat/", "WS.example.com:443", "dev"),
        ("/dev", "ws.example.com", None),
        ("/", "ws.example.com", None),
        ("/", "root.example.com", "other"),
        ("/other", "root.example.com", None),
        ("/dev", HOST, "dev"),
    ],
)
def test_custom_domains(path: str, host: str, stage: str | None) -> None:
    found = DOMAINS.for_handshake(path, host)
    assert (None if found is None else found.deployment.endpoint.stage.stage_name) == stage
    if found is not None:
        assert found.domain_name == host.lower().partition(":")[0]


@pytest.mark.parity("P-341")
@pytest.mark.parametrize(
    ("path", "host", "stage"),
    [
        ("/chat/@connections/x%3D", "ws.example.com", "dev"),
        ("/dev/@connections/x%3D", "ws.example.com", None),
        ("/@connections/x%3D", "root.example.com", "other"),
        ("/%40connections/x%3D", "root.example.com", "other"),
    ],
)
def test_connections_on_custom_domains(path: str, host: str, stage: str | None) -> None:
    found = DOMAINS.for_connections(path, host)
    assert (None if found is None else found.endpoint.stage.stage_name) == stage
    assert found is None or found.connection_id == "x="


@pytest.mark.parity("P-025", "P-026")
def test_a_disabled_default_host_serves_no_stage() -> None:
    served = Directory(definition(replace(CHAT, disable_execute_api_endpoint=True)))
    assert served.for_handshake("/dev", HOST) is None
    assert served.for_handshake("/dev", "localhost:8080") is not None
