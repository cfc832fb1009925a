"""The product under test in processes of its own: ``wsfleet serve``, everything on, on a table that answers at once."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from bench.harness.children import Child, ChildFailed, Children, wait_for
from bench.harness.load import Target
from bench.harness.procfs import cpu_s, rss
from bench.harness.signing import Keys, signed_post

KEYS: Final = Keys("AKIDBENCH", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
STAGE: Final = "bench"
READY_S: Final = 60.0
CALL_S: Final = 30.0
_FOREIGN: Final = ("AWS_", "WSFLEET_", "PYTHON", "MAKE", "MFLAGS", "ARGS")
BODY: Final = b"x" * 100


class Table:
    """The double of DynamoDB."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.url = f"http://127.0.0.1:{int(child.line())}"

    def ids(self, node: int) -> list[str]:
        """Connections registered by a node that are open."""
        with urllib.request.urlopen(f"{self.url}/ids", timeout=10) as answer:  # noqa: S310 - our own double
            found: dict[str, list[str]] = json.load(answer)
        return found.get(str(node), [])


@dataclass(frozen=True, slots=True)
class Called:
    """What an extension answered, and after how long."""

    document: Any
    seconds: float


@dataclass(frozen=True, slots=True)
class Gateway:
    """One ``serve``, with what its ready file says."""

    child: Child
    table: Table
    ready: Mapping[str, Any]

    @property
    def target(self) -> Target:
        return Target(_port(self.ready["websocket_url"]), f"/{STAGE}")

    @property
    def secure_target(self) -> Target:
        return Target(_port(self.ready["secure_websocket_url"]), f"/{STAGE}", ca=self.ready["ca_bundle"])

    @property
    def workers(self) -> list[int]:
        """Process IDs of the nodes."""
        return [worker["pid"] for worker in self.ready["workers"]]

    @property
    def node(self) -> int:
        """Number of the first node."""
        return int(self.ready["node"])

    def cpu_s(self) -> float:
        """Of the nodes alone: no handlers, no parent."""
        return cpu_s(self.workers)

    def rss(self) -> int:
        """Of the nodes alone."""
        return rss(self.workers)

    def call(self, path: str, body: bytes) -> Called:
        """Asks an extension, ``path`` being what follows the stage. Raises ChildFailed."""
        request = signed_post(KEYS, self.target.host_header, f"/{STAGE}{path}", body)
        with socket.create_connection(("127.0.0.1", self.target.port), CALL_S) as caller:
            began = time.monotonic()
            caller.sendall(request)
            answer = HTTPResponse(caller, method="POST")
            answer.begin()
            told = answer.read()
            seconds = time.monotonic() - began
        if answer.status != 200:
            raise ChildFailed(f"{path} was answered with {answer.status}: {told[:200]!r}")
        return Called(json.loads(told), seconds)

    def posts(self, owner: int, count: int, sockets: int) -> list[bytes]:
        """Signed posts, each different, to the connections of a node, for this gateway to take."""
        ids = self.table.ids(owner)[:sockets]
        host = self.target.host_header
        paths = [f"/{STAGE}/@connections/{quote(each, safe='')}" for each in ids]
        return [signed_post(KEYS, host, paths[at % len(paths)], b"%0100d" % at) for at in range(count)]


class Gateways:
    """Starts gateways from one source tree; the state folder of a benchmark is its own."""

    def __init__(self, root: Path, folder: Path, children: Children) -> None:
        self._root = root
        self._folder = folder
        self._children = children
        self._count = 0

    def table(self) -> Table:
        command = [sys.executable, str(self._root / "bench" / "double.py")]
        return Table(self._children.start("double", command, self._folder, self.environment(), pipes=True))

    def serve(self, application: str, table: Table, *options: str) -> Gateway:
        """Raises ChildFailed."""
        ready = self._ready_file()
        template = self._root / "bench" / "applications" / application / "template.yaml"
        python = f"Python=python{sys.version_info.major}.{sys.version_info.minor}"
        command = [
            *(sys.executable, "-m", "gateway", "serve", "--api", str(template), "--endpoint-url", table.url),
            *("--region", KEYS.region, "--host", "127.0.0.1", "--port", "0", "--connect-rate", "0"),
            *("--drain-seconds", "0", "--ready-file", str(ready)),
            *(("--parameter-overrides", python) if application not in ("quiet", "hostile") else ()),
            *options,
        ]
        child = self._children.start("serve", command, self._folder, self.environment())
        wait_for(child, ready, READY_S)
        return Gateway(child, table, json.loads(ready.read_text(encoding="utf-8")))

    def run(self, template: Path, *options: str) -> tuple[Child, Path]:
        """``wsfleet run`` on its way, and the ready file it will write."""
        ready = self._ready_file()
        command = [sys.executable, "-m", "gateway", "run", str(template), "--port", "0", "--tls-port", "0"]
        command += ["--ready-file", str(ready), *options]
        return self._children.start("run", command, self._root, self.environment()), ready

    def end(self, *gateways: Gateway) -> None:
        """Without a farewell: what it held is gone with the double, which ends as well."""
        for gateway in gateways:
            self._children.end(gateway.child, hard=True)
            with suppress(ValueError):
                self._children.end(gateway.table.child, hard=True)

    def lacks(self) -> str | None:
        """Why ``serve`` cannot be measured in this tree, None when it can."""
        ended = subprocess.run(
            [sys.executable, "-m", "gateway", "serve", "--help"],
            env=self.environment(),
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=READY_S,
        )
        return None if not ended.returncode else f"wsfleet serve does not start: {ended.stderr.strip()[-200:]}"

    def options_of(self, command: str) -> str:
        """The help of a command, to see which settings this tree has."""
        words = [sys.executable, "-m", "gateway", command, "--help"]
        return subprocess.run(
            words, env=self.environment(), cwd=self._folder, capture_output=True, text=True, timeout=READY_S
        ).stdout

    def environment(self) -> dict[str, str]:
        """What a server is started with: nothing of the surroundings' own settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        return {
            **kept,
            "PYTHONPATH": str(self._root / "src"),
            "AWS_ACCESS_KEY_ID": KEYS.access_key,
            "AWS_SECRET_ACCESS_KEY": KEYS.secret,
            "WSFLEET_STATE_DIR": str(self._folder / "state"),
            "TMPDIR": str(self._folder),  # what a server that is killed leaves there goes with the run
        }

    def _ready_file(self) -> Path:
        self._count += 1
        return self._folder / f"ready-{self._count}.json"


def seldom(options: Sequence[str]) -> tuple[str, ...]:
    """Options for figures that leases must not disturb: renewals every 12 s instead of 2."""
    return ("--lease-seconds", "60", *options)


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None, url
    return port
