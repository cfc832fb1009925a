"""Connections to a real server on loopback: kept, replaced, given up in time."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.registry.http_connection import Answer
from gateway.registry.http_pool import HttpPool
from gateway.registry.table_settings import Timeouts
from gateway.registry.threads import Threads
from gateway.tls.authority import Authority, open_authority
from node_doubles import until_idle
from web_double import WebServer, web_server

REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
DONE = Answer(200, b"ok")
DEADLINE_S = 15.0

Make = Callable[..., HttpPool]


@pytest.fixture
async def pool() -> AsyncIterator[Make]:
    threads = Threads(1, "test")
    made: list[HttpPool] = []

    def make(url: str, tls: ssl.SSLContext | None = None, read_s: float = 10.0, connect_s: float = 10.0) -> HttpPool:
        made.append(HttpPool(url, tls, Timeouts(connect_s, read_s), threads))
        return made[-1]

    yield make
    for each in made:
        each.close()
    threads.close()


@pytest.fixture
async def server() -> AsyncIterator[WebServer]:
    async with web_server() as made:
        yield made


async def test_a_connection_is_kept_between_requests(server: WebServer, pool: Make) -> None:
    client = pool(server.url)
    for _ in range(3):
        assert await client.ask(REQUEST) == DONE
    assert server.connections == 1


async def test_requests_side_by_side_have_connections_of_their_own_and_these_are_kept(
    server: WebServer, pool: Make
) -> None:
    client = pool(server.url)
    for _ in range(2):
        assert await asyncio.gather(*(client.ask(REQUEST) for _ in range(3))) == [DONE] * 3
    assert server.connections == 3


async def test_a_connection_the_server_has_closed_is_replaced(server: WebServer, pool: Make) -> None:
    server.keep = False
    client = pool(server.url)
    for _ in range(3):
        assert await client.ask(REQUEST) == DONE
        await until_idle(lambda: client.idle == 0)
    assert server.connections == 3


async def test_a_request_without_an_answer_is_an_error_and_sent_once(pool: Make) -> None:
    async with web_server(lambda _: None) as server:
        with pytest.raises(ConnectionError, match=server.url):
            await pool(server.url).ask(REQUEST)
        assert len(server.asked) == 1


async def test_an_answer_that_does_not_come_in_time_ends_the_connection_and_the_idle_ones(
    server: WebServer, pool: Make
) -> None:
    client = pool(server.url, read_s=0.2)
    await asyncio.gather(client.ask(REQUEST), client.ask(REQUEST))
    server.gate = asyncio.Event()
    with pytest.raises(ConnectionError, match=r"no answer from .* within 0.2 s"):
        await client.ask(REQUEST)
    server.gate.set()
    await server.until(lambda: server.open_connections == 0)
    assert await client.ask(REQUEST) == DONE


async def test_a_request_that_was_given_up_ends_its_connection(server: WebServer, pool: Make) -> None:
    client = pool(server.url)
    server.gate = asyncio.Event()
    call = asyncio.ensure_future(client.ask(REQUEST))
    await server.until(lambda: server.asked)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    server.gate.set()
    await server.until(lambda: server.open_connections == 0)


async def test_a_closed_pool_keeps_nothing(server: WebServer, pool: Make) -> None:
    client = pool(server.url)
    await client.ask(REQUEST)
    client.close()
    await server.until(lambda: server.open_connections == 0)
    assert await client.ask(REQUEST) == DONE
    await server.until(lambda: server.open_connections == 0)


async def test_nobody_there_is_an_error_that_says_where(pool: Make) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(ConnectionError, match=f"Could not connect to {url}"):
            await pool(url).ask(REQUEST)


async def test_a_connect_that_is_not_answered_ends_in_time(pool: Make) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as silent:
        context = ssl.create_default_context()  # the TLS handshake is what nobody answers
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        async with asyncio.timeout(DEADLINE_S):
            with pytest.raises(ConnectionError, match=r"Could not connect .* within 0.1 s"):
                await pool(url, context, connect_s=0.1).ask(REQUEST)


async def test_every_address_of_a_name_is_tried(server: WebServer, pool: Make) -> None:
    assert await pool(f"http://localhost:{server.port}").ask(REQUEST) == DONE


async def test_a_name_that_does_not_exist_is_an_error(pool: Make) -> None:
    with pytest.raises(ConnectionError, match="Could not connect"):
        await pool("http://does-not-exist.invalid").ask(REQUEST)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("tls"), ("localhost",))


async def test_tls_is_spoken_with_whom_the_roots_vouch_for(authority: Authority, pool: Make) -> None:
    trusted = ssl.create_default_context(cafile=str(authority.bundle_path))
    async with web_server(context=authority.server_context()) as server:
        url = f"https://localhost:{server.port}"
        client = pool(url, trusted)
        assert [await client.ask(REQUEST) for _ in range(2)] == [DONE, DONE]
        assert server.connections == 1
        with pytest.raises(ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            await pool(url, ssl.create_default_context()).ask(REQUEST)


async def test_plain_http_is_never_spoken_where_tls_is_meant(server: WebServer, pool: Make) -> None:
    with pytest.raises(ConnectionError):
        await pool(f"https://localhost:{server.port}", ssl.create_default_context()).ask(REQUEST)
    assert not server.asked
