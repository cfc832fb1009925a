from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from gateway.processes.far_end import belongs_to

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")

CONNECTS = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1]))).recv(1)"


def test_whose_connection_it_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        port = str(listener.getsockname()[1])
        idle = subprocess.Popen([sys.executable, "-I", "-c", "input()"], stdin=subprocess.PIPE)
        shell = f'"{sys.executable}" -I -c "{CONNECTS}" {port}; true'
        with idle, subprocess.Popen(["/bin/sh", "-c", shell]) as parent:
            accepted, far = listener.accept()
            with accepted:
                near = accepted.getsockname()
                assert belongs_to(parent.pid, near, far)  # a child of it holds the socket
                assert belongs_to(os.getpid(), near, far)  # and so do we, further above
                assert not belongs_to(idle.pid, near, far)
                assert not belongs_to(parent.pid, far, near)  # the near end is ours
            idle.communicate(b"\n")


def test_a_connection_that_has_gone_is_nobodys() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, far = listener.accept()
        near = accepted.getsockname()
        assert belongs_to(os.getpid(), near, far)
        accepted.close()
        client.close()
        assert not belongs_to(os.getpid(), near, far)
