"""Paths and hosts to endpoints, by table (parity 1.1, 7)."""

from __future__ import annotations

import pytest

from gateway.engine.directory import Directory
from gateway.model.ids import ApiId, StageName
from sample_definitions import HOST, api, definition, route

CHAT = api(route("$default"), stages=("dev", "my-stage_2"))
OTHER = api(route("$default"), api_id="zzzzzzzzzz", stages=("other",))
SERVED = Directory(definition(CHAT, OTHER))


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
    assert (None if found is None else found.endpoint.stage.stage_name) == stage


@pytest.mark.parametrize(
    ("path", "connection_id"),
    [
        ("/dev/@connections/L0SM9cOFvHcCIhw=", "L0SM9cOFvHcCIhw="),
        ("/dev/@connections/L0SM9cOFvHcCIhw%3D", "L0SM9cOFvHcCIhw="),
        ("/dev/%40connections/L0SM9cOFvHcCIhw%3d", "L0SM9cOFvHcCIhw="),
        ("/dev/@connections/a/b", "a/b"),
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


def test_by_name_and_arn() -> None:
    found = SERVED.get(ApiId("a1b2c3d4e5"), StageName("dev"))
    assert found is not None
    assert found.endpoint.domain_name == HOST
    assert found.endpoint.method_arn("$connect") == "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/$connect"
    assert SERVED.get(ApiId("a1b2c3d4e5"), StageName("gone")) is None
    assert len(SERVED.deployments) == 3
