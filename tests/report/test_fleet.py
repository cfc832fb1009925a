from __future__ import annotations

import json

from gateway.model.ids import NodeNumber
from gateway.model.member import MemberState
from gateway.report.fleet import (
    connection_document,
    connection_lines,
    connection_table,
    count_table,
    node_document,
    node_table,
    parked_document,
    parked_table,
)
from tables import connection, member, parked

NOW_MS = 1_700_000_192_123  # 3m12s after everything in ``tables`` began


def test_nodes() -> None:
    members = [
        member(1, connections=12, address="10.0.0.7:7000"),
        member(2, drain_asked=True),
        member(30, state=MemberState.DEAD, claimed_by=NodeNumber(1), reaped=5, drain_asked=True),
    ]
    assert node_table(members, NOW_MS) == [
        "NODE  STATE                   CONNECTIONS  HOST  PID   ADDRESS        STARTED               AGE    "
        "REAPED BY  REAPED",
        "1     ALIVE                   12           box   4711  10.0.0.7:7000  2023-11-14T22:13:20Z  3m12s  "
        "-          -",
        "2     ALIVE (asked to drain)  0            box   4711  -              2023-11-14T22:13:20Z  3m12s  "
        "-          -",
        "30    DEAD                    0            box   4711  -              2023-11-14T22:13:20Z  3m12s  "
        "1          5",
    ]


def test_a_node_for_a_script() -> None:
    assert node_document(member(7, state=MemberState.DRAINING, version=9, connections=3)) == {
        "node": 7,
        "state": "DRAINING",
        "connections": 3,
        "host": "box",
        "machine": "5f0c",
        "pid": 4711,
        "address": None,
        "started_at": "2023-11-14T22:13:20.123Z",
        "lease_ms": 10_000,
        "version": 9,
        "drain_asked": False,
        "reaped_by": None,
        "reaped": 0,
    }


def test_connections() -> None:
    one, two = connection(1), connection(2, owner=123, stage="blue", source_ip="::1")
    assert connection_table([one, two], NOW_MS) == [
        "CONNECTION            NODE  STAGE  SOURCE       CONNECTED             AGE",
        f"{one.connection_id}  7     prod   203.0.113.9  2023-11-14T22:13:20Z  3m12s",
        f"{two.connection_id}  123   blue   ::1          2023-11-14T22:13:20Z  3m12s",
    ]


def test_a_connection_for_a_script() -> None:
    one = connection(1, authorizer={"principalId": "ada"}, user_agent=None)
    assert json.loads(json.dumps(connection_document(one))) == {
        "connection_id": one.connection_id,
        "node": 7,
        "api_id": "a1b2c3d4e5",
        "stage": "prod",
        "source_ip": "203.0.113.9",
        "connected_at": "2023-11-14T22:13:20.123Z",
        "domain_name": "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com",
        "user_agent": None,
        "authorizer": {"principalId": "ada"},
        "identity": None,
    }


def test_one_connection_in_full() -> None:
    one = connection(1, authorizer={"principalId": "ada", "level": "5"}, identity={}, user_agent="x\x1b[2J")
    lines = connection_lines(one, NOW_MS)
    assert lines[0] == f"connection id  {one.connection_id}"
    assert "user agent     x\\x1b[2J" in lines
    assert "authorizer     principalId=ada, level=5" in lines
    assert "identity       -" in lines
    assert lines[-1] == "age            3m12s"


def test_counts() -> None:
    assert count_table("stage", [("prod", 16), ("blue", 1)], 0) == [
        "STAGE  CONNECTIONS",
        "prod   16",
        "blue   1",
    ]
    assert count_table("source", [("::1", 2)], 15)[-1] == "others  15"


def test_parked_calls() -> None:
    one = parked(1, why="it\nfailed")
    assert parked_table([one]) == [
        "CONNECTION            STAGE  CODE  ATTEMPTS  PARKED                WHY",
        f"{one.connection.connection_id}  prod   1006  5         2023-11-14T22:15:00Z  it\\nfailed",
    ]
    found = parked_document(one)
    assert (found["connection_id"], found["node"], found["code"], found["attempts"]) == (
        one.connection.connection_id, 7, 1006, 5,
    )  # fmt: skip
    assert (found["why"], found["reason"], found["parked_at"]) == (
        "it\nfailed",
        "Going away",
        "2023-11-14T22:15:00.456Z",
    )
