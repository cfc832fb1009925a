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


@pytest.fixture(scope="module")
def dynamodb(connections_server: ConnectionsDouble) -> Iterator[Any]:
    """A client of moto's DynamoDB, which the handlers reach meanwhile; one per module, as clients are slow to make."""
    import postbox

    with pytest.MonkeyPatch.context() as environment:
        for variable in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
            environment.delenv(variable, raising=False)
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        environment.setenv("AWS_CA_BUNDLE", str(connections_server.ca_file))
        with mock_aws():
            yield boto3.client("dynamodb")
        postbox.client(f"https://{connections_server.domain_name}/dev").close()
        postbox.client.cache_clear()


@pytest.fixture
def chat(template: dict[str, Any], dynamodb: Any, connections_server: ConnectionsDouble) -> Iterator[Chat]:
    connections_server.posted.clear()
    connections_server.gone.clear()
    properties = dict(template["Resources"]["ConnectionsTable"]["Properties"])
    properties.pop("TimeToLiveSpecification")  # set by another call than the table
    dynamodb.create_table(TableName=TABLE, **properties)
    yield Chat(connections_server)
    dynamodb.delete_table(TableName=TABLE)
