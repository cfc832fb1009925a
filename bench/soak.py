"""Whether anything grows: rounds of connects, messages, posts and disconnects, after which all must be as before.

    python bench/soak.py [--seconds N] [--sockets N] [--json FILE]

Two real nodes on one table, handlers in processes of their own, and strangers who speak nonsense. What the first rounds
leave is the warm-up's; of the others, memory, descriptors and threads at the end are held against those at the
beginning. Exit status 1 when anything grew by more than 5 %. Loopback only, bounded, and it ends what it started.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final

import platformdirs

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench.harness.children import Children, adopt_orphans  # noqa: E402
from bench.harness.gateway import Gateway, Gateways  # noqa: E402
from bench.harness.growth import HEADINGS, WINDOW, Sample, growths  # noqa: E402
from bench.harness.load import Loads, compiled, scripted  # noqa: E402
from bench.harness.machine import this_machine  # noqa: E402
from bench.harness.procfs import descendants, descriptors, rss, threads  # noqa: E402
from bench.harness.progress import bar  # noqa: E402
from bench.harness.scenario import wait_until  # noqa: E402
from bench.harness.scenarios.messages import MESSAGE  # noqa: E402
from bench.harness.table import padded  # noqa: E402

SECONDS: Final = 180.0
SOCKETS: Final = 500
WARM: Final = 0.35  # of the time, and at least as many rounds as below
WARM_ROUNDS: Final = 3
MOST_S: Final = 3_600.0
IN_FLIGHT: Final = 32
MESSAGES: Final = 4  # of each socket in a round, and as many posts
CONNECTIONS: Final = 16
STRANGERS: Final = 20  # of each kind in a round
GONE_S: Final = 60.0
COUNTED: Final = ("descriptors", "threads")
NONSENSE: Final = (
    b"",  # only connects
    b"GET / HTTP/1.1\r\nHost: ",  # leaves within its head
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # wants TLS
    b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    b"POST /bench/@connections/invented%3D HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi",
    b"POST /bench/@connections/invented%3D HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\nnot all of it",
)


class Soak:
    """``owner`` holds the connections; posts reach it directly and through ``other``."""

    def __init__(self, gateways: Gateways, loads: Loads, sockets: int) -> None:
        table = gateways.table()
        self.owner, self.other = (gateways.serve("soak", table) for _ in range(2))
        self._clients, self._posters = loads.at(self.owner.target), [loads.at(each.target) for each in self.nodes]
        self._sockets = sockets

    @property
    def nodes(self) -> Sequence[Gateway]:
        return (self.owner, self.other)

    def round(self) -> None:
        """Everybody comes, talks, is posted to, and goes; strangers beside them. At the end nobody is left."""
        count = self._sockets * MESSAGES
        self._clients.open(self._sockets, IN_FLIGHT)
        self._clients.echo(count, min(self._sockets, CONNECTIONS), MESSAGE)
        self._clients.received()
        for node, poster in zip(self.nodes, self._posters, strict=True):
            poster.post(count // 2, CONNECTIONS, 2, node.posts(self.owner.node, min(count, 500), self._sockets))
        self._clients.wait_for(count // 2 * 2, GONE_S)
        for node in self.nodes:
            strange(node.target.port)
        self._clients.close()
        wait_until(self._is_empty, GONE_S, "every record is gone")

    def look(self) -> Sample:
        """Memory in MB, descriptors and threads of the nodes; memory of a handler process, whose number may change."""
        found: dict[str, float] = {}
        for name, node in (("owner", self.owner), ("other", self.other)):
            (pid,) = node.workers
            found |= {f"{name}: memory, MB": rss([pid]) / 1e6}
            found |= {f"{name}: descriptors": descriptors(pid), f"{name}: threads": threads(pid)}
        handlers = handlers_of(self.owner.workers[0])
        found["handler processes: memory of one, MB"] = rss(handlers) / 1e6 / len(handlers)
        found["handler processes: descriptors"] = sum(map(descriptors, handlers)) / len(handlers)
        return found

    def _is_empty(self) -> bool:
        return not self.owner.table.ids(self.owner.node) and all(map(is_quiet, self.nodes))


def handlers_of(pid: int) -> list[int]:
    """Below a node and its guardian."""
    found = []
    for each in descendants(pid):
        with suppress(OSError):
            if b"bootstrap" in Path(f"/proc/{each}/cmdline").read_bytes():
                found.append(each)
    return found


def is_quiet(node: Gateway) -> bool:
    """The node itself says that it holds nobody."""
    url = f"http://127.0.0.1:{node.target.port}/live"
    with urllib.request.urlopen(url, timeout=GONE_S) as answer:
        return not json.load(answer)["connections"]


def strange(port: int) -> None:
    """What nobody should send, and how nobody should leave."""
    for _ in range(STRANGERS):
        for nonsense in NONSENSE:
            with socket.create_connection(("127.0.0.1", port), GONE_S) as stranger:
                stranger.sendall(nonsense)
                if nonsense.startswith(b"GET /nowhere"):
                    stranger.recv(4096)
                stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes((1, 0, 0, 0, 0, 0, 0, 0)))


def soaked(soak: Soak, seconds: float) -> tuple[list[Sample], int]:
    """What was seen after each round that counts, and how many rounds did not."""
    began = time.monotonic()
    samples: list[Sample] = []
    warm = 0
    while time.monotonic() < began + seconds or len(samples) < 2 * WINDOW:
        soak.round()
        took = time.monotonic() - began
        is_warm = warm >= WARM_ROUNDS and took > seconds * WARM
        if is_warm:
            samples.append(soak.look())
        else:
            warm += 1
        memory = soak.look()["owner: memory, MB"]
        state = "" if is_warm else ", warming up"
        print(f"{bar(min(int(took), int(seconds)), int(seconds))} s  {memory:.1f} MB{state}", file=sys.stderr)
    return samples, warm


def main() -> int:
    parser = argparse.ArgumentParser(description="Whether anything grows.")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"how long about ({SECONDS:g})")
    parser.add_argument("--sockets", type=int, default=SOCKETS, help=f"connections of a round ({SOCKETS})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was seen there too")
    asked = parser.parse_args()
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="wsfleet-soak-") as name:
        children = Children(Path(name))
        generator = compiled(ROOT / "bench", Path(platformdirs.user_cache_dir("wsfleet-bench")))
        loads = Loads(generator, scripted(ROOT / "bench"), children, Path(name))
        try:
            soak = Soak(Gateways(ROOT, Path(name), children), loads, asked.sockets)
            samples, warm = soaked(soak, min(asked.seconds, MOST_S))
        finally:
            children.sweep()
    found = growths(samples, [each for each in samples[0] if each.endswith(COUNTED)])
    lives, machine = (warm + len(samples)) * asked.sockets, this_machine(ROOT)
    print(f"\nwsfleet {machine.commit}, {machine.date}: {lives:,} connections, {2 * MESSAGES} messages and posts each;")
    print(f"{len(samples)} rounds of {asked.sockets} behind {warm} of warm-up\n")
    print(padded(HEADINGS, [each.cells for each in found]))
    if asked.json is not None:
        document = {"machine": machine.document(), "connections": lives, "warm": warm, "samples": samples}
        document["growths"] = [asdict(each) | {"is_bounded": each.is_bounded} for each in found]
        asked.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0 if all(each.is_bounded for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
