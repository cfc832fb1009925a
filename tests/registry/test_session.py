"""Whose keys and which place: only what the endpoint says, unless it leaves the keys to the SDK."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model.aws import AwsEndpoint, Credentials
from gateway.model.errors import RegistryUnavailable
from gateway.registry.session import session_for
from gateway.registry.table import Table
from gateway.registry.table_settings import TableSettings

REGION = "eu-central-1"
EVERYWHERE = {
    "AWS_ACCESS_KEY_ID": "AKIDENVIRONMENT",
    "AWS_SECRET_ACCESS_KEY": "s",
    "AWS_DEFAULT_REGION": "sa-east-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9",
    "AWS_CA_BUNDLE": "/does/not/exist",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in EVERYWHERE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return monkeypatch


def keys_of(endpoint: AwsEndpoint) -> tuple[str, str | None]:
    found = session_for(endpoint).get_credentials().get_frozen_credentials()
    return found.access_key, found.token


def test_given_keys_are_the_ones() -> None:
    assert keys_of(AwsEndpoint("http://e", REGION, Credentials("AKIDGIVEN", "s", "t"))) == ("AKIDGIVEN", "t")


def test_keys_left_to_the_sdk_come_from_the_environment_first() -> None:
    assert keys_of(AwsEndpoint(None, REGION, None)) == ("AKIDENVIRONMENT", None)


def test_keys_left_to_the_sdk_may_come_from_a_profile(surroundings: pytest.MonkeyPatch, tmp_path: Path) -> None:
    surroundings.delenv("AWS_ACCESS_KEY_ID")
    surroundings.setenv("AWS_PROFILE", "ops")
    (tmp_path / "credentials").write_text("[ops]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = s\n")
    assert keys_of(AwsEndpoint(None, REGION, None)) == ("AKIDPROFILE", None)
    assert keys_of(AwsEndpoint(None, REGION)) == ("test", None)


@pytest.mark.parametrize("credentials", [None, Credentials("AKIDGIVEN", "s")])
def test_without_a_url_aws_itself_is_meant_in_the_region_that_is_named(credentials: Credentials | None) -> None:
    client = session_for(AwsEndpoint(None, REGION, credentials)).create_client("dynamodb")
    assert client.meta.endpoint_url == "https://dynamodb.eu-central-1.amazonaws.com"
    assert client.meta.region_name == REGION


def test_a_given_url_is_the_one_also_with_keys_left_to_the_sdk() -> None:
    endpoint = AwsEndpoint("http://127.0.0.1:8000", REGION, None)
    client = session_for(endpoint).create_client("dynamodb", endpoint_url=endpoint.url)
    assert client.meta.endpoint_url == "http://127.0.0.1:8000"


def test_no_keys_anywhere_is_told(surroundings: pytest.MonkeyPatch) -> None:
    surroundings.delenv("AWS_ACCESS_KEY_ID")
    table = Table(AwsEndpoint(None, REGION, None), TableSettings("t"), 1)
    with pytest.raises(RegistryUnavailable, match=r"table t at AWS in eu-central-1: .*[Cc]redentials"):
        table.exists()


def test_a_profile_that_does_not_exist_is_told(surroundings: pytest.MonkeyPatch) -> None:
    surroundings.delenv("AWS_ACCESS_KEY_ID")
    surroundings.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(RegistryUnavailable, match="nobody"):
        Table(AwsEndpoint(None, REGION, None), TableSettings("t"), 1).exists()
