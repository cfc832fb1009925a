from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from gateway.server.transports import TLS_BUFFER_BYTES, Transports
from raw_client import raw_client
from server_fakes import serving, tls_contexts, until


@pytest.mark.parametrize("closing", [False, True])
async def test_a_connection_in_its_tls_handshake_is_not_left_behind(closing: bool) -> None:
    async with serving(tls=True, parks=False) as served, raw_client(served.port) as client:
        transports = served.door._acceptors[0]._entrance
        assert isinstance(transports, Transports)
        await until(lambda: transports._entering)
        if closing:
            await served.door.close()
        else:
            client.reset()
        await until(lambda: not transports._entering)
        with suppress(ConnectionError):
            assert await client.rest() == b""


async def test_a_client_that_trusts_somebody_else_is_no_failure() -> None:
    async with serving(tls=True, parks=False) as served:
        _, trust = tls_contexts()
        with pytest.raises(OSError, match=r"(?i)certificate|ssl"):
            await asyncio.open_connection("127.0.0.1", served.port, ssl=trust, server_hostname="elsewhere")
        transports = served.door._acceptors[0]._entrance
        assert isinstance(transports, Transports)
        await until(lambda: not transports._entering)
        assert (served.shells, served.reports.failures) == (0, [])


async def test_an_idle_tls_connection_keeps_a_small_buffer() -> None:
    async with serving(tls=True, parks=False) as served, raw_client(served.port, served.trust) as client:
        await client.open()
        stream: Any = served.conversations.all[0].socket
        assert len(stream._transport._ssl_protocol._ssl_buffer) <= TLS_BUFFER_BYTES
