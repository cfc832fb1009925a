"""What the load generator in Python understands, and what the harness makes of what it is told."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from bench.harness.load import Raced, Target
from bench.harness.scenarios.messages import AWS_WORDS, OWN_WORDS, option_for
from bench.load import Client, frame, messages, statuses


@pytest.fixture
def client() -> Iterator[Client]:
    with socket.socket() as sock:
        yield Client(sock)


def test_frames_come_in_any_parts(client: Client) -> None:
    wire = b"\x81\x05hello" + b"\x82\x7e\x01\x00" + b"x" * 256 + b"\x88\x02\x03\xe8"
    found: list[tuple[int, bytes]] = []
    for byte in wire:
        client.got += bytes((byte,))
        found += messages(client)
    assert found == [(0x81, b"hello"), (0x82, b"x" * 256), (0x88, b"\x03\xe8")]


@pytest.mark.parametrize(("size", "head"), [(5, 6), (200, 8)])
def test_what_is_sent_is_masked(size: int, head: int) -> None:
    wire = frame(b"a" * size)
    assert len(wire) == head + size and wire[1] & 0x80
    mask = wire[head - 4 : head]
    assert bytes(byte ^ mask[at % 4] for at, byte in enumerate(wire[head:])) == b"a" * size


def test_answers_to_posts_are_told_apart(client: Client) -> None:
    client.out = 2
    client.got = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 410 Gone\r\nDate: x\r\n\r\nHTTP/1.1 2"
    assert list(statuses(client)) == [200, 410]
    assert (client.out, client.got) == (0, b"HTTP/1.1 2")


def test_rates_and_shares() -> None:
    raced = Raced(1_000, 0, 2.0, 1.8, 1.0, 2.0)
    assert (raced.rate, raced.share) == (500.0, 0.9)
    assert Raced(0, 0, 0.0, 0.0, 0.0, 0.0).rate == 0.0


def test_the_host_header_is_the_address_unless_said() -> None:
    assert Target(8080, "/dev").host_header == "127.0.0.1:8080"
    assert Target(8080, "/dev", "api.example").host_header == "api.example"


def test_the_transport_is_chosen_by_whatever_setting_there_is() -> None:
    text = "  --runtime-client [aws|own]  What stands between a handler and its events."
    assert option_for(text, AWS_WORDS) == ("--runtime-client", "aws")
    assert option_for(text, OWN_WORDS) == ("--runtime-client", "own")
    assert option_for("  --workers INTEGER", OWN_WORDS) is None
