"""A moto server for tests: one process per test process, started when the first test asks for it.

Use it as a fixture by importing it into a test module (``from moto_server import moto_url``), or as a context manager.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

START_DEADLINE_S = 30.0

_PROGRAM = """
import json, logging, threading
from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server
logging.getLogger("werkzeug").disabled = True
MotoRequestHandler.disable_nagle_algorithm = True
def create(service):
    app = create_backend_app(service)
    if service == "dynamodb":  # moto checks a condition and writes in two steps
        inner, lock = app.wsgi_app, threading.Lock()
        def one_at_a_time(environ, start_response):
            with lock:
                return list(inner(environ, start_response))
        app.wsgi_app = one_at_a_time
    return app
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create), threaded=True,
                     request_handler=MotoRequestHandler)
print(json.dumps({"port": server.port}), flush=True)
server.serve_forever()
"""


@dataclass(frozen=True, slots=True)
class Moto:
    """A moto server of one's own, which may be stopped and continued by its ``pid``."""

    url: str
    pid: int


@contextmanager
def moto_server(host: str = "127.0.0.1", prefix: Sequence[str] = ()) -> Iterator[Moto]:
    """Gone afterwards. ``prefix`` are the first words of its command line, to start it in a network namespace."""
    program = _PROGRAM.replace("127.0.0.1", host)
    process = subprocess.Popen(
        [*prefix, sys.executable, "-P", "-c", program], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    try:
        yield Moto(f"http://{host}:{_port(process)}", process.pid)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _port(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_DEADLINE_S)
    line = process.stdout.readline() if ready else b""
    assert line, f"moto did not start (exit status {process.poll()})"
    return int(json.loads(line)["port"])


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """The URL of the moto server all tests of this process share: name your tables so that they do not meet."""
    with moto_server() as moto:
        yield moto.url
