"""A small real server that answers PostToConnection as AWS does: 200 with an empty body, or 410 for what is gone; and,
where it ``is_fleet``, a batch post as wsfleet does.

It listens on the loopback with TLS, so that a handler reaches it the way it reaches AWS: by ``https://``, the event's
``domainName`` and stage. Give handlers ``domain_name`` in their events and ``ca_file`` as ``AWS_CA_BUNDLE``.
"""

from __future__ import annotations

import json
import ssl
import threading
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, cast
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

STAGE = "dev"
TIMEOUT_S = 10.0


class ConnectionsDouble:
    """``posted`` holds (connection ID, text) in order of arrival; IDs put into ``gone`` answer 410. After
    ``refused_after`` requests whoever calls is answered with ``refusal`` (status, error type, body), None: nobody is.
    ``no_such_path`` is what a path that there is not is answered with."""

    def __init__(self, folder: Path) -> None:
        self.posted: list[tuple[str, str]] = []
        self.gone: set[str] = set()
        self.is_fleet = False
        self.refusal: tuple[int, str | None, bytes] | None = None
        self.refused_after = 0
        self.no_such_path: tuple[int, str | None, bytes] = (403, "ForbiddenException", b'{"message":"Forbidden"}')
        self.requests = 0
        self.ca_file = folder / "localhost.pem"
        self.ca_file.write_bytes(_self_signed())
        self._server = _Server(self, self.ca_file)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def domain_name(self) -> str:
        return f"localhost:{self._server.server_address[1]}"

    def __enter__(self) -> ConnectionsDouble:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join(TIMEOUT_S)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a client's kept-alive connection must not hold up the end of a test

    def __init__(self, double: ConnectionsDouble, certificate: Path) -> None:
        self.double = double
        super().__init__(("127.0.0.1", 0), _Answer)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        self.socket = tls.wrap_socket(self.socket, server_side=True)


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = TIMEOUT_S

    def do_POST(self) -> None:
        double = cast(_Server, self.server).double
        body = self.rfile.read(int(self.headers["Content-Length"]))
        prefix, _, connection_id = unquote(self.path).rpartition("/")
        double.requests += 1
        is_batch = double.is_fleet and unquote(self.path) == f"/{STAGE}/@fleet/post"
        if not is_batch and prefix != f"/{STAGE}/@connections":
            self._answer(*double.no_such_path)  # before anything else, on AWS and on a fleet
        elif double.refusal is not None and double.requests > double.refused_after:
            self._answer(*double.refusal)
        elif is_batch:
            self._post_to_many(json.loads(body))
        elif connection_id in double.gone:
            self._answer(410, "GoneException")
        else:
            double.posted.append((connection_id, body.decode()))
            self._answer(200)

    def _post_to_many(self, document: dict[str, Any]) -> None:
        double = cast(_Server, self.server).double
        text = b64decode(document["dataBase64"]).decode()
        outcomes = {each: "gone" if each in double.gone else "sent" for each in document["connectionIds"]}
        double.posted += [(each, text) for each, outcome in outcomes.items() if outcome == "sent"]
        self._answer(200, body=json.dumps({"outcomes": outcomes}).encode())

    def _answer(self, status: int, error: str | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", "1658010f-1c1a-4bcd-8f17-7225dcf0a545")
        if error is not None:
            self.send_header("x-amzn-ErrorType", error)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _self_signed() -> bytes:
    """A certificate for localhost that is its own authority, and its key, as one PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM) + pem
