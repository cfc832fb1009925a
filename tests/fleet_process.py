"""Real ``wsfleet serve`` processes on one table: started, killed, stopped for a while, cut off, and read.

A fleet of these tests is a moto of its own, an application that keeps a journal, and nodes that share a fleet key.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
from websockets.sync.client import ClientConnection, connect

from gateway_process import (
    APPLICATIONS,
    COMMAND,
    DEADLINE_S,
    GONE_S,
    OWN_RUNTIME,
    STOP_S,
    CommandProcess,
    descendants,
    environment,
)
from moto_server import Moto, moto_server
from process_watch import Watch

LEASE_S = 4.0
POLL_S = 0.05


class FleetNode(CommandProcess):
    """One ``wsfleet serve``; with several workers, the process above them."""

    def __init__(self, fleet: Fleet, name: str, options: Sequence[str], prefix: Sequence[str] = ()) -> None:
        self.name = name
        words = [*prefix, COMMAND, "serve", *fleet.options, *options]
        super().__init__(words, fleet.application, fleet.folder / f"state-{name}", fleet.folder / f"{name}.json")

    @property
    def ready(self) -> dict[str, Any]:
        return dict(json.loads(self.ready_file.read_text(encoding="utf-8")))

    @property
    def number(self) -> int:
        return int(self.ready["node"])

    @property
    def address(self) -> str:
        """Where clients reach it: ``host:port``."""
        return str(self.ready["websocket_url"]).split("/")[2].replace("localhost", "127.0.0.1")

    @property
    def pid(self) -> int:
        """Of the node itself."""
        return int(self.ready["pid"])

    def client(self) -> Any:
        """boto3's client of the management API at this node."""
        return management_client(self.ready["management_url"])

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self.process.terminate()

    def wait(self, within_s: float = STOP_S + DEADLINE_S) -> int:
        return self.process.wait(within_s)

    def has_ended(self, within_s: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(within_s)
        return not self.is_running

    def kill(self) -> None:
        """Without a word; what it started ends with it."""
        with Watch(descendants(self.process.pid)) as watch:
            self.process.kill()
            self.process.wait(STOP_S)
            assert not watch.left_after(GONE_S)

    def close(self) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
        super().close()


class Fleet:
    """``application`` is a copy of its own; ``journal`` what its handlers wrote."""

    def __init__(self, folder: Path, moto: Moto, application: str = "fleet") -> None:
        self.folder = folder
        self.moto = moto
        self.application = folder / application
        self._journal = folder / "journal"
        self._read = 0
        self._told: dict[str, list[dict[str, Any]]] = {}
        shutil.copytree(APPLICATIONS / application, self.application)
        journal = [f"Journal={self._journal}"] if application == "fleet" else []
        self.options = [
            "--api", "template.yaml", "--parameter-overrides", f"Python={OWN_RUNTIME}", *journal,
            "--endpoint-url", moto.url, "--region", "eu-central-1", "--port", "0", "--no-auth",
            "--lease-seconds", str(LEASE_S), "--drain-seconds", "5", "--fleet-key-file", str(folder / "fleet.key"),
        ]  # fmt: skip
        self.nodes: list[FleetNode] = []

    def start(self, *names: str, options: Sequence[str] = (), prefix: Sequence[str] = ()) -> list[FleetNode]:
        """Start nodes side by side and wait until all serve."""
        begun = [FleetNode(self, name, options, prefix) for name in names]
        self.nodes += begun
        for node in begun:
            node.wait_ready()
        return begun

    def ask(self, *command: str, status: int = 0) -> Any:
        """What a command of the operator's prints as JSON: those that list one object per line, all others one; None
        when it fails as it should."""
        text = self.run(*command, "--json", status=status)
        if "list" in command:
            return [json.loads(line) for line in text.splitlines()]
        return None if status else json.loads(text)

    def run(self, *command: str, status: int = 0) -> str:
        """What a command of the operator's prints; it must end with ``status``."""
        ended = subprocess.run(
            [COMMAND, *command, "--endpoint-url", self.moto.url, "--region", "eu-central-1"],
            cwd=self.folder,
            env=environment(self.folder / "state-operator"),
            capture_output=True,
            text=True,
            timeout=DEADLINE_S + STOP_S,
        )
        assert ended.returncode == status, ended.stdout + ended.stderr
        return ended.stdout

    def told(self, kind: str) -> list[dict[str, Any]]:
        """What handlers wrote of one kind of event; of the journal only what is new is read."""
        if self._journal.exists():
            with self._journal.open("rb") as file:
                file.seek(self._read)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read += len(whole)
            for line in whole.splitlines():
                told = json.loads(line)
                self._told.setdefault(told["type"], []).append(told)
        return self._told.get(kind, [])

    def disconnects(self) -> Counter[str]:
        return Counter(line["id"] for line in self.told("DISCONNECT"))

    @contextmanager
    def failing_disconnects(self) -> Iterator[None]:
        marker = self._journal.with_name("journal.fails")
        marker.touch()
        yield
        marker.unlink()

    def records(self) -> list[dict[str, Any]]:
        """Every item of the table."""
        client = boto3.client(
            "dynamodb",
            region_name="eu-central-1",
            endpoint_url=self.moto.url,
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        pages = client.get_paginator("scan").paginate(TableName="wsfleet-connections")
        found = [item for page in pages for item in page["Items"]]
        client.close()
        return found

    def connection_records(self) -> int:
        return sum(1 for item in self.records() if item["sk"]["S"].startswith("CONN#"))

    @contextmanager
    def dynamodb_stopped(self) -> Iterator[None]:
        """Nobody answers for the table, and connections to it hang."""
        os.kill(self.moto.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.moto.pid, signal.SIGCONT)

    def until(self, condition: Callable[[], bool], what: str, within_s: float = DEADLINE_S) -> None:
        """Ask again and again, and between two questions leave the processors to those who are asked about."""
        end = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < end, f"never came true: {what}"
            running = next((node for node in self.nodes if node.is_running), None)
            if running is not None:
                running.has_ended(POLL_S)

    def close(self) -> None:
        for node in self.nodes:
            node.close()


@contextmanager
def fleet_in(
    folder: Path, host: str = "127.0.0.1", prefix: Sequence[str] = (), application: str = "fleet"
) -> Iterator[Fleet]:
    """A fleet without nodes, its table made by the operator's command; ``host`` and ``prefix`` are its DynamoDB's."""
    with moto_server(host, prefix) as moto:
        fleet = Fleet(folder, moto, application)
        try:
            fleet.run("init")
            yield fleet
        finally:
            fleet.close()


def client(node: FleetNode, query: str = "") -> ClientConnection:
    """A WebSocket client of the node, connected."""
    socket: ClientConnection = connect(f"ws://{node.address}/prod{query}", open_timeout=DEADLINE_S)
    return socket


def its_id(socket: ClientConnection) -> str:
    """The connection's ID, by its handler's word."""
    socket.send("who am I")
    return str(socket.recv(timeout=DEADLINE_S))


def management_client(url: str) -> Any:
    """boto3's client, which tries nothing again."""
    from botocore.config import Config

    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}),
    )
