"""A node full of sockets is killed, and everybody on it is told."""

from __future__ import annotations

import asyncio
import os
import socket as sockets_of
import time
from pathlib import Path

import pytest

from fleet_process import FleetNode, fleet_in
from gateway.system.open_files import raise_open_files
from gateway_process import DEADLINE_S
from process_watch import LINUX

CROWD_LEASE_S = 10
AT_ONCE = 50
IS_ALONE = "PYTEST_XDIST_WORKER" not in os.environ
"""Whether this run has the machine to itself: only then does a time say something about the fleet."""
CROWD = 5_000 if IS_ALONE else 2_000
TOLD_WITHIN_S = CROWD_LEASE_S + 30 if IS_ALONE else 150
UPGRADE = (
    b"GET /prod HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)

pytestmark = pytest.mark.skipif(not LINUX, reason="processes are stopped and watched as on Linux")


async def crowd(node: FleetNode, count: int) -> list[sockets_of.socket]:
    """So many sockets, upgraded, as lean as can be."""
    raise_open_files(2 * count)
    host, _, port = node.address.partition(":")
    at_once, made = asyncio.Semaphore(AT_ONCE), []
    loop = asyncio.get_running_loop()

    async def join() -> None:
        async with at_once:
            joined = sockets_of.socket()
            made.append(joined)
            joined.setblocking(False)
            await loop.sock_connect(joined, (host, int(port)))
            await loop.sock_sendall(joined, UPGRADE)
            head = await loop.sock_recv(joined, 4096)
            assert head.startswith(b"HTTP/1.1 101"), head

    async with asyncio.timeout(4 * DEADLINE_S):
        await asyncio.gather(*(join() for _ in range(count)))
    return made


@pytest.mark.timeout(300)
def test_thousands_of_sockets_on_a_node_that_is_killed(tmp_path: Path) -> None:
    """Each told once; where nothing else runs (``pytest -n 0 -s``) they are more, and told within the lease and half a
    minute."""
    with fleet_in(tmp_path) as fleet:
        # moto is one Python process that takes 5,000 records meanwhile: nobody should be fenced for its slowness
        options = ["--connect-rate", "0", "--lease-seconds", str(CROWD_LEASE_S)]
        doomed, survivor = fleet.start("doomed", "survivor", options=options)
        sockets = asyncio.run(crowd(doomed, CROWD))
        try:
            doomed.kill()
            began = time.monotonic()
            fleet.until(lambda: len(fleet.disconnects()) == CROWD, "all $disconnect", TOLD_WITHIN_S)
            took_s = time.monotonic() - began
            fleet.until(lambda: fleet.connection_records() == 0, "no record left")
        finally:
            for socket in sockets:
                socket.close()
        assert set(fleet.disconnects().values()) == {1}
        print(f"{CROWD} $disconnect within {took_s:.1f} s of kill -9, lease {CROWD_LEASE_S} s")
        assert survivor.is_running
