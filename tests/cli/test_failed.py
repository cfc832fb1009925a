from __future__ import annotations

import json

import pytest

from fleet_at_moto import FleetAtMoto
from gateway.cli.main import status_of
from gateway.fleet_table import FleetTable
from gateway.model.connection import Connection
from gateway.model.member import MemberState
from gateway.model.parked import ParkedDisconnect
from tables import parked


@pytest.fixture
def shelved(fleet: FleetAtMoto) -> list[ParkedDisconnect]:
    made = [parked(number) for number in range(3)]

    async def park(table: FleetTable) -> None:
        for each in made:
            await table.parked.park(each)

    fleet.do(park)
    return sorted(made, key=lambda each: each.connection.connection_id)


def id_of(each: ParkedDisconnect) -> str:
    return each.connection.connection_id


def left(fleet: FleetAtMoto) -> list[str]:
    """What is parked still."""

    async def read(table: FleetTable) -> list[str]:
        return [id_of(each) async for each in table.parked.all()]

    return fleet.do(read)


def replayed(fleet: FleetAtMoto) -> list[str]:
    """What the one node that has left has left behind."""

    async def read(table: FleetTable) -> list[Connection]:
        (node,) = await table.members.all()
        assert node.state is MemberState.LEFT
        return [each async for each in table.registry.connections_of(node.number)]

    return [each.connection_id for each in fleet.do(read)]


def test_a_table(fleet: FleetAtMoto, shelved: list[ParkedDisconnect], capsys: pytest.CaptureFixture[str]) -> None:
    assert fleet.run("failed") == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["CONNECTION", "STAGE", "CODE", "ATTEMPTS", "PARKED", "WHY"]
    assert [row.split()[0] for row in rows] == list(map(id_of, shelved))
    assert rows[0].endswith("the function timed out")


def test_for_scripts(fleet: FleetAtMoto, shelved: list[ParkedDisconnect], capsys: pytest.CaptureFixture[str]) -> None:
    assert fleet.run("failed", "list", "--json") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["connection_id"] for each in found] == list(map(id_of, shelved))


def test_one_is_given_back(
    fleet: FleetAtMoto, shelved: list[ParkedDisconnect], capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = id_of(shelved[1])
    assert fleet.run("failed", "replay", chosen) == 0
    assert capsys.readouterr().out == "1 given back to the fleet\n"
    assert replayed(fleet) == [chosen]
    assert left(fleet) == [id_of(shelved[0]), id_of(shelved[2])]


def test_all_are_given_back(
    fleet: FleetAtMoto, shelved: list[ParkedDisconnect], capsys: pytest.CaptureFixture[str]
) -> None:
    assert fleet.run("failed", "replay", "--all") == 0
    assert capsys.readouterr().out == "3 given back to the fleet\n"
    assert replayed(fleet) == list(map(id_of, shelved))
    assert left(fleet) == []
    assert fleet.run("failed", "replay", "--all") == 0
    assert capsys.readouterr().out == "0 given back to the fleet\n"
    assert len(fleet.do(lambda table: table.members.all())) == 1


@pytest.mark.parametrize(("command", "done"), [("replay", "given back to the fleet"), ("discard", "discarded")])
def test_what_is_not_parked_is_told(
    fleet: FleetAtMoto,
    shelved: list[ParkedDisconnect],
    command: str,
    done: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    missing = id_of(parked(9))
    assert fleet.run("failed", command, missing, id_of(shelved[0])) == 1
    shown = capsys.readouterr()
    assert shown.out == f"1 {done}\n"
    assert shown.err == f"error: nothing is parked of connection {missing}\n"
    assert left(fleet) == list(map(id_of, shelved[1:]))


def test_giving_up(fleet: FleetAtMoto, shelved: list[ParkedDisconnect], capsys: pytest.CaptureFixture[str]) -> None:
    assert fleet.run("failed", "discard", *map(id_of, shelved[:2])) == 0
    assert capsys.readouterr().out == "2 discarded\n"
    assert left(fleet) == [id_of(shelved[2])]
    assert fleet.do(lambda table: table.members.all()) == ()


@pytest.mark.parametrize("args", [["replay"], ["replay", "--all", "x"], ["discard"]])
def test_it_must_be_said_which(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["failed", *args]) == 2
    assert capsys.readouterr().err.startswith("error: ")
