"""The embedded AWS as a program: moto, served on loopback by threads of one process.

    python -m gateway.emulation.server [--port N] [--certificate FILE [--key FILE] [--tls-port N]] [--account-id N]
                                       [--certificate-later] [--lambda-url URL] [--management-url URL]

Plain HTTP on one port and, given a certificate, TLS on another; both show the same state. Port 0 lets the system
choose. When both serve, one line of JSON on stdout says where: ``{"port": 40123, "tls_port": 40124}`` (null without
TLS). It ends only by a signal, or with status 2 when a port or the certificate cannot be used.
"""

from __future__ import annotations

import json
import os
import signal
import ssl
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from socket import create_server
from typing import Final

from gateway.emulation.dispatch import Dispatcher
from gateway.emulation.keep_alive import KeepAliveServer
from gateway.emulation.options import LOOPBACK, TOLD, EmbeddedOptions, parse
from gateway.emulation.surroundings import Surroundings

BACKLOG: Final = 128


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until killed."""
    options = parse(argv)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # end like any other process, without a traceback
    os.environ["MOTO_ACCOUNT_ID"] = options.account_id
    os.environ["MOTO_ALLOW_NONEXISTENT_REGION"] = "true"  # a region newer than moto is no reason to fail
    try:
        servers = _servers(options)
    except OSError as error:  # ssl.SSLError is one
        print(f"the embedded AWS cannot serve: {error}", file=sys.stderr)
        sys.exit(2)
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    ports = [server.port for server in servers]
    print(json.dumps({"port": ports[0], "tls_port": ports[1] if len(ports) > 1 else None}), flush=True)
    for thread in threads:
        thread.join()


def _servers(options: EmbeddedOptions) -> list[KeepAliveServer]:
    certificate = _told() if options.certificate_later else options.certificate
    tls = None if certificate is None else _tls(certificate, options.key)
    plain = create_server((LOOPBACK, options.port), backlog=BACKLOG)
    own_url = f"http://{LOOPBACK}:{plain.getsockname()[1]}"
    application = Dispatcher(Surroundings(own_url, options.lambda_url, options.management_url))
    threading.Thread(target=application.load, args=("dynamodb",), daemon=True).start()  # a gateway's first request
    servers = [KeepAliveServer(plain, application, None)]
    if tls is not None:
        listener = create_server((LOOPBACK, options.tls_port), backlog=BACKLOG)
        servers.append(KeepAliveServer(listener, application, tls))
    return servers


def _told() -> Path:
    """The certificate's path, from whoever started this process; waited for. Who is told nothing is wanted by nobody
    any more, and ends."""
    with open(int(os.environ[TOLD]), encoding="utf-8") as told:
        path = told.readline().rstrip("\n")
    if not path:
        sys.exit(0)
    return Path(path)


def _tls(certificate: Path, key: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key)
    return context


if __name__ == "__main__":
    main()
