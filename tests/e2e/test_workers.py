"""Several real nodes on one port, below one process that looks after them."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosed

from fleet_process import Fleet, FleetNode, client, its_id
from gateway_process import DEADLINE_S
from process_watch import LINUX, Watch

pytestmark = pytest.mark.skipif(not LINUX, reason="the kernel spreads clients over workers on Linux only")
WORKERS = ["--workers", "2"]
CLIENTS = 12


def workers_of(node: FleetNode) -> dict[int, int]:
    """Pids by node number, as the ready file has them."""
    return {each["node"]: each["pid"] for each in node.ready["workers"]}


def test_workers_without_their_parent_leave_by_themselves(fleet: Fleet) -> None:
    (node,) = fleet.start("orphans", options=WORKERS)
    with ExitStack() as stack, Watch(workers_of(node).values()) as watch:
        sockets = [stack.enter_context(client(node)) for _ in range(CLIENTS)]
        ids = [its_id(socket) for socket in sockets]
        node.kill_alone()
        for socket in sockets:
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(timeout=DEADLINE_S)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
        assert not watch.left_after(DEADLINE_S)
    assert fleet.disconnects() == dict.fromkeys(ids, 1)


def test_a_worker_that_was_drained_is_not_replaced(fleet: Fleet) -> None:
    (node,) = fleet.start("drained", options=WORKERS)
    workers = workers_of(node)
    goes, stays = sorted(workers)
    fleet.run("drain", str(goes), "--timeout", "20s")
    fleet.until(lambda: list(workers_of(node)) == [stays], "one worker in the ready file")
    assert [each["node"] for each in fleet.ask("nodes")["nodes"]] == [stays]
    with client(node) as socket:
        its_id(socket)
