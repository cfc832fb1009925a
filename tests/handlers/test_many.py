"""The portable helper: the same outcomes from one call on a fleet as from one call each on AWS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from connections_double import ConnectionsDouble

IDS = [f"connection-{number}=" for number in range(30)]


@pytest.fixture
def double(tmp_path: Path) -> Iterator[ConnectionsDouble]:
    with ConnectionsDouble(tmp_path) as double:
        yield double


@pytest.fixture
def client(double: ConnectionsDouble) -> Iterator[Any]:
    with closing(
        boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=f"https://{double.domain_name}/dev",
            verify=str(double.ca_file),
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=Config(retries={"total_max_attempts": 1}),
        )
    ) as made:
        yield made


@pytest.mark.parametrize(("is_fleet", "requests"), [(True, 1), (False, 31)])
def test_each_has_its_outcome_wherever_it_runs(
    double: ConnectionsDouble, client: Any, is_fleet: bool, requests: int
) -> None:
    from many import GONE, SENT, post_to_connections

    double.is_fleet = is_fleet
    double.gone = {IDS[3], IDS[29]}
    outcomes = post_to_connections(client, IDS, "grüße".encode())
    assert outcomes == {each: GONE if each in double.gone else SENT for each in IDS}
    assert list(outcomes) == IDS
    assert sorted(double.posted) == sorted((each, "grüße") for each in IDS if each not in double.gone)
    assert double.requests == requests


@pytest.mark.parametrize("is_fleet", [True, False])
def test_where_it_runs_is_found_out_once(double: ConnectionsDouble, client: Any, is_fleet: bool) -> None:
    from many import post_to_connections

    double.is_fleet = is_fleet
    post_to_connections(client, IDS[:2], b"first")
    before = double.requests
    post_to_connections(client, IDS[:2], b"second")
    assert double.requests - before == (1 if is_fleet else 2)


@pytest.mark.parametrize("is_fleet", [True, False])
def test_nobody_and_one_and_the_same_one_twice(double: ConnectionsDouble, client: Any, is_fleet: bool) -> None:
    from many import SENT, post_to_connections

    double.is_fleet = is_fleet
    assert post_to_connections(client, [], b"x") == {}
    assert post_to_connections(client, IDS[:1] * 3, b"x") == {IDS[0]: SENT}
    assert double.posted == [(IDS[0], "x")]


def test_more_than_one_call_may_take_are_several(double: ConnectionsDouble, client: Any) -> None:
    from many import AT_ONCE, SENT, post_to_connections

    double.is_fleet = True
    targets = [str(number) for number in range(AT_ONCE + 1)]
    assert set(post_to_connections(client, targets, b"x").values()) == {SENT}
    assert double.requests == 2


def test_a_single_post_of_the_same_client_stays_one(double: ConnectionsDouble, client: Any) -> None:
    from many import post_to_connections

    double.is_fleet = True
    post_to_connections(client, IDS[:2], b"many")
    client.post_to_connection(ConnectionId=IDS[5], Data=b"one")
    assert double.posted[-1] == (IDS[5], "one")


def test_a_server_that_is_away_is_unreachable_for_all(double: ConnectionsDouble, client: Any) -> None:
    from many import UNREACHABLE, post_to_connections

    away = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url="https://127.0.0.1:1/dev",
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with closing(away):
        assert post_to_connections(away, IDS[:2], b"x") == dict.fromkeys(IDS[:2], UNREACHABLE)
