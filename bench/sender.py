"""Broadcasts, for comparison: the gateway's own send path, and a C loop of ``send()``, over the same descriptors.

    python bench/sender.py LIBRARY

A front door with parked sockets and the least node that lets everybody in. Prints its port, then answers lines of
stdin: ``count``, ``product BYTES`` (``Socket.send_text`` of one prebuilt message to everybody, in a loop), ``c BYTES``
(the library's loop). Each answers seconds, CPU seconds and how many were sent.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from gateway.model.handshake import Handshake  # noqa: E402
from gateway.model.http import HttpRequest, HttpResponse  # noqa: E402
from gateway.model.limits import AWS  # noqa: E402
from gateway.ports import Socket  # noqa: E402
from gateway.server.listener import FrontDoor  # noqa: E402
from gateway.system.clock import SystemClock  # noqa: E402
from gateway.system.open_files import raise_open_files  # noqa: E402
from server_fakes import Reports  # noqa: E402


class Everybody:
    """The least node: lets everybody in, and forgets who leaves."""

    max_body_bytes = AWS.max_message_bytes

    def __init__(self) -> None:
        self.sockets: dict[int, Socket] = {}

    def handshake(self, socket: Socket, handshake: Handshake) -> Socket:
        self.sockets[id(socket)] = socket
        socket.accept(None)
        return socket

    def message(self, socket: Socket, text: str) -> None: ...

    def binary(self, socket: Socket, data: bytes) -> None: ...

    def violated(self, socket: Socket, code: int, reason: str) -> None:
        socket.close(code, reason)

    def peer_closed(self, socket: Socket, code: int | None, reason: str) -> None:
        self.sockets.pop(id(socket), None)

    def peer_lost(self, socket: Socket) -> None:
        self.sockets.pop(id(socket), None)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(404)

    def too_large(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(413)


def by_product(node: Everybody, text: bytes) -> int:
    for socket in node.sockets.values():
        socket.send_text(text)
    return len(node.sockets)


def by_c(node: Everybody, text: bytes, library: ctypes.CDLL) -> int:
    """The frame is built once, as a C program would."""
    head = bytes((0x81, len(text))) if len(text) < 126 else bytes((0x81, 126)) + len(text).to_bytes(2, "big")
    frame = head + text
    fds = [socket.fd for socket in node.sockets.values()]  # type: ignore[attr-defined]  # sockets are parked here
    array = (ctypes.c_int * len(fds))(*fds)
    return int(library.send_to_all(array, len(fds), frame, len(frame)))


def measured(send: Any) -> dict[str, Any]:
    gc.collect()
    began, cpu = time.monotonic(), time.process_time()
    sent = send()
    return {"sent": sent, "seconds": time.monotonic() - began, "cpu": time.process_time() - cpu}


async def serve(library: ctypes.CDLL) -> None:
    node, loop, over = Everybody(), asyncio.get_running_loop(), asyncio.Event()
    door = FrontDoor(node, node, SystemClock(), Reports())

    def asked() -> None:
        for line in os.read(0, 4096).decode().splitlines() or ["quit"]:
            what, _, size = line.partition(" ")
            text = b"x" * int(size or 0)
            if what == "count":
                answer: Any = len(node.sockets)
            elif what == "product":
                answer = measured(lambda text=text: by_product(node, text))
            elif what == "c":
                answer = measured(lambda text=text: by_c(node, text, library))
            else:
                over.set()
                return
            print(json.dumps(answer), flush=True)

    print(await door.open("127.0.0.1", 0), flush=True)
    loop.add_reader(0, asked)
    await over.wait()
    loop.remove_reader(0)
    await door.close()


if __name__ == "__main__":
    raise_open_files()
    asyncio.run(serve(ctypes.CDLL(sys.argv[1])))
