"""The load generator where there is no C compiler, and for TLS: the same commands and answers as ``load.c``.

    python bench/load.py HOST PORT PATH SOURCE [HOST-HEADER [CA-FILE]]

Leaner than a framework, yet several times as costly as the one in C: whoever reads a rate looks at the client's CPU.
"""

from __future__ import annotations

import json
import os
import resource
import select
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle
from typing import Final

MOST: Final = 19_000
PER_ADDRESS: Final = 6_000
WITHIN_S: Final = 60.0
SHOWN: Final = 128


class Client:
    """One socket; ``got`` is what came and was not understood yet."""

    __slots__ = ("began", "got", "out", "said", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.got = b""
        self.began = 0.0
        self.said: bytes | None = None  # the payload of its last message, where it is asked for
        self.out = 0  # requests that are not answered yet


class Load:
    """Everything that is open, in one epoll."""

    def __init__(self, host: str, port: str, path: str, source: str, header: str = "", ca: str = "") -> None:
        self._server = (host, int(port))
        if not host.startswith("127."):
            raise SystemExit("load: loopback only")
        self._source = source
        header = header or f"{host}:{port}"
        self._tls = ssl.create_default_context(cafile=ca) if ca else None
        self._handshake = (
            f"GET {path} HTTP/1.1\r\nHost: {header}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %sbXBsZSBub25jZQ==\r\n\r\n"
        )
        self._keys = 0
        self._epoll = select.epoll()
        self._clients: list[Client] = []
        self._by_fd: dict[int, Client] = {}
        self._frames = self._bytes = self._closes = 0
        self._times: list[float] = []

    # -- commands --------------------------------------------------------------------------------------------------

    def obey(self, line: str) -> None:
        """Answers one line."""
        word, _, rest = line.partition(" ")
        commands: dict[str, Callable[[str], None]] = {
            "open": self._open, "echo": self._echo, "ask": self._ask, "post": self._post,
            "await": self._await, "received": self._received, "close": self._close,
        }  # fmt: skip
        if word not in commands:
            raise SystemExit
        commands[word](rest)

    def _open(self, rest: str) -> None:
        """In flight is one: this client waits for each handshake."""
        began, spent, failed = time.monotonic(), time.process_time(), 0
        wanted = min(int(rest.split()[0]), MOST - len(self._clients))
        for _ in range(wanted):
            start = time.monotonic()
            try:
                client = self._shaken()
            except OSError as error:
                failed += 1
                print(f"load: a handshake failed: {error}", file=sys.stderr)
                if failed > 10:
                    break
                continue
            self._clients.append(client)
            self._watch(client)
            self._times.append(time.monotonic() - start)
        done = len(self._times)
        self._tell("open", done, wanted - done, began, spent)

    def _echo(self, rest: str) -> None:
        count, sockets, text = rest.split(" ", 2)
        began, spent = time.monotonic(), time.process_time()
        wanted, message = int(count), frame(text.encode())
        talking = self._clients[: int(sockets)]
        belongs = {client.sock.fileno() for client in talking}
        sent = got = 0
        for client in talking[:wanted]:
            self._say(client, message)
            sent += 1
        for client in self._ended(began + WITHIN_S):
            if client.sock.fileno() not in belongs:
                continue
            self._times.append(time.monotonic() - client.began)
            got += 1
            if sent < wanted:
                self._say(client, message)
                sent += 1
            if got >= wanted:
                break
        self._tell("echo", got, wanted - got, began, spent)

    def _ask(self, rest: str) -> None:
        count, text = rest.split(" ", 1)
        began, answers = time.monotonic(), []
        for client in self._clients[: int(count)]:
            client.said = b""
            self._say(client, frame(text.encode()))
            for other in self._ended(began + WITHIN_S):
                if other is client:
                    break
            answers.append((client.said or b"")[:SHOWN].decode("utf-8", "replace"))
            client.said = None
        print(json.dumps({"what": "ask", "done": len(answers), "answers": answers}), flush=True)

    def _await(self, rest: str) -> None:
        count, seconds = rest.split()
        began, spent, wanted = time.monotonic(), time.process_time(), int(count)
        for _ in self._ended(began + float(seconds)) if self._frames < wanted else ():
            if self._frames >= wanted:
                break
        self._tell("await", self._frames, max(wanted - self._frames, 0), began, spent)

    def _received(self, rest: str) -> None:
        told = {"frames": self._frames, "bytes": self._bytes, "closes": self._closes}
        print(json.dumps({"what": "received", **told}), flush=True)
        self._frames = self._bytes = self._closes = 0

    def _close(self, rest: str) -> None:
        began, spent, count = time.monotonic(), time.process_time(), len(self._clients)
        for client in self._clients:
            self._by_fd.pop(client.sock.fileno(), None)
            client.sock.close()
        self._clients.clear()
        self._tell("close", count, 0, began, spent)

    def _post(self, rest: str) -> None:
        count, connections, depth, name = rest.split()
        with open(name, "rb") as file:
            requests = cycle(list(iter(lambda: file.read(int(file.readline() or b"0")), b"")))
        posters = {sock.fileno(): Client(sock) for sock in (self._dial() for _ in range(int(connections)))}
        epoll = select.epoll()
        for fd in posters:
            epoll.register(fd, select.EPOLLIN)
        began, spent = time.monotonic(), time.process_time()
        wanted, sent, good, bad = int(count), 0, 0, 0

        def push(poster: Client) -> None:
            nonlocal sent
            while poster.out < int(depth) and sent < wanted:
                poster.sock.sendall(next(requests))
                poster.out += 1
                sent += 1

        for poster in posters.values():
            push(poster)
        while good + bad < wanted and time.monotonic() < began + WITHIN_S:
            for fd, _ in epoll.poll(0.5):
                poster = posters[fd]
                got = poster.sock.recv(1 << 16)
                if not got:
                    bad, wanted = bad + poster.out, min(wanted, sent)
                    epoll.unregister(fd)
                    continue
                poster.got += got
                for status in statuses(poster):
                    good, bad = (good + 1, bad) if status // 100 == 2 else (good, bad + 1)
                push(poster)
        self._tell("post", good, int(count) - good, began, spent)
        for poster in posters.values():
            poster.sock.close()

    # -- sockets ---------------------------------------------------------------------------------------------------

    def _dial(self) -> socket.socket:
        sock = socket.socket()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # no TIME_WAIT left behind
        sock.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
        sock.bind((f"127.{self._source}.0.{2 + len(self._clients) // PER_ADDRESS}", 0))
        sock.settimeout(WITHIN_S)
        sock.connect(self._server)
        return sock

    def _shaken(self) -> Client:
        sock = self._dial()
        if self._tls is not None:
            sock = self._tls.wrap_socket(sock, server_hostname="localhost")
        self._keys += 1
        sock.sendall((self._handshake % f"{int(self._source):02x}{self._keys:06x}").encode())
        got = b""
        while b"\r\n\r\n" not in got:
            more = sock.recv(4096)
            if not more:
                raise ConnectionResetError(f"the server closed it after {got[:200]!r}")
            got += more
        if not got.startswith(b"HTTP/1.1 101"):
            raise ConnectionRefusedError(repr(got[:200]))
        client = Client(sock)
        client.got = got.partition(b"\r\n\r\n")[2]
        return client

    def _watch(self, client: Client) -> None:
        client.sock.setblocking(False)
        self._by_fd[client.sock.fileno()] = client
        self._epoll.register(client.sock.fileno(), select.EPOLLIN)

    def _say(self, client: Client, message: bytes) -> None:
        client.began = time.monotonic()
        with suppress(OSError):
            client.sock.sendall(message)

    def _ended(self, until: float) -> Iterator[Client]:
        """Whoever has received a whole message, once for each."""
        while time.monotonic() < until:
            for fd, _ in self._epoll.poll(0.2, 256):
                if fd in self._by_fd:
                    yield from self.take(fd)

    def take(self, fd: int) -> Iterator[Client]:
        """Read once."""
        client = self._by_fd[fd]
        try:
            got = client.sock.recv(1 << 16)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError:
            got = b""
        if not got:
            self._closes += 1
            self._epoll.unregister(fd)
            del self._by_fd[fd]
            client.sock.close()
            return
        client.got += got
        for opcode, payload in messages(client):
            if opcode & 15 >= 8:
                self._closes += opcode & 15 == 8
                continue
            self._bytes += len(payload)
            if client.said is not None:
                client.said += payload
            if opcode & 0x80:
                self._frames += 1
                yield client

    def hold(self) -> None:
        """Obey stdin; what comes meanwhile is read and counted."""
        self._epoll.register(0, select.EPOLLIN)
        pending = b""
        while True:
            for fd, _ in self._epoll.poll(-1, 256):
                if fd in self._by_fd:
                    for _ in self.take(fd):
                        pass
                if fd != 0:
                    continue
                got = os.read(0, 1 << 16)
                if not got:
                    return
                pending += got
                self._epoll.unregister(0)
                while b"\n" in pending:
                    line, _, pending = pending.partition(b"\n")
                    self.obey(line.decode())
                self._epoll.register(0, select.EPOLLIN)

    def _tell(self, what: str, done: int, failed: int, began: float, spent: float) -> None:
        times, self._times = sorted(self._times) or [0.0], []
        print(
            json.dumps(
                {
                    "what": what,
                    "done": done,
                    "failed": failed,
                    "seconds": time.monotonic() - began,
                    "cpu": time.process_time() - spent,
                    "p50_ms": times[len(times) // 2] * 1e3,
                    "p99_ms": times[len(times) * 99 // 100] * 1e3,
                    "most_ms": times[-1] * 1e3,
                }
            ),
            flush=True,
        )


def frame(payload: bytes) -> bytes:
    """A masked text message."""
    mask, size = b"\x12\x34\x56\x78", len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else bytes((0x81, 0xFE, size >> 8, size & 255))
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def messages(client: Client) -> Iterator[tuple[int, bytes]]:
    """First byte and payload of every frame that is whole."""
    while len(client.got) >= 2:
        size, at = client.got[1], 2
        if size >= 126:
            at = 4 if size == 126 else 10
            size = int.from_bytes(client.got[2:at], "big")
        if len(client.got) < at + size:
            return
        opcode, payload = client.got[0], client.got[at : at + size]
        client.got = client.got[at + size :]
        yield opcode, payload


def statuses(poster: Client) -> Iterator[int]:
    """Of every answer that is whole."""
    while (end := poster.got.find(b"\r\n\r\n")) >= 0:
        head = poster.got[:end].lower()
        at = head.find(b"content-length:")
        body = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(poster.got) < end + 4 + body:
            return
        poster.got = poster.got[end + 4 + body :]
        poster.out -= 1
        yield int(head[9:12])


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    Load(*sys.argv[1:]).hold()
