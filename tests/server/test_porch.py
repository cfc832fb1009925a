"""Balancers in front, by both shells, plain and with TLS: whose connection it is, and who is not believed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from gateway.counters import Counters, Limit
from gateway.model.limits import AWS
from gateway.model.networks import read_networks
from gateway.server.porch import Porch
from proxy_headers import v2, version_1, version_2
from raw_client import HANDSHAKE, RawClient, begin_tls, raw_client
from server_fakes import Served, Serving, until

BALANCER = read_networks(["127.0.0.0/8"])
ELSEWHERE = read_networks(["10.0.0.0/8"])
SOMEBODY = "198.51.100.7"
HEADERS = [version_1(SOMEBODY, 444), version_2(SOMEBODY, 444)]
QUICK = replace(AWS, proxy_header_timeout_ms=300)
POST = b"POST /prod/@connections/x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n"
GET = b"GET /prod HTTP/1.1\r\nHost: h\r\n"


@pytest.fixture
def proxied(serving_any: Serving) -> Serving:
    """A door that has its PROXY headers from the balancer on loopback."""
    return partial(serving_any, proxied=True, trusted=BALANCER)


def porch_of(served: Served) -> Porch[Any]:
    found = served.door._acceptors[0]._entrance
    assert isinstance(found, Porch)
    return found


@asynccontextmanager
async def behind(served: Served, header: bytes, *, slowly: bool = False) -> AsyncIterator[RawClient]:
    """A client whose bytes, TLS included, come behind ``header``; ``slowly``: each byte of which is seen alone."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        for end in range(1, len(header) + 1) if slowly else ():
            writer.write(header[end - 1 : end])
            await until(lambda: end == len(header) or [len(one._raw) for one in porch_of(served)._waiting] == [end])  # noqa: B023
        writer.write(b"" if slowly else header)
        if served.trust is None:
            yield RawClient(reader, writer)
        else:
            yield await begin_tls(writer.transport, served.trust)
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("slowly", [False, True])
@pytest.mark.parametrize("header", HEADERS)
async def test_a_handshake_has_the_clients_address(proxied: Serving, header: bytes, slowly: bool) -> None:
    async with proxied() as served, behind(served, header, slowly=slowly) as client:
        await client.open()
        handshake = (await served.conversations.first()).handshake
        assert (handshake.source_ip, handshake.port) == (SOMEBODY, 444)
        assert handshake.secure is (served.trust is not None)
        assert (served.reports.failures, len(porch_of(served)._waiting)) == ([], 0)


async def test_header_and_handshake_in_one_piece(proxied: Serving) -> None:
    async with proxied() as served:
        if served.trust is None:
            async with behind(served, HEADERS[1] + HANDSHAKE) as client:
                assert (await client.head()).startswith(b"HTTP/1.1 101 ")
                assert (await served.conversations.first()).handshake.source_ip == SOMEBODY


async def test_a_balancer_knows_of_the_tls_that_it_ended(proxied: Serving) -> None:
    async with proxied() as served, behind(served, version_2(SOMEBODY, 443)) as client:
        await client.open()
        assert (await served.conversations.first()).handshake.secure


@pytest.mark.parametrize("request_line", [POST, GET])
async def test_every_way_a_request_is_read_has_the_clients_address(proxied: Serving, request_line: bytes) -> None:
    async with proxied() as served, behind(served, HEADERS[0]) as client:
        for _ in range(2):
            await client.send(request_line + b"\r\n")
            await client.response()
        assert [asked.source_ip for asked in served.service.asked] == [SOMEBODY] * 2
        assert {asked.secure for asked in served.service.asked} == {served.trust is not None}


async def test_a_handshake_behind_a_request_has_the_clients_address(proxied: Serving) -> None:
    async with proxied() as served, behind(served, HEADERS[1]) as client:
        await client.send(GET + b"\r\n")
        await client.response()
        await client.open()
        assert (await served.conversations.first()).handshake.source_ip == SOMEBODY


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", v2(0x20, 0x00)])
async def test_a_balancer_that_looks_after_our_health_is_itself(proxied: Serving, header: bytes) -> None:
    async with proxied() as served, behind(served, header) as client:
        await client.send(GET + b"\r\n")
        await client.response()
        assert served.service.asked[0].source_ip == "127.0.0.1"


async def test_who_only_looks_whether_we_listen_is_no_failure(proxied: Serving) -> None:
    async with proxied() as served:
        async with raw_client(served.port) as client:
            await until(lambda: porch_of(served)._waiting)
            client.leave()
            await until(lambda: not porch_of(served)._waiting)
        assert served.reports.failures == []


@pytest.mark.parametrize("sent", [GET + b"\r\n", HANDSHAKE, b"\x16\x03\x01\x00\x05", v2(0x21, 0x12, bytes(12))])
async def test_a_balancer_without_a_header_is_closed_and_told_of_once(proxied: Serving, sent: bytes) -> None:
    async with proxied() as served:
        for _ in range(2):
            async with raw_client(served.port) as client:
                await client.send(sent)
                with suppress(ConnectionError):
                    assert await client.rest() == b""
        assert len(served.reports.failures) == 1
        assert "127.0.0.1 is one of trusted_proxies" in served.reports.failures[0]
        assert (served.shells, served.conversations.all) == (0, [])


