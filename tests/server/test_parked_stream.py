from __future__ import annotations

from gateway.model.limits import AWS
from gateway.server.conduct import always
from gateway.server.door import Door
from gateway.server.lot import Lot
from gateway.server.parked_stream import ParkedStream
from raw_client import raw_client
from server_fakes import Conversations, RealClock, serving


async def test_a_parked_stream_is_small() -> None:
    lot = Lot(always)
    stream = ParkedStream(Door(Conversations(), RealClock(), AWS), lot, "key")
    lot.shut_down()
    assert not hasattr(stream, "__dict__")
    assert not hasattr(stream, "__weakref__")
    assert stream.__sizeof__() <= 136


async def test_a_dormant_connection_keeps_nothing_of_its_handshake() -> None:
    async with serving() as served, raw_client(served.port) as client:
        await client.open()
        stream = (await served.conversations.first()).socket
        assert isinstance(stream, ParkedStream)
        assert (stream._key, stream._rest, stream._message, stream.out) == ("", None, None, None)
        assert len(served.door._door) == 0, "the lot knows it, no other list needs to"
