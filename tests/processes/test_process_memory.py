from __future__ import annotations

import subprocess
import sys

import pytest

from gateway.processes.process_memory import ProcessMemory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")

MIB = 1 << 20
# Fills memory of its own, then maps shared memory of the same size, then has a child fill its own.
HOLDER = """
import mmap, os, subprocess, sys
size = int(sys.argv[1])
print("bare", flush=True); input()
private = os.urandom(4096) * (size // 4096)
print("private", flush=True); input()
shared = mmap.mmap(-1, size); shared.write(private)
print("shared", flush=True); input()
if len(sys.argv) > 2:
    subprocess.run([sys.executable, "-I", "-c", sys.argv[2]])
"""
CHILD = f"private = bytearray({64 * MIB}); private[:] = b'x' * len(private); print('child', flush=True); input()"


def test_private_pages_are_counted_and_those_of_children() -> None:
    argv = [sys.executable, "-I", "-c", HOLDER, str(64 * MIB), CHILD]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None

        def held_after(step: str) -> int:
            """In MiB, once the process has said that it is there."""
            assert process.stdin is not None and process.stdout is not None
            assert process.stdout.readline() == f"{step}\n"
            memory = ProcessMemory(process.pid)
            held = memory.held_bytes() // MIB
            memory.close()
            return held

        def go_on() -> None:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()

        bare = held_after("bare")
        go_on()
        assert 60 <= held_after("private") - bare <= 70
        go_on()
        assert 60 <= held_after("shared") - bare <= 70
        go_on()
        assert 124 <= held_after("child") - bare <= 150
        process.communicate("\n")


def test_a_process_that_has_ended_holds_nothing() -> None:
    with subprocess.Popen([sys.executable, "-I", "-c", "input()"], stdin=subprocess.PIPE) as process:
        memory = ProcessMemory(process.pid)
        assert memory.held_bytes() > 0
        process.communicate(b"\n")
    assert memory.held_bytes() == 0
    memory.close()
    with pytest.raises(OSError):
        ProcessMemory(process.pid)
