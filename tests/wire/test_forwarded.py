from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.limits import MAX_FORWARDED_HOPS
from gateway.model.networks import NOBODY, Networks, read_networks
from gateway.wire.forwarded import client_of
from gateway.wire.handshake import Peer
from gateway.wire.http import RequestHead

TRUSTED = read_networks(["10.0.0.0/8", "2001:db8:1::/48"])
PROXY = Peer("10.0.0.1", 8080, secure=False)
CLIENT = Peer("198.51.100.7", 8080, secure=False)


def asked(headers: Mapping[str, str], peer: Peer = PROXY, trusted: Networks = TRUSTED) -> Peer:
    lines = tuple((f"X-Forwarded-{name.title()}", value) for name, value in headers.items())
    return client_of(RequestHead("GET", "/prod", "1.1", lines), peer, trusted)


ALL = {"for": "203.0.113.9", "proto": "https", "port": "443"}


@pytest.mark.parametrize("trusted", [TRUSTED, NOBODY, read_networks(["2001:db8::/32"])])
def test_a_stranger_is_not_believed(trusted: Networks) -> None:
    assert asked(ALL, CLIENT, trusted) == CLIENT


def test_a_proxy_is_believed() -> None:
    assert asked(ALL) == Peer("203.0.113.9", 443, secure=True)
    inner = Peer("2001:db8:1::5", 8443, secure=True)
    assert asked(ALL | {"proto": "http"}, inner) == Peer("203.0.113.9", 443, secure=False)


def test_a_proxy_that_says_nothing_speaks_for_itself() -> None:
    assert asked({}) == PROXY


@pytest.mark.parametrize(
    ("hops", "source_ip"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9", "203.0.113.9"),  # the client wrote the first
        ("1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.9.9.9, 203.0.113.9, 10.0.0.2,10.0.0.3", "203.0.113.9"),
        ("10.0.0.4, 10.0.0.2", "10.0.0.4"),  # all are ours: the first of them asked
        ("203.0.113.9:5021", "203.0.113.9"),
        ("2001:DB8:0::9", "2001:db8::9"),
        ("[2001:db8::9]:5021", "2001:db8::9"),
        ("[2001:db8::9]", "2001:db8::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"),
        ("unknown", "10.0.0.1"),
        ("203.0.113.9\x1b[2J", "10.0.0.1"),
        ("", "10.0.0.1"),
        (" , ,", "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_that_is_no_proxy(hops: str, source_ip: str) -> None:
    assert asked({"for": hops}).source_ip == source_ip


def test_several_lines_are_one_list() -> None:
    lines = (("x-forwarded-for", "1.1.1.1"), ("X-Forwarded-For", "203.0.113.9"), ("X-FORWARDED-FOR", "10.0.0.2"))
    assert client_of(RequestHead("GET", "/", "1.1", lines), PROXY, TRUSTED).source_ip == "203.0.113.9"


@pytest.mark.parametrize(
    ("hops", "proto", "secure"),
    [
        ("203.0.113.9", "https", True),
        ("203.0.113.9", "WSS", True),
        ("203.0.113.9", "http", False),
        ("203.0.113.9", "https, http", False),  # the client wrote the first
        ("203.0.113.9, 10.0.0.2", "https, http", True),  # the outer proxy has the TLS
        ("203.0.113.9, 10.0.0.2", "https", True),
        ("203.0.113.9", "gopher", False),
        ("203.0.113.9", "", False),
    ],
)
def test_whether_it_came_over_tls(hops: str, proto: str, secure: bool) -> None:
    assert asked({"for": hops, "proto": proto}).secure is secure


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "", "443x", "\u0664", "9" * 5000])
def test_what_is_no_port(port: str) -> None:
    assert asked({"port": port}) == PROXY


def test_a_long_list_is_not_read_to_its_beginning() -> None:
    hops = ["203.0.113.9"] + ["10.0.0.2"] * MAX_FORWARDED_HOPS
    assert asked({"for": ",".join(hops)}).source_ip == "10.0.0.2"
    assert asked({"for": ",".join(hops[:-1])}).source_ip == "203.0.113.9"


@given(st.text(st.characters(codec="latin-1"), max_size=60), st.text(max_size=9), st.text(max_size=9))
def test_whatever_is_said_the_client_has_an_address_and_a_port(hops: str, proto: str, port: str) -> None:
    found = asked({"for": hops, "proto": proto, "port": port})
    assert found.source_ip in read_networks(["0.0.0.0/0", "::/0"])
    assert 0 < found.port < 65_536
