"""A peer under test: how it is started, and how it is spoken with once it serves."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.harness.load import Target
from bench.harness.scenario import Bench


@dataclass(frozen=True, slots=True)
class Served:
    """``pids``: all processes the peer consists of, without the backend that it calls over HTTP; ``post``: the request
    that sends a body to a connection; ``post_port``: where it is sent. ``sockets``: as many as it is asked to hold."""

    version: str
    target: Target
    pids: Callable[[], Sequence[int]]
    post: Callable[[str, bytes], bytes]
    post_port: int
    sockets: int
    note: str = ""


class Peer(Protocol):
    """``name`` is stable, ``title`` is for people."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    def serving(self, bench: Bench) -> AbstractContextManager[Served]:
        """Raises Unmeasured where it cannot be had here, ChildFailed where it does not come up."""


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def accepts(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def folder_for(bench: Bench, name: str) -> Path:
    """An empty one, for one run of a peer."""
    folder = bench.folder / name
    folder.mkdir()
    return folder
