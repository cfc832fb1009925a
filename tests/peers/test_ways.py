"""How a node is reached from here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.peers.ways import TcpWay, UnixWay, ways_to
from peer_doubles import MACHINE, member

PATH = "/run/wsfleet/a.sock"
UNIX = UnixWay(PATH)
TCP = TcpWay("10.0.0.7", 7000)
BOTH = member(address="10.0.0.7:7000", socket_path=PATH)


def test_on_one_machine_the_socket_comes_first() -> None:
    assert ways_to(BOTH, MACHINE) == (UNIX, TCP)
    assert ways_to(replace(BOTH, address=None), MACHINE) == (UNIX,)
    assert ways_to(replace(BOTH, socket_path=None), MACHINE) == (TCP,)


def test_from_another_machine_there_is_only_the_address() -> None:
    assert ways_to(BOTH, "another") == (TCP,)
    assert ways_to(replace(BOTH, address=None), "another") == ()


@pytest.mark.parametrize(
    ("address", "way"),
    [
        ("node-7.internal:65535", TcpWay("node-7.internal", 65_535)),
        ("[2001:db8::7]:7000", TcpWay("2001:db8::7", 7000)),
        ("2001:db8::7:7000", TcpWay("2001:db8::7", 7000)),
    ],
)
def test_an_address_is_a_host_and_a_port(address: str, way: TcpWay) -> None:
    assert ways_to(member(address=address), MACHINE) == (way,)


@pytest.mark.parametrize("address", ["", "host", ":7000", "host:", "h:x", "h:0", "h:65536", "h:-1", "h:\u0663"])
def test_anything_else_is_no_way(address: str) -> None:
    assert ways_to(member(address=address), MACHINE) == ()


def test_a_way_names_itself() -> None:
    assert (str(UNIX), str(TCP)) == (PATH, "10.0.0.7:7000")
