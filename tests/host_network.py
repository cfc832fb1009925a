"""Hosts of a test's own on one machine: network namespaces on one bridge, whose links can be cut and healed.

Needs root and iproute2. Names and addresses are this process's alone, and everything goes with the ``with``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from process_watch import LINUX


def hosts_possible() -> bool:
    """Whether such hosts can be made here."""
    if not LINUX or os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    probe = f"wsf{os.getpid()}probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True)
    if made.returncode == 0:
        subprocess.run(["ip", "netns", "del", probe], check=True)
    return made.returncode == 0


class Hosts:
    """``own`` is the address of this process's side of the bridge."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._tag = f"w{os.getpid() % 100_000}"
        self._net = f"10.{200 + os.getpid() % 50}.{os.getpid() // 50 % 250}"
        self._names = names
        self.own = f"{self._net}.254"

    def address(self, name: str) -> str:
        return f"{self._net}.{self._names.index(name) + 1}"

    def inside(self, name: str) -> list[str]:
        """The first words of a command line that runs there."""
        return ["ip", "netns", "exec", f"{self._tag}{name}"]

    def cut(self, one: str, other: str) -> None:
        """Nothing passes between the two any more, and nobody is told."""
        for here, there in ((one, other), (other, one)):
            _ip("-n", f"{self._tag}{here}", "route", "add", "blackhole", f"{self.address(there)}/32")

    def heal(self, one: str, other: str) -> None:
        for here, there in ((one, other), (other, one)):
            _ip("-n", f"{self._tag}{here}", "route", "del", "blackhole", f"{self.address(there)}/32")

    def make(self) -> None:
        bridge = f"{self._tag}br"
        _ip("link", "add", bridge, "type", "bridge")
        _ip("addr", "add", f"{self.own}/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        for number, name in enumerate(self._names):
            space, near, far = f"{self._tag}{name}", f"{self._tag}v{number}", f"{self._tag}p{number}"
            _ip("netns", "add", space)
            _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", space)
            _ip("link", "set", near, "master", bridge, "up")
            _ip("-n", space, "addr", "add", f"{self.address(name)}/24", "dev", far)
            _ip("-n", space, "link", "set", far, "up")
            _ip("-n", space, "link", "set", "lo", "up")

    def remove(self) -> None:
        for name in self._names:
            subprocess.run(["ip", "netns", "del", f"{self._tag}{name}"], capture_output=True)
        subprocess.run(["ip", "link", "del", f"{self._tag}br"], capture_output=True)


@contextmanager
def hosts(*names: str) -> Iterator[Hosts]:
    """So many hosts, each reaching the others and this process."""
    made = Hosts(names)
    try:
        made.make()
        yield made
    finally:
        made.remove()


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
