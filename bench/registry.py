"""CPU of the gateway for one connection's record: registered, and removed again, at a DynamoDB that answers at once.

    python bench/registry.py [--json] [--in-flight N]

The DynamoDB is a double in another process, so what is measured is this process with all its threads: group commit,
items, signatures, HTTP. ``--in-flight`` callers each register the next connection as soon as the last one is durable.
Prints microseconds of CPU per connection: median and range of 7 runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ("src", "tests")]

from gateway.model.aws import AwsEndpoint  # noqa: E402
from gateway.model.connection import Connection  # noqa: E402
from gateway.model.ids import ApiId, NodeNumber, StageName, connection_id  # noqa: E402
from gateway.registry.dynamodb import DynamoDbRegistry  # noqa: E402

RUNS = 7
CONNECTIONS = 20_000
IN_FLIGHT = 200
GOAL_US = 60
OWNER = NodeNumber(7)
ANSWER = b'{"UnprocessedItems":{}}'
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n%b" % (
    len(ANSWER),
    ANSWER,
)


class Silent:
    """Nothing goes wrong in here."""

    def warned(self, text: str) -> None:
        raise AssertionError(text)

    def failed(self, text: str) -> None:
        raise AssertionError(text)


def serve() -> None:
    """The double: one thread a connection, every request taken whole and answered alike. Ends with its stdin."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=_accept, args=(listener,), daemon=True).start()
    sys.stdin.read()


def _accept(listener: socket.socket) -> None:
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_answer, args=(client,), daemon=True).start()


def _answer(client: socket.socket) -> None:
    received = b""
    while True:
        while (end := received.find(b"\r\n\r\n")) < 0:
            if not (more := client.recv(65536)):
                return
            received += more
        head = received[:end].lower()
        start = head.index(b"content-length:") + len(b"content-length:")
        length = end + 4 + int(head[start:].split(b"\r\n", 1)[0])
        while len(received) < length:
            received += client.recv(65536)
        received = received[length:]
        client.sendall(RESPONSE)


@contextmanager
def double() -> Iterator[str]:
    """The URL of a double of one's own."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdin is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def connections() -> list[Connection]:
    return [
        Connection(
            connection_id=connection_id(OWNER, number.to_bytes(6, "big"), b""),
            owner=OWNER,
            api_id=ApiId("a1b2c3d4e5"),
            stage=StageName("prod"),
            connected_at_ms=1_700_000_000_123 + number,
            source_ip="203.0.113.9",
            domain_name="a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com",
            user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        )
        for number in range(CONNECTIONS)
    ]


async def spent_us(call: Callable[[Connection], Awaitable[None]], made: list[Connection], in_flight: int) -> float:
    """Microseconds of CPU per call."""
    waiting = iter(made)

    async def caller() -> None:
        for connection in waiting:
            await call(connection)

    began = time.process_time()
    await asyncio.gather(*(caller() for _ in range(in_flight)))
    return (time.process_time() - began) / len(made) * 1e6


async def one_run(url: str, made: list[Connection], in_flight: int) -> tuple[float, float]:
    """Microseconds of CPU per register, and per unregister."""
    registry = DynamoDbRegistry(AwsEndpoint(url, "eu-central-1"), Silent())
    await asyncio.gather(*map(registry.register, made[:100]))  # clients are made, sockets open
    registered = await spent_us(registry.register, made, in_flight)
    removed = await spent_us(lambda each: registry.unregister(each.owner, each.connection_id), made, in_flight)
    await registry.close()
    return registered, removed


def summary(figures: list[float]) -> dict[str, object]:
    return {
        "median": round(statistics.median(figures), 1),
        "range": [round(min(figures), 1), round(max(figures), 1)],
    }


def measure(in_flight: int) -> dict[str, object]:
    made = connections()
    with double() as url:
        asyncio.run(one_run(url, made[:2_000], in_flight))  # warm
        runs = [asyncio.run(one_run(url, made, in_flight)) for _ in range(RUNS)]
    return {
        "figure": "gateway CPU for the registry per connection, microseconds, all threads",
        "register": summary([registered for registered, _ in runs]),
        "register and unregister": summary([registered + removed for registered, removed in runs]),
        "goal of register": GOAL_US,
        "runs": RUNS,
        "connections": CONNECTIONS,
        "in flight": in_flight,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("httptools", "botocore")},
        },
        "machine": f"{platform.machine()} {platform.system()} {platform.release()}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU per connection for its record")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--in-flight", type=int, default=IN_FLIGHT, metavar="N", help=f"callers ({IN_FLIGHT})")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    result = measure(options.in_flight)
    if options.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
