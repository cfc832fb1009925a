"""Pushpin: a proxy that holds WebSockets and speaks HTTP with a backend, here aiohttp; posts are its publishes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from bench.harness.load import Target
from bench.harness.peers.install import debian_package
from bench.harness.peers.served import Served, accepts, folder_for, free_port
from bench.harness.scenario import Bench, Unmeasured, wait_until

SYSTEM: Final = Path("/etc/pushpin/pushpin.conf")
ZURL: Final = Path("/etc/zurl.conf")
INTERNAL: Final = Path("/usr/lib/pushpin/internal.conf")
START_S: Final = 30.0


class Pushpin:
    name = "pushpin"
    title = "Pushpin"

    @contextmanager
    def serving(self, bench: Bench) -> Iterator[Served]:
        debian_package(bench, self.name)
        if not (SYSTEM.exists() and INTERNAL.exists() and ZURL.exists()):
            raise Unmeasured("installed, but not as Debian's package lays it out")
        folder = folder_for(bench, self.name)
        port, push = free_port(), free_port()
        backend_words = [sys.executable, str(bench.root / "bench" / "baseline.py")]
        backend = bench.children.start("upstream", backend_words, folder, bench.gateways.environment(), pipes=True)
        config = _configured(folder, port, push, int(backend.line()))
        zurl = bench.children.start("zurl", ["zurl", f"--config={folder / 'zurl.conf'}", "--loglevel=1"], folder)
        child = bench.children.start(
            self.name, [self.name, f"--config={config}", "-m", "--loglevel=1"], folder, dict(os.environ)
        )
        try:
            wait_until(
                lambda: (accepts(push) and _reaches(port)) or not child.is_running, START_S, "it reaches its backend"
            )
            if not child.is_running:
                raise child.failure("ended")
            yield Served(
                _version(),
                Target(port, "/"),
                lambda: [*child.tree, *zurl.tree],
                lambda channel, body: _publish(push, channel, body),
                push,
                bench.sizes.peers,
                "WebSocket-over-HTTP to an aiohttp backend that is not counted; posts are publishes, each on a "
                "connection of its own because Pushpin closes it",
            )
        finally:
            for each in (child, zurl, backend):
                bench.children.end(each, hard=each is not child)


def _reaches(port: int) -> bool:
    """Whether its parts have found each other and the backend, which some time after listening they have."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/nowhere")
        return connection.getresponse().status == 404
    except OSError:
        return False
    finally:
        connection.close()


def _configured(folder: Path, port: int, push: int, backend: int) -> Path:
    """Debian's own configuration, with everything it writes in ``folder``, ports of its own, and no limit of rate."""
    ipc = f"ipc://{folder}/zurl"
    internal = re.sub(r"ipc:///var/run/zurl/zurl", ipc, INTERNAL.read_text(encoding="utf-8"))
    (folder / "internal.conf").write_text(internal, encoding="utf-8")
    zurl = re.sub(r"ipc:///var/run/zurl/zurl", ipc, ZURL.read_text(encoding="utf-8"))
    zurl = re.sub(r"(?m)^deny=.*$", "deny=", zurl)
    (folder / "zurl.conf").write_text(
        re.sub(r"max_open_requests=.*", "max_open_requests=20000", zurl), encoding="utf-8"
    )
    text = SYSTEM.read_text(encoding="utf-8")
    for name, value in {
        "include": folder / "internal.conf",
        "rundir": folder,
        "logdir": folder,
        "http_port": f"127.0.0.1:{port}",
        "routesfile": folder / "routes",
        "push_in_http_port": push,
        "push_in_spec": f"ipc://{folder}/push",
        "push_in_sub_specs": f"ipc://{folder}/sub",
        "command_spec": f"ipc://{folder}/command",
        "message_rate": 1_000_000,
        "message_hwm": 1_000_000,
    }.items():
        text = re.sub(rf"(?m)^{name}=.*$", f"{name}={value}", text)
    (folder / "routes").write_text(f"* 127.0.0.1:{backend},over_http\n", encoding="utf-8")
    config = folder / "pushpin.conf"
    config.write_text(text, encoding="utf-8")
    return config


def _publish(port: int, channel: str, body: bytes) -> bytes:
    item = {"channel": channel, "formats": {"ws-message": {"content": body.decode()}}}
    text = json.dumps({"items": [item]}).encode()
    head = f"POST /publish/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text


def _version() -> str:
    ended = subprocess.run(["pushpin", "--version"], capture_output=True, text=True, timeout=10)
    return ended.stdout.strip().removeprefix("pushpin ")
