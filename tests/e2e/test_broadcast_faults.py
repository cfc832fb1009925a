"""Messages to many while a node dies or is stopped, while clients do not read, and through one node after the other."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from fleet_calls import asked
from fleet_process import Fleet, FleetNode, client, its_id
from gateway_process import DEADLINE_S
from many import SENT, UNREACHABLE, post_to_connections
from process_watch import LINUX
from raw_socket import RawSocket

pytestmark = pytest.mark.skipif(not LINUX, reason="processes are stopped and watched as on Linux")

EACH = 3  # clients of a node
ALL = {"sent": EACH, "gone": 0, "limited": 0}
AT_ONCE_S = 5.0  # much less than the 20 s that a silent node is waited for
UNREACHABLE_WITHIN_S = 25.0
MIB = 1024 * 1024


def clients_of(stack: ExitStack, *nodes: FleetNode) -> list[list[ClientConnection]]:
    """Some of each node, connected."""
    return [[stack.enter_context(client(node)) for _ in range(EACH)] for node in nodes]


def heard(socket: ClientConnection, count: int = 1) -> list[str]:
    return [str(socket.recv(timeout=DEADLINE_S)) for _ in range(count)]


def test_who_is_killed_with_a_broadcast_in_hand_is_unreachable_at_once(fleet: Fleet) -> None:
    doomed, one, two = fleet.start("doomed", "one", "two")
    number = str(doomed.number)
    with ExitStack() as stack, ThreadPoolExecutor() as aside:
        _, *others = clients_of(stack, doomed, one, two)
        assert asked(one, "POST", "broadcast", b"before")["counts"]["sent"] == 3 * EACH
        doomed.signal(signal.SIGSTOP)
        answer = aside.submit(asked, one, "POST", "broadcast", b"during")
        for mine in others:
            assert [heard(each, 2) for each in mine] == [["before", "during"]] * EACH, "nobody waits for the dead"
        began = time.monotonic()
        doomed.kill()
        nodes = answer.result(DEADLINE_S)["nodes"]
        assert time.monotonic() - began < AT_ONCE_S
        assert nodes.pop(number) == "unreachable"
        assert list(nodes.values()) == [ALL, ALL]


def test_one_after_the_other_arrive_so_through_whichever_node_and_a_kill_costs_nobody_else_one(fleet: Fleet) -> None:
    count = 60
    doomed, one, two = nodes = fleet.start("doomed", "one", "two")
    number = str(doomed.number)
    with ExitStack() as stack, ThreadPoolExecutor() as aside:
        lost, *others = clients_of(stack, *nodes)
        for n in range(30):
            path = "broadcast" if n % 3 else "broadcast?wait=false"
            answer = asked(nodes[n % 2 + n % 5 % 2], "POST", path, str(n).encode())
            assert list(answer["nodes"].values()) == ([ALL] * 3 if n % 3 else ["taken"] * 3)
        assert [heard(each, 30) for mine in (lost, *others) for each in mine] == [
            [str(n) for n in range(30)]
        ] * 3 * EACH

        answers: list[dict[str, Any]] = []

        def broadcast_all() -> None:
            for n in range(count):
                answers.append(asked(one, "POST", "broadcast", str(n).encode()))

        running = aside.submit(broadcast_all)
        fleet.until(lambda: len(answers) >= 10, "ten answers")
        doomed.kill()
        running.result(2 * DEADLINE_S)
        assert [heard(each, count) for mine in others for each in mine] == [[str(n) for n in range(count)]] * 2 * EACH
        said = [answer["nodes"].get(number) for answer in answers]
        assert said[:10] == [ALL] * 10
        assert "unreachable" in said
        assert all(each in (ALL, "unreachable", None) for each in said), "None: its death is known by then"
        assert all(answer["nodes"][str(node.number)] == ALL for answer in answers for node in (one, two))


def test_who_is_stopped_is_unreachable_in_time_and_sends_nothing_late(fleet: Fleet) -> None:
    stopped, one, two = fleet.start("stopped", "one", "two")
    with ExitStack() as stack:
        lost, *others = clients_of(stack, stopped, one, two)
        lost_ids, kept_ids = [its_id(each) for each in lost], [its_id(each) for mine in others for each in mine]
        calls = stack.enter_context(closing(one.client()))
        stopped.signal(signal.SIGSTOP)
        began = time.monotonic()
        outcomes = post_to_connections(calls, [*lost_ids, *kept_ids], b"hello")
        assert time.monotonic() - began < UNREACHABLE_WITHIN_S
        assert outcomes == dict.fromkeys(lost_ids, UNREACHABLE) | dict.fromkeys(kept_ids, SENT)
        for mine in others:
            assert [heard(each) for each in mine] == [["hello"]] * EACH
        fleet.until(lambda: len(fleet.disconnects()) == EACH, "others speak for them", DEADLINE_S)
        stopped.signal(signal.SIGCONT)
        for each in lost:
            with pytest.raises(ConnectionClosed) as closed:
                each.recv(timeout=DEADLINE_S)  # and no message before
            assert closed.value.rcvd is not None and closed.value.rcvd.code == 1012


@contextmanager
def deaf(node: FleetNode) -> Iterator[None]:
    """A client that reads nothing behind its upgrade and has room for little."""
    host, _, port = node.address.partition(":")
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.settimeout(DEADLINE_S)
        made.connect((host, int(port)))
        raw = RawSocket(made)
        raw.upgrade("/prod")
        yield
        raw.close()


def resident(node: FleetNode) -> int:
    """Bytes of memory that the node holds."""
    lines = Path(f"/proc/{node.pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def test_who_does_not_read_holds_nobody_up_and_costs_no_more_than_its_buffer(fleet: Fleet) -> None:
    """120 messages of 120 KB are 14 MB for each: the kernel takes 4 MB of them at most, the node 1 MiB, nobody more."""
    count, slow, size = 120, 6, 120_000
    here, there = fleet.start("here", "there", options=["--slow-client-seconds", "0"])
    with ExitStack() as stack:
        readers = [each for mine in clients_of(stack, here, there) for each in mine]
        got: list[list[str]] = [[] for _ in readers]

        def read(at: int) -> None:
            got[at].extend(text[:6] for text in heard(readers[at], count))

        threads = [threading.Thread(target=read, args=(at,)) for at in range(len(readers))]
        for thread in threads:
            thread.start()
        for _ in range(slow):
            stack.enter_context(deaf(here))
        before, took_s = resident(here), []
        for n in range(count):
            began = time.monotonic()
            answer = asked(there, "POST", "broadcast", f"{n:06}".encode() + b"x" * size)
            took_s.append(time.monotonic() - began)
            limited = answer["counts"]["limited"]
            assert limited == len(answer["limited"]) <= slow
            assert answer["counts"]["sent"] == 2 * EACH + slow - limited
        for thread in threads:
            thread.join(DEADLINE_S)
        assert limited == slow, "all of them are full"
        assert got == [[f"{n:06}" for n in range(count)]] * len(readers)
        assert max(took_s) < AT_ONCE_S
        assert resident(here) - before < slow * 2 * MIB + 20 * MIB, "what nobody reads is not kept"
