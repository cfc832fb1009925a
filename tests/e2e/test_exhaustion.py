"""A real node whose every descriptor for clients is taken: those it has are served, by it and through others."""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from fleet_process import Fleet, client, its_id
from gateway_process import DEADLINE_S
from process_watch import LINUX

pytestmark = pytest.mark.skipif(not LINUX, reason="descriptors are counted as on Linux")

FILES = 160
LIMITED = ("sh", "-c", f'ulimit -n {FILES}; exec "$@"', "sh")
PAUSED = r"no new connections on port \d+ for now: Too many open files; raise the limit of open files \(ulimit -n\)"


def test_a_node_without_descriptors_serves_whom_it_has_and_accepts_when_some_are_free(fleet: Fleet) -> None:
    (full,) = fleet.start("full", prefix=LIMITED)
    (other,) = fleet.start("other")
    host, _, port = full.address.partition(":")
    with client(full) as talker, ExitStack() as strangers:
        connection_id = its_id(talker)
        for _ in range(FILES):
            strangers.enter_context(socket.create_connection((host, int(port))))
        full.output.shows(PAUSED)
        talker.send("hello")  # a process of its handler may have to be started for it
        assert talker.recv(timeout=DEADLINE_S)
        other.client().post_to_connection(ConnectionId=connection_id, Data=b"through the other node")
        assert talker.recv(timeout=DEADLINE_S) == "through the other node"
        assert len(list(Path(f"/proc/{full.pid}/fd").iterdir())) < FILES
        talker.close()
        fleet.until(lambda: fleet.disconnects()[connection_id] == 1, "its $disconnect is called")
        fleet.until(lambda: fleet.connection_records() == 0, "its record is gone")
    with client(full) as late:
        assert its_id(late)
    assert len(re.findall(PAUSED, full.output.text)) == 1
