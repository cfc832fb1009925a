"""Serves a WSGI application on threads, over connections that stay open, in plain text or TLS.

Werkzeug's own server closes the connection after every answer, which costs each AWS call a new connection, a thread and
10 ms; an SDK keeps its connections and expects the same. So requests are read and answered here: the whole body in, one
write out. Everything an emulator moves fits memory, hence no streaming.
"""

from __future__ import annotations

import io
import ssl
import sys
import traceback
from collections.abc import Callable, Iterable
from http import HTTPStatus
from socket import socket
from typing import Any, Final

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

TLS_HANDSHAKE_TIMEOUT_S: Final = 10.0  # a client that connects and says nothing must not keep a thread
_BODILESS: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
_FAILED: Final = b'{"__type":"InternalFailure","message":"the embedded AWS failed; its output says why"}'


class _Handler(MotoRequestHandler):
    """Moto's reading of a request; our reading of the body and writing of the answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer waits 40 ms for a delayed ACK otherwise

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        body = self._body(environ)
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        answer: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., Any]:
            answer[:] = [status, headers]
            return written.append

        written: list[bytes] = []
        try:
            chunks = self.server.app(environ, start_response)
            written.extend(chunks)
            getattr(chunks, "close", lambda: None)()
        except Exception:  # the one edge of a request: moto's own failure must reach its caller as an answer
            print(self._complaint(), file=sys.stderr, flush=True)
            answer, written = ["500 Internal Server Error", [("Content-Type", "application/x-amz-json-1.0")]], [_FAILED]
        self._write(answer[0], answer[1], b"".join(written))

    def _body(self, environ: Environ) -> bytes:
        if environ.get("wsgi.input_terminated"):  # chunked
            return bytes(environ["wsgi.input"].read())
        return self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))

    def _write(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        code = int(status.partition(" ")[0])
        names = {name.lower() for name, _ in headers}
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
        if "content-length" not in names and code not in _BODILESS:
            lines.append(f"Content-Length: {len(body)}")
        if "date" not in names:
            lines.append(f"Date: {self.date_time_string()}")
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self.wfile.write(head if self.command == "HEAD" or code in _BODILESS else head + body)

    def _complaint(self) -> str:
        kind, error, trace = sys.exc_info()
        where = traceback.extract_tb(trace)[-1]
        what = self.headers.get("X-Amz-Target") or f"{self.command} {self.path}"
        reason = f"{kind.__name__ if kind else ''}: {error}".rstrip(": ")
        return f"moto failed at {what}: {reason} ({where.filename}:{where.lineno})"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: what handlers ask of AWS is not this program's news."""


class KeepAliveServer(ThreadedWSGIServer):
    """One listening socket; ``tls`` None for plain HTTP. Handshakes run in the connection's own thread."""

    block_on_close = False

    def __init__(self, listener: socket, application: Application, tls: ssl.SSLContext | None) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(host, port, application, _Handler, fd=listener.fileno())
        listener.close()
        self.ssl_context = tls

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.ssl_context is None:
            super().finish_request(request, client_address)
            return
        try:
            request.settimeout(TLS_HANDSHAKE_TIMEOUT_S)
            secured = self.ssl_context.wrap_socket(request, server_side=True)
        except OSError:  # ssl.SSLError is one: a client that distrusts us or gave up
            return
        with secured:
            secured.settimeout(None)
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a client that went away is nobody's error
            super().handle_error(request, client_address)
