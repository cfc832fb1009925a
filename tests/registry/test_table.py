"""The blocking table against a DynamoDB that answers exactly what the test says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from dynamodb_double import DONE, Answer, ScriptedDynamoDb, failure, scripted
from gateway.model.aws import AwsEndpoint
from gateway.model.errors import RegistryUnavailable
from gateway.registry.table import Table
from gateway.registry.table_settings import TableSettings
from tables import fresh_table

CREATING: Answer = (200, {"Table": {"TableName": "t", "TableStatus": "CREATING"}})
ACTIVE: Answer = (200, {"Table": {"TableName": "t", "TableStatus": "ACTIVE"}})
GONE = failure("ResourceNotFoundException")


@contextmanager
def table(**answers: Sequence[Answer | None]) -> Iterator[tuple[Table, ScriptedDynamoDb]]:
    with scripted(**answers) as server:
        made = Table(server.endpoint, TableSettings("t"), 2)
        yield made, server
        made.close()


def test_a_table_is_there_or_not() -> None:
    with table(DescribeTable=[GONE, CREATING, failure("AccessDeniedException")]) as (made, server):
        assert made.exists() is False
        assert made.exists() is True
        with pytest.raises(RegistryUnavailable, match="AccessDenied"):
            made.exists()
    assert {operation for operation, _ in server.asked} == {"DescribeTable"}


def test_a_new_table_is_on_demand_waited_for_and_given_its_ttl() -> None:
    pauses: list[float] = []
    with table(
        DescribeTable=[GONE, CREATING, CREATING, ACTIVE], CreateTable=[CREATING], UpdateTimeToLive=[(200, {})]
    ) as (made, server):
        assert made.ensure(pauses.append) is True
    asked = dict(server.asked)
    assert asked["CreateTable"]["BillingMode"] == "PAY_PER_REQUEST"
    assert asked["UpdateTimeToLive"]["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert len(pauses) == 2


def test_a_table_that_is_never_ready_ends_the_wait() -> None:
    waited: list[float] = []
    with table(DescribeTable=[CREATING]) as (made, _), pytest.raises(RegistryUnavailable, match="not ready"):
        made.ensure(waited.append)
    assert sum(waited) >= 59


def test_an_emulator_without_ttl_is_good_enough() -> None:
    with table(
        DescribeTable=[GONE, ACTIVE], CreateTable=[ACTIVE], UpdateTimeToLive=[failure("UnknownOperationException")]
    ) as (made, _):
        assert made.ensure() is True


@pytest.mark.parametrize("answer", [DONE, failure("ValidationException")], ids=["it was off", "it was on"])
def test_a_table_whose_maker_ended_too_soon_gets_its_ttl_from_the_next(answer: Answer) -> None:
    with table(DescribeTable=[ACTIVE], UpdateTimeToLive=[answer]) as (made, server):
        assert made.ensure() is False
    assert "UpdateTimeToLive" in dict(server.asked)


def test_a_table_made_by_somebody_else_meanwhile_is_fine() -> None:
    with table(
        DescribeTable=[GONE, ACTIVE], CreateTable=[failure("ResourceInUseException")], UpdateTimeToLive=[DONE]
    ) as (made, _):
        assert made.ensure() is False


def test_an_account_that_may_not_create_the_table_is_told_so() -> None:
    denied = failure("AccessDeniedException")
    with (
        table(DescribeTable=[GONE], CreateTable=[denied]) as (made, _),
        pytest.raises(RegistryUnavailable, match="AccessDenied"),
    ):
        made.ensure()


def test_a_closed_table_opens_again_on_demand(moto_url: str) -> None:
    made = Table(AwsEndpoint(moto_url, "eu-central-1"), TableSettings(fresh_table()), 2)
    made.close()
    assert made.ensure() is True
    made.close()
