from __future__ import annotations

import os
import socket

import pytest

from gateway.server.carrier import PLAIN, READ_BYTES


def test_a_plain_descriptor_carries_the_bytes_as_they_are() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        fd = PLAIN.admit(ours)
        assert ours.fileno() == -1, "it is the carrier's now"
        assert PLAIN.send(fd, b"out") == 3
        assert theirs.recv(100) == b"out"
        theirs.send(b"x" * (READ_BYTES + 1))
        assert (len(PLAIN.receive(fd)), PLAIN.receive(fd)) == (READ_BYTES, b"x")
        PLAIN.part(fd)
        PLAIN.discard(fd)
        assert theirs.recv(100) == b""
        with pytest.raises(OSError, match="descriptor"):
            os.fstat(fd)
