from __future__ import annotations

import json
from typing import Any

import pytest

from fleet_at_moto import FleetAtMoto
from gateway.cli.main import status_of
from gateway.fleet_table import FleetTable
from gateway.model.connection import Connection
from gateway.system.clock import SystemClock
from tables import connection, member

HOUR_MS = 3_600_000


@pytest.fixture
def recorded(fleet: FleetAtMoto) -> list[Connection]:
    """Five connections of two nodes, in the order of a listing."""
    now_ms = SystemClock().now().wall_ms
    made = [
        connection(1, owner=7, connected_at_ms=now_ms - 3 * HOUR_MS),
        connection(2, owner=7, connected_at_ms=now_ms - 120_000, source_ip="::1"),
        connection(3, owner=7, connected_at_ms=now_ms, stage="blue"),
        connection(1, owner=8, connected_at_ms=now_ms),
        connection(2, owner=8, connected_at_ms=now_ms, source_ip="::1", authorizer={"principalId": "ada"}),
    ]

    async def fill(table: FleetTable) -> None:
        for number in (7, 8):
            await table.members.join(member(number))
        for each in made:
            await table.registry.register(each)

    fleet.do(fill)
    return sorted(made, key=lambda each: (each.owner, each.connection_id))


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def ids(connections: list[Connection]) -> list[str]:
    return [each.connection_id for each in connections]


@pytest.mark.parametrize("command", [["connections"], ["connections", "list"]])
def test_a_table(
    fleet: FleetAtMoto, recorded: list[Connection], command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert fleet.run(*command) == 0
    shown = capsys.readouterr()
    head, *rows = shown.out.splitlines()
    assert head.split() == ["CONNECTION", "NODE", "STAGE", "SOURCE", "CONNECTED", "AGE"]
    assert [row.split()[0] for row in rows] == ids(recorded)
    assert shown.err == ""


@pytest.mark.parametrize(
    ("args", "chosen"),
    [
        (["--node", "8"], lambda each: each.owner == 8),
        (["--stage", "blue"], lambda each: each.stage == "blue"),
        (["--source", "::1"], lambda each: each.source_ip == "::1"),
        (["--source", "::1", "--node", "7"], lambda each: each.source_ip == "::1" and each.owner == 7),
        (["--older-than", "2h59m"], lambda each: each.connection_id == connection(1, owner=7).connection_id),
        (["--older-than", "0s"], lambda each: True),
    ],
)
def test_some_of_them(
    fleet: FleetAtMoto, recorded: list[Connection], args: list[str], chosen: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [each for each in recorded if chosen(each)]
    assert fleet.run("connections", *args, "--json") == 0
    assert [each["connection_id"] for each in lines(capsys.readouterr().out)] == ids(wanted)
    assert fleet.run("connections", "count", *args) == 0
    assert capsys.readouterr().out == f"{len(wanted)}\n"


def test_page_by_page(fleet: FleetAtMoto, recorded: list[Connection], capsys: pytest.CaptureFixture[str]) -> None:
    found: list[str] = []
    token: list[str] = []
    for _ in range(3):
        assert fleet.run("connections", "--limit", "2", "--json", *token) == 0
        shown = capsys.readouterr()
        found += [each["connection_id"] for each in lines(shown.out)]
        token = shown.err.removeprefix("there are more: ").split()
    assert (found, token) == (ids(recorded), [])


@pytest.mark.parametrize("limit", ["0", "5", "6"])
def test_the_last_page_says_nothing_of_more(
    fleet: FleetAtMoto, recorded: list[Connection], limit: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fleet.run("connections", "--limit", limit, "--json") == 0
    shown = capsys.readouterr()
    assert (len(lines(shown.out)), shown.err) == (len(recorded), "")


def test_counts(fleet: FleetAtMoto, recorded: list[Connection], capsys: pytest.CaptureFixture[str]) -> None:
    assert fleet.run("connections", "count", "--by", "node") == 0
    assert capsys.readouterr().out.splitlines() == ["NODE  CONNECTIONS", "7     3", "8     2", "5 in all"]
    assert fleet.run("connections", "count", "--by", "node", "--json") == 0
    assert json.loads(capsys.readouterr().out)["groups"] == [{"node": 7, "count": 3}, {"node": 8, "count": 2}]
    assert fleet.run("connections", "count", "--by", "age", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "total": 5,
        "by": "age",
        "groups": [
            {"age": "under 1m", "count": 3},
            {"age": "1m-10m", "count": 1},
            {"age": "2h-1d", "count": 1},
        ],
        "others": 0,
    }
    assert fleet.run("connections", "count", "--by", "stage", "--limit", "1") == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["prod    4", "others  1", "5 in all"]
    assert fleet.run("connections", "count", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"total": 5}


def test_one(fleet: FleetAtMoto, recorded: list[Connection], capsys: pytest.CaptureFixture[str]) -> None:
    for each in recorded:
        assert fleet.run("connections", "show", each.connection_id, "--json") == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["connection_id"], found["node"]) == (each.connection_id, each.owner)
        assert found["authorizer"] == each.authorizer
        assert fleet.run("connections", "show", each.connection_id) == 0
        assert f"source ip      {each.source_ip}\n" in capsys.readouterr().out


def test_one_that_is_not_there(fleet: FleetAtMoto, capsys: pytest.CaptureFixture[str]) -> None:
    missing = connection(9).connection_id
    assert fleet.run("connections", "show", missing) == 1
    assert capsys.readouterr() == ("", f"error: there is no connection {missing}\n")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["show", "x"], "x is no connection ID"),
        (["list", "--after", "x"], "--after: 'x' is not where a listing was left"),
        (["--older-than", "soon"], "'soon' is no duration such as 90s, 5m or 1h30m"),
        (["--older-than", ""], "'' is no duration"),
        (["--limit", "-1"], "-1"),
        (["count", "--by", "colour"], "colour"),
    ],
)
def test_what_makes_no_sense(args: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["connections", *args]) == 2
    assert said in capsys.readouterr().err.splitlines()[0]
