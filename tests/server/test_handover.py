from __future__ import annotations

import pytest

from gateway.server.handover import Descriptors
from gateway.server.lot import CAN_PARK
from raw_client import raw_client
from server_fakes import serving

pytestmark = pytest.mark.skipif(not CAN_PARK, reason="this system has no epoll")


async def test_a_plain_descriptor_leaves_the_lot() -> None:
    async with serving() as served, raw_client(served.port) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await client.response()
        (yard,) = served.door._yards
        assert isinstance(yard.handover, Descriptors)
        assert (len(yard.lot), len(yard.handover)) == (0, 0)
        assert served.service.asked[0].source_ip == "127.0.0.1"
