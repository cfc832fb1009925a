"""Lean clients for ``sockets.py``: one epoll, plain sockets, no framework; never more than the work asked for.

    python bench/socket_client.py hold PORT SOCKETS PATH       open that many WebSockets, keep them until stdin ends
    python bench/socket_client.py echo PORT SOCKETS PATH COUNT one message at a time on each, COUNT in all
    python bench/socket_client.py post PORT SOCKETS PATH COUNT one POST at a time on each; targets are lines of stdin

Behind all that, ``tls``: over TLS, with whoever answers. Prints one line of JSON when it is ready: seconds it took and
seconds of CPU of its own.
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from typing import Final

PER_ADDRESS: Final = 6_000  # past about half of ip_local_port_range the search for a port is what takes the time
IN_FLIGHT: Final = 64
DEADLINE_S: Final = 120.0
MESSAGE: Final = b'{"action":"anything","data":{"text":"hello there","room":"tea"}}'
BODY: Final = b"x" * 100


def frame(payload: bytes) -> bytes:
    mask = b"\x12\x34\x56\x78"
    return bytes((0x81, 0x80 | len(payload))) + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def handshake(port: int, path: str) -> bytes:
    """As a browser sends it."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: Upgrade\r\nPragma: no-cache\r\n"
        "Cache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0\r\n"
        "Upgrade: websocket\r\nOrigin: http://localhost\r\nSec-WebSocket-Version: 13\r\n"
        "Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.9\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


def post(port: int, target: str) -> bytes:
    """As boto3 sends it."""
    return (
        f"POST {target} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept-Encoding: identity\r\n"
        "User-Agent: Boto3/1.43 md/Botocore#1.43 ua/2.1 os/linux lang/python#3.11 cfg/retry-mode#legacy\r\n"
        "X-Amz-Date: 20261128T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261128/us-east-1/"
        f"execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature={'0' * 64}\r\n"
        "amz-sdk-invocation-id: 5d4f1c1e-6a4b-4e5e-9c68-0c9f1b2a3d4e\r\namz-sdk-request: attempt=1\r\n"
        f"Content-Length: {len(BODY)}\r\n\r\n"
    ).encode() + BODY


class Clients:
    """Sockets by descriptor, in one epoll."""

    def __init__(self, port: int, tls: bool) -> None:
        self._port = port
        self._context = trusting() if tls else None
        self._epoll = select.epoll()
        self.sockets: dict[int, socket.socket] = {}
        self._until = time.monotonic() + DEADLINE_S

    def connect(self) -> int:
        number = len(self.sockets)
        sock = socket.socket()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # no TIME_WAIT left behind
        sock.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
        sock.bind((f"127.1.0.{2 + number // PER_ADDRESS}", 0))
        sock.connect(("127.0.0.1", self._port))
        if self._context is not None:
            sock = self._context.wrap_socket(sock)
        sock.setblocking(False)
        self.sockets[sock.fileno()] = sock
        self._epoll.register(sock.fileno(), select.EPOLLIN)
        return sock.fileno()

    def send(self, fd: int, data: bytes) -> None:
        self.sockets[fd].sendall(data)

    def read(self, fd: int) -> bytes | None:
        """What came, None when it was nothing of the server's, as a session ticket is; empty at the end."""
        try:
            return self.sockets[fd].recv(65_536)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None

    def watch_stdin(self) -> None:
        self._epoll.register(0, select.EPOLLIN | select.EPOLLHUP)

    def ready(self, timeout_s: float) -> list[int]:
        return [fd for fd, _ in self._epoll.poll(timeout_s, 256)]

    def answered(self) -> Iterator[tuple[int, bytes]]:
        """What came, by descriptor, until the deadline."""
        while time.monotonic() < self._until:
            for fd in self.ready(1):
                data = self.read(fd)
                if data == b"":
                    raise SystemExit("the server closed a connection")
                if data is not None:
                    yield fd, data
        raise SystemExit("it took too long")

    def open(self, count: int, path: str) -> None:
        """Open WebSockets, a bounded number of handshakes at a time."""
        request = handshake(self._port, path)
        for _ in range(min(count, IN_FLIGHT)):
            self.send(self.connect(), request)
        for done, (_, data) in enumerate(self.answered(), 1):
            if not data.startswith(b"HTTP/1.1 101 "):
                raise SystemExit(f"refused: {data[:200]!r}")
            if len(self.sockets) < count:
                self.send(self.connect(), request)
            if done == count:
                return

    def exchange(self, requests: Iterator[bytes], count: int) -> None:
        """One request at a time on every socket; an answer is whatever comes at once."""
        sent = 0
        for fd in self.sockets:
            self.send(fd, next(requests))
            sent += 1
        for got, (fd, _) in enumerate(self.answered(), 1):
            if got == count:
                return
            if sent < count:
                self.send(fd, next(requests))
                sent += 1


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def main(what: str, port: str, sockets: str, path: str, *more: str) -> None:
    clients, count = Clients(int(port), "tls" in more), more[0] if more and more[0] != "tls" else "0"
    if what == "post":
        targets = sys.stdin.read().split()
        for _ in range(int(sockets)):
            clients.connect()
        requests = cycle([post(int(port), target) for target in targets])
    else:
        requests = cycle([frame(MESSAGE)])
        if what == "echo":
            clients.open(int(sockets), path)
            print("open", flush=True)
            sys.stdin.readline()
    began, cpu = time.monotonic(), time.process_time()
    if what == "hold":
        clients.open(int(sockets), path)
    else:
        clients.exchange(requests, int(count))
    figures = {"seconds": time.monotonic() - began, "cpu": time.process_time() - cpu}
    print(json.dumps(figures), flush=True)
    if what == "hold":
        hold(clients)


def hold(clients: Clients) -> None:
    """Take what comes and forget it, until stdin ends."""
    clients.watch_stdin()
    while True:
        for fd in clients.ready(-1):
            if fd == 0 or clients.read(fd) == b"":
                return


main(*sys.argv[1:])
