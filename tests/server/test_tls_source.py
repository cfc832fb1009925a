from __future__ import annotations

import ssl

import pytest

from gateway.server.conduct import Conduct
from gateway.server.listener import FrontDoor
from gateway.server.tls_source import contexts_of
from raw_client import raw_client
from server_fakes import Conversations, RealClock, Reports, Service, tls_contexts


def test_one_context_is_a_source_that_never_changes() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    contexts = contexts_of(context)
    assert contexts is not None
    assert contexts() is context
    assert contexts_of(contexts) is contexts
    assert contexts_of(None) is None


@pytest.mark.parametrize("parks", [True, False])
async def test_each_connection_has_the_context_of_its_time(parks: bool) -> None:
    server, trust = tls_contexts()
    useless = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # without a certificate
    now = [server]
    door = FrontDoor(Conversations(), Service(), RealClock(), Reports(), conduct=Conduct(parks=parks))
    try:
        port = await door.open("127.0.0.1", 0, lambda: now[0])
        async with raw_client(port, trust) as client:
            await client.open()
            now[0] = useless
            with pytest.raises((ssl.SSLError, OSError, EOFError)):
                async with raw_client(port, trust):
                    pass
            await client.send(b"\x89\x80abcd")  # an empty ping
            assert await client.read(2) == b"\x8a\x00"
    finally:
        await door.close()
