"""aiohttp's own WebSockets in one process that echoes: the baseline of the ecosystem, and no gateway."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from bench.harness.load import Target
from bench.harness.peers.served import Served
from bench.harness.scenario import Bench
from bench.harness.signing import plain_post


class PlainAiohttp:
    name = "aiohttp"
    title = "plain aiohttp"

    @contextmanager
    def serving(self, bench: Bench) -> Iterator[Served]:
        words = [sys.executable, str(bench.root / "bench" / "baseline.py")]
        child = bench.children.start("aiohttp", words, bench.folder, bench.gateways.environment(), pipes=True)
        try:
            target = Target(int(child.line()), "/")
            yield Served(
                version("aiohttp"),
                target,
                lambda: child.tree,
                lambda number, body: plain_post(target.host_header, f"/@connections/{number}", body),
                target.port,
                bench.sizes.peers,
                "an echo in the process itself: no handler, no event, no registry, no signature",
            )
        finally:
            bench.children.end(child, hard=True)