@pytest.mark.parametrize("sent", [b"", b"PROXY TCP4 198.51", HEADERS[1][:20]])
async def test_a_header_that_does_not_end_is_not_waited_for(proxied: Serving, sent: bytes) -> None:
    counters = Counters()
    async with proxied(QUICK, counters=counters) as served, raw_client(served.port) as client:
        await client.send(sent)
        with suppress(ConnectionError):
            assert await client.rest() == b""
        assert served.shells == 0
        assert counters.exceeded[Limit.PROXY_HEADER] == 1


async def test_who_waits_is_closed_with_the_door(proxied: Serving) -> None:
    async with proxied() as served, raw_client(served.port) as client:
        await client.send(b"PROXY")
        await until(lambda: [one._raw for one in porch_of(served)._waiting] == [b"PROXY"])
        await served.door.close()
        with suppress(ConnectionError):
            assert await client.rest() == b""
        assert served.shells == 0


async def test_no_header_is_acted_on_behind_the_fence(proxied: Serving) -> None:
    async with proxied(holds=lambda: False) as served, raw_client(served.port) as client:
        await client.send(HEADERS[0])
        with suppress(ConnectionError):
            assert await client.rest() == b""
        assert served.shells == 0


@pytest.mark.parametrize("header", HEADERS)
async def test_a_strangers_header_is_no_request(serving_any: Serving, header: bytes) -> None:
    async with serving_any(proxied=True, trusted=ELSEWHERE) as served, raw_client(served.port) as client:
        await client.send(header + HANDSHAKE)
        with suppress(ConnectionError):
            answer = await client.rest()
            assert served.trust is not None or answer.startswith(b"HTTP/1.1 400 ")
            assert b" 101 " not in answer
        assert served.conversations.all == []


async def test_a_stranger_is_served_as_itself(serving_any: Serving) -> None:
    async with serving_any(proxied=True, trusted=ELSEWHERE) as served, raw_client(served.port, served.trust) as client:
        await client.open()
        assert (await served.conversations.first()).handshake.source_ip == "127.0.0.1"


@pytest.mark.parametrize("header", HEADERS)
async def test_nobodys_header_counts_where_none_is_expected(serving_any: Serving, header: bytes) -> None:
    async with serving_any(trusted=BALANCER) as served, raw_client(served.port) as client:
        await client.send(header + HANDSHAKE)
        with suppress(ConnectionError):
            assert b" 101 " not in await client.rest()
        assert served.conversations.all == []


FORWARDED = b"X-Forwarded-For: 1.1.1.1, 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n"
FORWARDED_HANDSHAKE = HANDSHAKE.replace(b"\r\n\r\n", b"\r\n" + FORWARDED + b"\r\n")


@pytest.mark.parametrize("before", [b"", GET + FORWARDED + b"\r\n"])
@pytest.mark.parametrize(("trusted", "is_believed"), [(BALANCER, True), (ELSEWHERE, False)])
async def test_a_forwarded_handshake(serving_any: Serving, trusted: Any, is_believed: bool, before: bytes) -> None:
    async with serving_any(trusted=trusted) as served, raw_client(served.port, served.trust) as client:
        if before:
            await client.send(before)
            await client.response()
        await client.send(FORWARDED_HANDSHAKE)
        assert (await client.head()).startswith(b"HTTP/1.1 101 ")
        handshake = (await served.conversations.first()).handshake
        seen = (handshake.source_ip, handshake.port, handshake.secure)
        itself = ("127.0.0.1", served.port, served.trust is not None)
        assert seen == (("203.0.113.9", 443, True) if is_believed else itself)


@pytest.mark.parametrize("request_line", [POST, GET])
@pytest.mark.parametrize(("trusted", "is_believed"), [(BALANCER, True), (ELSEWHERE, False)])
async def test_a_forwarded_request(serving_any: Serving, trusted: Any, is_believed: bool, request_line: bytes) -> None:
    async with serving_any(trusted=trusted) as served, raw_client(served.port, served.trust) as client:
        for hop in (b"203.0.113.9", b"203.0.113.10"):
            await client.send(request_line + FORWARDED.replace(b"203.0.113.9", hop) + b"\r\n")
            await client.response()
        seen = [(asked.source_ip, asked.secure) for asked in served.service.asked]
        itself = ("127.0.0.1", served.trust is not None)
        assert seen == ([("203.0.113.9", True), ("203.0.113.10", True)] if is_believed else [itself] * 2)


async def test_behind_a_header_the_client_itself_is_who_is_believed_or_not(serving_any: Serving) -> None:
    both = read_networks(["127.0.0.0/8", "198.51.100.0/24"])
    async with serving_any(proxied=True, trusted=both) as served, behind(served, HEADERS[0]) as client:
        await client.send(FORWARDED_HANDSHAKE)
        await client.head()
        assert (await served.conversations.first()).handshake.source_ip == "203.0.113.9"
    async with serving_any(proxied=True, trusted=BALANCER) as served, behind(served, HEADERS[0]) as client:
        await client.send(FORWARDED_HANDSHAKE)
        await client.head()
        assert (await served.conversations.first()).handshake.source_ip == SOMEBODY
