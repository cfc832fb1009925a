from __future__ import annotations

import pytest

from gateway.model.networks import NOBODY, plain_address, read_networks


@pytest.mark.parametrize(
    ("address", "held"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("11.0.0.1", False),
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("2001:db8::1", True),
        ("2001:DB8:0::1", True),
        ("2001:db9::1", False),
        ("", False),
        ("unknown", False),
        ("10.1.2.3:80", False),
    ],
)
def test_an_address_is_held_by_one_of_them(address: str, held: bool) -> None:
    assert (address in read_networks(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"])) is held


def test_nobody_is_nobody() -> None:
    assert not NOBODY
    assert "10.0.0.1" not in NOBODY
    assert read_networks(["0.0.0.0/0"])


def test_what_is_written_is_read_again() -> None:
    networks = read_networks(["10.0.0.0/8", "2001:db8::/32", "10.0.0.0/8", "192.0.2.7"])
    assert str(networks) == "10.0.0.0/8 2001:db8::/32 192.0.2.7/32"
    assert read_networks(str(networks).split()) == networks


@pytest.mark.parametrize("word", ["10.0.0.1/8", "10.0.0.0/33", "example.com", ""])
def test_what_is_no_network(word: str) -> None:
    with pytest.raises(ValueError, match=r"network|octet|has host bits|netmask"):
        read_networks([word])


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", None),
        ("192.0.2.07", None),
        ("_hidden", None),
        ("", None),
    ],
)
def test_the_one_spelling(text: str, plain: str | None) -> None:
    assert plain_address(text) == plain
