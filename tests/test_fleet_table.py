from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.fleet_table import make_table, open_table, operators_endpoint
from gateway.model.aws import DUMMY_CREDENTIALS, Credentials
from gateway.model.errors import UserError
from gateway.settings import ServeSettings
from moto_server import moto_url
from tables import Heard, connection, fresh_table, member, parked

__all__ = ["moto_url"]
NOBODY = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


async def test_it_is_made_once_and_opened(moto_url: str) -> None:
    settings = ServeSettings(endpoint_url=moto_url, table=fresh_table())
    aws = operators_endpoint(settings)
    assert await make_table(settings, aws, Heard())
    assert not await make_table(settings, aws, Heard())
    async with AsyncExitStack() as stack:
        table = await open_table(stack, settings, aws, Heard())
        await table.members.join(member(7))
        await table.registry.register(connection(1))
        await table.parked.park(parked(2))
        assert [each.number for each in await table.members.all()] == [7]
        assert [each async for each in table.registry.connections_of(connection(1).owner)] == [connection(1)]
        assert [each async for each in table.parked.all()] == [parked(2)]


async def test_one_that_is_not_there_is_told(moto_url: str) -> None:
    settings = ServeSettings(endpoint_url=moto_url, table=fresh_table())
    async with AsyncExitStack() as stack:
        with pytest.raises(UserError, match=f"there is no table {settings.table} at {moto_url}") as raised:
            await open_table(stack, settings, operators_endpoint(settings), Heard())
    assert "wsfleet init" in raised.value.hint


async def test_nobody_there_is_told() -> None:
    settings = ServeSettings(endpoint_url=NOBODY, table="t")
    aws = operators_endpoint(settings)
    async with AsyncExitStack() as stack:
        with pytest.raises(UserError, match=f"the connection table t cannot be reached at {NOBODY}: "):
            await open_table(stack, settings, aws, Heard())
    with pytest.raises(UserError, match="cannot be reached") as raised:
        await make_table(settings, aws, Heard())
    assert "--endpoint-url" in raised.value.hint


def test_whose_keys_an_operator_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert operators_endpoint(ServeSettings(endpoint_url=NOBODY)).credentials == DUMMY_CREDENTIALS
    assert operators_endpoint(ServeSettings()).credentials is None
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    for url in (None, NOBODY):
        assert operators_endpoint(ServeSettings(endpoint_url=url)).credentials == Credentials("a", "b")


def test_where_the_table_is() -> None:
    found = operators_endpoint(ServeSettings(endpoint_url=NOBODY, region="eu-west-1", ca_bundle=Path("ca.pem")))
    assert (found.url, found.region, found.ca_bundle) == (NOBODY, "eu-west-1", "ca.pem")
    assert operators_endpoint(ServeSettings(ca_bundle=Path("ca.pem"))).ca_bundle is None
