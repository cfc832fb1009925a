"""serverless-offline on the free ``osls`` command line: an emulator for development."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.harness.load import Target
from bench.harness.peers.install import NPM, node_modules
from bench.harness.peers.served import Served, accepts, folder_for, free_port
from bench.harness.scenario import Bench, wait_until
from bench.harness.signing import plain_post

START_S: Final = 60.0
MOST: Final = 500  # it grows to gigabytes, and has died when thousands closed at once


class ServerlessOffline:
    name = "serverless-offline"
    title = "serverless-offline"

    @contextmanager
    def serving(self, bench: Bench) -> Iterator[Served]:
        modules = node_modules(bench)
        folder = folder_for(bench, self.name)
        for file in (bench.root / "bench" / "applications" / "serverless_offline").iterdir():
            shutil.copy(file, folder)
        (folder / "node_modules").symlink_to(modules)
        port, http, functions = free_port(), free_port(), free_port()
        words = ["node", str(modules / ".bin" / "osls"), "offline", "--host", "127.0.0.1"]
        words += ["--websocketPort", str(port), "--httpPort", str(http), "--lambdaPort", str(functions)]
        child = bench.children.start(self.name, words, folder)
        target = Target(port, "/")
        try:
            wait_until(lambda: accepts(port) or not child.is_running, START_S, "it listens")
            if not child.is_running:
                raise child.failure("ended")
            yield Served(
                f"{NPM[self.name]} on osls {NPM['osls']}",
                target,
                lambda: child.tree,
                lambda number, body: plain_post(target.host_header, f"/@connections/{number}", body),
                port,
                min(bench.sizes.peers, MOST),
                "Node handlers in worker threads; a development emulator",
            )
        finally:
            bench.children.end(child, hard=True)  # SIGTERM may leave it running for minutes
