"""The identity of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gateway
from gateway.peers.machine import machine_identity

SAY = "from gateway.peers.machine import machine_identity; print(machine_identity())"
SOURCE = str(Path(gateway.__file__).parents[1])
UNSHARE = shutil.which("unshare")


def elsewhere(*before: str) -> subprocess.CompletedProcess[str]:
    """What another process says, started by way of ``before``."""
    command = [*before, sys.executable, "-c", SAY]
    return subprocess.run(command, env=os.environ | {"PYTHONPATH": SOURCE}, capture_output=True, text=True, timeout=30)


def proc(folder: Path, boot: str, network: str) -> Path:
    """A ``/proc`` as of another machine."""
    (folder / "sys/kernel/random").mkdir(parents=True)
    (folder / "sys/kernel/random/boot_id").write_text(boot + "\n")
    (folder / "self/ns").mkdir(parents=True)
    (folder / "self/ns/net").symlink_to(network)
    return folder


def test_every_process_of_this_machine_says_the_same() -> None:
    assert elsewhere().stdout.strip() == machine_identity()
    assert re.fullmatch("[0-9a-f]{32}", machine_identity())


@pytest.mark.skipif(UNSHARE is None, reason="no unshare on this machine")
def test_another_network_namespace_is_another_machine() -> None:
    said = elsewhere(str(UNSHARE), "--net")
    if said.returncode and "unshare failed" in said.stderr:
        pytest.skip("network namespaces need privileges here")
    assert re.fullmatch("[0-9a-f]{32}\n", said.stdout), said.stderr
    assert said.stdout.strip() != machine_identity()


def test_boots_and_namespaces_are_told_apart(tmp_path: Path) -> None:
    machines = [
        proc(tmp_path / "one", "boot-1", "net:[1]"),
        proc(tmp_path / "booted again", "boot-2", "net:[1]"),
        proc(tmp_path / "container", "boot-1", "net:[2]"),
    ]
    assert len(set(map(machine_identity, machines))) == 3
    assert machine_identity(proc(tmp_path / "same", "boot-1", "net:[1]")) == machine_identity(machines[0])


def test_without_proc_there_is_an_identity_too(tmp_path: Path) -> None:
    assert machine_identity(tmp_path) == machine_identity(tmp_path / "missing")
    assert re.fullmatch("[0-9a-f]{32}", machine_identity(tmp_path))
    assert machine_identity(tmp_path) != machine_identity()
