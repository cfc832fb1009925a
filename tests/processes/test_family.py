from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gateway.processes.family import descendants

# A thread starts the child, which starts another; both pids are printed.
FAMILY = """
import subprocess, threading
def start():
    global child
    child = subprocess.Popen(["sh", "-c", "sleep 600 & echo $! $$; wait"])
thread = threading.Thread(target=start)
thread.start()
input()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="children are listed from /proc")
def test_children_of_every_thread_and_theirs_are_found() -> None:
    argv = [sys.executable, "-I", "-c", FAMILY]
    with subprocess.Popen(
        argv, start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        started = {int(pid) for pid in parent.stdout.readline().split()}
        assert set(descendants(parent.pid)) == started
        os.killpg(parent.pid, 9)
    assert descendants(parent.pid) == ()
