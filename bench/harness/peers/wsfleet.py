"""The product itself, on the same work as its peers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from bench.harness.gateway import KEYS, STAGE
from bench.harness.machine import this_machine
from bench.harness.peers.served import Served
from bench.harness.scenario import Bench
from bench.harness.signing import signed_post


class Wsfleet:
    name = "wsfleet"
    title = "wsfleet"

    @contextmanager
    def serving(self, bench: Bench) -> Iterator[Served]:
        gateway = bench.gateways.serve("compared", bench.gateways.table())
        host = gateway.target.host_header

        def post(connection_id: str, body: bytes) -> bytes:
            return signed_post(KEYS, host, f"/{STAGE}/@connections/{quote(connection_id, safe='')}", body)

        try:
            yield Served(
                this_machine(bench.root).commit,
                gateway.target,
                lambda: gateway.child.tree,
                post,
                gateway.target.port,
                bench.sizes.peers,
                "signatures verified, registry and leases on; Python handlers",
            )
        finally:
            bench.gateways.end(gateway)
