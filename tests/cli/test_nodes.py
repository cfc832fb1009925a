from __future__ import annotations

import json

import pytest

from fleet_at_moto import FleetAtMoto
from gateway.cli.main import status_of
from gateway.cli.nodes import drained
from gateway.fleet_table import FleetTable
from gateway.model.ids import NodeNumber
from gateway.model.member import Member, MemberState, Renewal
from gateway.registry.memory_members import MemoryMembers
from tables import member

SEVEN = NodeNumber(7)


@pytest.fixture
def two(fleet: FleetAtMoto) -> FleetAtMoto:
    async def join(table: FleetTable) -> None:
        for number in (7, 8):
            await table.members.join(member(number))

    fleet.do(join)
    return fleet


class Leaving(MemoryMembers):
    """A node that drains as it is asked to: one step each time it is looked at."""

    async def all(self) -> tuple[Member, ...]:
        found = await super().all()
        for each in found:
            if each.number != SEVEN or not each.drain_asked:
                continue
            if each.claimed_by is not None:
                await self.remove(SEVEN, each.claimed_by)
            elif each.state is MemberState.LEFT:
                await self.claim(each, NodeNumber(8))
            else:
                state = MemberState.LEFT if each.state is MemberState.DRAINING else MemberState.DRAINING
                await self.renew(Renewal(SEVEN, each.version + 1, state, 2))
        return found


def test_nodes(two: FleetAtMoto, capsys: pytest.CaptureFixture[str]) -> None:
    assert two.run("nodes") == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["NODE", "STATE", "CONNECTIONS"]
    assert [line.split()[:3] for line in (first, second)] == [["7", "ALIVE", "0"], ["8", "ALIVE", "0"]]


def test_nodes_for_scripts(two: FleetAtMoto, capsys: pytest.CaptureFixture[str]) -> None:
    assert two.run("nodes", "--json") == 0
    assert [each["node"] for each in json.loads(capsys.readouterr().out)["nodes"]] == [7, 8]


def test_without_a_table(moto_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["nodes", "--endpoint-url", moto_url, "--table", "nobodys"]) == 2
    assert capsys.readouterr().err == (
        f"error: there is no table nobodys at {moto_url}\n"
        "  hint: make it with: wsfleet init, or name another: --table\n"
    )


def test_asking_a_node_to_leave(two: FleetAtMoto, capsys: pytest.CaptureFixture[str]) -> None:
    assert two.run("drain", "7", "--no-wait") == 0
    assert capsys.readouterr().out == "node 7 is asked to drain\n"
    assert [each.drain_asked for each in two.do(lambda table: table.members.all())] == [True, False]


def test_a_node_that_is_not_there(two: FleetAtMoto, capsys: pytest.CaptureFixture[str]) -> None:
    assert two.run("drain", "9") == 1
    assert capsys.readouterr().err == "error: there is no node 9 that serves\n  hint: wsfleet nodes lists them\n"


@pytest.mark.parametrize("number", ["x", "-1", "4294967296"])
def test_what_is_no_number(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["drain", number]) == 2
    capsys.readouterr()


async def test_waiting_tells_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    members = Leaving()
    await members.join(member(7, connections=5))
    assert await drained(members, SEVEN, wait_s=10, look_s=0)
    assert capsys.readouterr().out.splitlines() == [
        "node 7 is asked to drain",
        "node 7: 5 connections",
        "node 7: 2 connections",
        "node 7 has left",
        "node 7: node 8 has called 0 $disconnect for it",
        "node 7 is gone",
    ]


async def test_waiting_has_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    members = MemoryMembers()
    await members.join(member(7))
    assert not await drained(members, SEVEN, wait_s=0.01, look_s=0)
    assert capsys.readouterr().err.startswith("error: node 7 is not gone after 0.01 s\n")
