"""TLS for clients that read in one thread and write in another, as websockets' do."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from typing import Any

from websockets.sync.client import ClientConnection, connect

from gateway_process import DEADLINE_S


class TwoThreadedTls(ssl.SSLSocket):
    """A blocking socket whose session one thread at a time has in hand. A session of OpenSSL is not made for two at
    once, and ``ssl`` does not keep them apart in every version of Python: now and then one of them found the end of a
    connection where there was none."""

    in_hand: threading.Lock

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        while True:
            try:
                with self.in_hand:
                    return super().recv(buflen, flags)
            except ssl.SSLWantReadError:
                self._wait(select.POLLIN)

    def sendall(self, data: Any, flags: int = 0) -> None:
        left = memoryview(data)
        while left:
            try:
                with self.in_hand:
                    left = left[super().send(left, flags) :]
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT)

    def _wait(self, event: int) -> None:
        number = self.fileno()
        if number < 0:
            raise OSError("it was closed by the other thread")
        poll = select.poll()
        poll.register(number, event)
        poll.poll()

    def settimeout(self, value: float | None) -> None:
        """It waits as long as it takes."""


def secure_connect(port: int, context: ssl.SSLContext, name: str, url: str) -> ClientConnection:
    """A client that asks for ``name`` at a port of this machine, and then for ``url``, which is ``ws://``: the TLS
    below it is here. Raises what either handshake does."""
    made = socket.create_connection(("127.0.0.1", port), DEADLINE_S)
    return connect(url, sock=_wrapped(made, context, name), open_timeout=DEADLINE_S)


def _wrapped(made: socket.socket, context: ssl.SSLContext, name: str) -> TwoThreadedTls:
    context.sslsocket_class = TwoThreadedTls
    secured = context.wrap_socket(made, server_hostname=name)
    assert isinstance(secured, TwoThreadedTls)
    secured.in_hand = threading.Lock()
    secured.setblocking(False)
    return secured
