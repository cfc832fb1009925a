"""What processes that serve do not hold: a hundred megabytes of libraries that are needed once, or hardly ever."""

from __future__ import annotations

import sys
from pathlib import Path

from fleet_process import Fleet, FleetNode, client, its_id

# Runs a command line, and when the process ends writes down which modules it had loaded.
TELLING = """
import atexit, pathlib, sys
found = pathlib.Path(sys.argv[1])
atexit.register(lambda: found.write_text(chr(10).join(sys.modules)))
sys.argv = sys.argv[2:]
from gateway.cli import main
main()
"""
HEAVY = {
    "aiohttp", "boto3", "botocore", "cryptography", "jsonpath", "jsonschema", "moto", "pydantic",
    "pynamodb", "samtranslator", "urllib3", "watchfiles", "yaml",
}  # fmt: skip
OF_A_NODE = {"gateway.node", "gateway.fleet_node", "gateway.registry.calls", "gateway.invoke.pool"}


def started(fleet: Fleet, *options: str) -> tuple[FleetNode, Path]:
    found = fleet.folder / "modules"
    (node,) = fleet.start("lean", options=options, prefix=[sys.executable, "-c", TELLING, str(found)])
    return node, found


def ended(node: FleetNode, found: Path) -> set[str]:
    """The modules it had, all of their names and those of their packages."""
    node.terminate()
    assert node.wait() == 0
    return set(found.read_text(encoding="utf-8").splitlines())


def test_a_node_that_has_served_holds_no_library_that_only_reading_and_rare_requests_need(fleet: Fleet) -> None:
    node, found = started(fleet)
    with client(node) as socket:
        node.client().post_to_connection(ConnectionId=its_id(socket), Data=b"posted")
        assert socket.recv(timeout=10) == b"posted".decode()
    modules = ended(node, found)
    assert modules >= OF_A_NODE
    assert not modules & HEAVY


def test_the_parent_of_workers_is_no_node(fleet: Fleet) -> None:
    node, found = started(fleet, "--workers", "2")
    with client(node) as socket:
        its_id(socket)
    modules = ended(node, found)
    assert "gateway.workers.parent" in modules
    assert not modules & (HEAVY | OF_A_NODE)
