"""The portable helper: the same outcomes from one call on a fleet as from one call each on AWS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from connections_double import ConnectionsDouble

IDS = [f"connection-{number}=" for number in range(30)]


@pytest.fixture
def double(tmp_path: Path) -> Iterator[ConnectionsDouble]:
    with ConnectionsDouble(tmp_path) as double:
        yield double


@pytest.fixture
def client(double: ConnectionsDouble) -> Iterator[Any]:
    with closing(client_of(f"https://{double.domain_name}/dev", verify=str(double.ca_file))) as made:
        yield made


def client_of(endpoint_url: str, **more: Any) -> Any:
    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}),
        **more,
    )


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


# As a fleet and AWS name what is wrong with a caller (parity 7.4); none of it is about one connection.
REFUSALS = [
    ("AccessDeniedException", b'{"Message":"User: arn is not authorized to perform: execute-api:ManageConnections"}'),
    ("InvalidSignatureException", b'{"message":"The request signature we calculated does not match"}'),
    ("ExpiredTokenException", b'{"message":"The security token included in the request is expired"}'),
    ("UnrecognizedClientException", b'{"message":"The security token included in the request is invalid."}'),
]


@pytest.mark.parametrize(("error_type", "body"), REFUSALS)
@pytest.mark.parametrize("is_fleet", [True, False])
def test_who_may_post_to_nobody_is_told_so(
    double: ConnectionsDouble, client: Any, is_fleet: bool, error_type: str, body: bytes
) -> None:
    from many import SENT, post_to_connections

    double.is_fleet, double.refusal = is_fleet, (403, error_type, body)
    with pytest.raises(ClientError) as raised:
        post_to_connections(client, IDS[:3], b"x")
    assert raised.value.response["Error"]["Code"] == error_type
    assert double.requests == (1 if is_fleet else 4), "on a fleet nobody is tried one by one"
    double.refusal = None
    assert set(post_to_connections(client, IDS[:3], b"x").values()) == {SENT}
    assert double.requests == (2 if is_fleet else 7), "what it is was not mistaken"


@pytest.mark.parametrize(
    "no_such_path",
    [
        (403, "ForbiddenException", b'{"message":"Forbidden"}'),
        (403, "MissingAuthenticationTokenException", b'{"message":"Missing Authentication Token"}'),
        (403, None, b'{"message":"Forbidden"}'),
        (404, None, b'{"message":"No method found matching route @fleet/post for http method POST."}'),
    ],
)
def test_however_aws_says_that_there_is_no_such_path(
    double: ConnectionsDouble, client: Any, no_such_path: tuple[int, str | None, bytes]
) -> None:
    from many import SENT, post_to_connections

    double.no_such_path = no_such_path
    assert post_to_connections(client, IDS[:3], b"x") == dict.fromkeys(IDS[:3], SENT)
    assert double.requests == 4


@pytest.mark.parametrize(
    ("status", "error_type", "outcome"),
    [
        (429, "LimitExceededException", "limited"),
        (503, "ServiceUnavailableException", "unreachable"),
        (500, "InternalServerErrorException", "unreachable"),
    ],
)
@pytest.mark.parametrize("is_fleet", [True, False])
def test_what_passes_is_an_outcome(
    double: ConnectionsDouble, client: Any, is_fleet: bool, status: int, error_type: str, outcome: str
) -> None:
    from many import SENT, post_to_connections

    double.is_fleet, double.refusal = is_fleet, (status, error_type, b"")
    assert post_to_connections(client, IDS[:2], b"x") == dict.fromkeys(IDS[:2], outcome)
    double.refusal = None
    assert post_to_connections(client, IDS[:2], b"x") == dict.fromkeys(IDS[:2], SENT)


@pytest.mark.parametrize("targets", [1, 3])
@pytest.mark.parametrize("is_fleet", [True, False])
def test_a_message_that_is_too_long_is_told(
    double: ConnectionsDouble, client: Any, is_fleet: bool, targets: int
) -> None:
    from many import post_to_connections

    double.is_fleet, double.refusal = is_fleet, (413, "PayloadTooLargeException", b"")
    with pytest.raises(ClientError) as raised:
        post_to_connections(client, IDS[:targets], b"x")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


@pytest.mark.parametrize("is_fleet", [True, False])
def test_text_is_sent_as_utf_8(double: ConnectionsDouble, client: Any, is_fleet: bool) -> None:
    from many import post_to_connections

    double.is_fleet = is_fleet
    post_to_connections(client, IDS[:2], "grüße")
    assert sorted(double.posted) == sorted((each, "grüße") for each in IDS[:2])


def test_who_is_refused_in_the_midst_keeps_what_is_known(double: ConnectionsDouble, client: Any) -> None:
    """A token that expires between two calls: those of the first have their outcomes."""
    from many import AT_ONCE, FORBIDDEN, SENT, post_to_connections

    double.is_fleet, double.refused_after = True, 1
    double.refusal = (403, "ExpiredTokenException", b"")
    outcomes = post_to_connections(client, map(str, range(AT_ONCE + 2)), b"x")
    assert list(outcomes.values()) == [SENT] * AT_ONCE + [FORBIDDEN] * 2


def test_an_endpoint_of_no_stage_is_told(double: ConnectionsDouble, client: Any) -> None:
    from many import post_to_connections

    double.is_fleet = True
    with closing(client_of(f"https://{double.domain_name}/nowhere", verify=str(double.ca_file))) as lost:
        with pytest.raises(ClientError) as raised:
            post_to_connections(lost, IDS[:2], b"x")
        assert raised.value.response["Error"]["Code"] == "ForbiddenException"


def test_a_server_that_is_away_is_unreachable_for_all(double: ConnectionsDouble, client: Any) -> None:
    from many import UNREACHABLE, post_to_connections

    away = client_of("https://127.0.0.1:1/dev")
    with closing(away):
        assert post_to_connections(away, IDS[:2], b"x") == dict.fromkeys(IDS[:2], UNREACHABLE)
