"""The sample application on moto's DynamoDB, with the table that its template declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from samtranslator.yaml_helper import yaml_parse

from chat_double import PROJECT, TABLE, Chat
from connections_double import ConnectionsDouble


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml_parse((PROJECT / "template.yaml").read_text(encoding="utf-8"))
    return parsed


@pytest.fixture(scope="session")
def connections_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectionsDouble]:
    with ConnectionsDouble(tmp_path_factory.mktemp("connections")) as double:
        yield double


@pytest.fixture
def connections(connections_server: ConnectionsDouble) -> ConnectionsDouble:
    connections_server.posted.clear()
    connections_server.gone.clear()
    return connections_server


@pytest.fixture
def chat(template: dict[str, Any], connections: ConnectionsDouble, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    import postbox

    for variable in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(connections.ca_file))
    with mock_aws():
        properties = dict(template["Resources"]["ConnectionsTable"]["Properties"])
        properties.pop("TimeToLiveSpecification")  # set by another call than the table
        boto3.client("dynamodb").create_table(TableName=TABLE, **properties)
        yield Chat(connections)
        postbox.client(f"https://{connections.domain_name}/dev").close()
        postbox.client.cache_clear()
