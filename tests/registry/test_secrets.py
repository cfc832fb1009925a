"""Secrets by ARN, from a Secrets Manager that really answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest

from gateway.model.aws import AwsEndpoint, Credentials
from gateway.model.errors import CapacityError
from gateway.registry.secrets import SecretsManager
from moto_server import moto_url

__all__ = ["moto_url"]

KEYS = Credentials("any", "any")
UNKNOWN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:nothing-AbCdEf"


@pytest.fixture
def client(moto_url: str) -> Iterator[Any]:
    made = boto3.client(
        "secretsmanager",
        region_name="eu-west-1",
        endpoint_url=moto_url,
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    with closing(made):
        yield made


async def test_a_secret_in_its_own_region(moto_url: str, client: Any) -> None:
    arn = client.create_secret(Name="fleet/ada", SecretString="the-first-secret")["ARN"]
    manager = SecretsManager(AwsEndpoint(moto_url, "eu-central-1", KEYS))
    with closing(manager):
        assert await manager.text(arn) == "the-first-secret"
        client.put_secret_value(SecretId=arn, SecretString="the-second-secret")
        assert await manager.text(arn) == "the-second-secret"


async def test_what_is_no_text_and_what_is_not_there(moto_url: str, client: Any) -> None:
    arn = client.create_secret(Name="fleet/bytes", SecretBinary=b"\x00secret")["ARN"]
    with closing(SecretsManager(AwsEndpoint(moto_url, "eu-central-1", KEYS))) as manager:
        with pytest.raises(CapacityError, match="it is not text"):
            await manager.text(arn)
        with pytest.raises(CapacityError, match="ResourceNotFoundException"):
            await manager.text(UNKNOWN)


async def test_nobody_answers() -> None:
    manager = SecretsManager(AwsEndpoint("http://127.0.0.1:1", "eu-central-1", KEYS))
    with closing(manager), pytest.raises(CapacityError, match="connect"):
        await manager.text(UNKNOWN)
