"""A DynamoDB that answers exactly what the test says, over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gateway.model.aws import AwsEndpoint

Answer = tuple[int, dict[str, Any]]
DONE: Answer = (200, {})


class ScriptedDynamoDb(ThreadingHTTPServer):
    """Answers each operation with the next of its answers; the last one repeats. ``None`` is no answer: the call hangs
    until the script is over. ``asked`` is what came, with its operation; ``came`` is released for each."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, answers: Mapping[str, Sequence[Answer | None]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = {operation: list(each) for operation, each in answers.items()}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.came = threading.Semaphore(0)
        self.over = threading.Event()

    @property
    def endpoint(self) -> AwsEndpoint:
        return AwsEndpoint(f"http://127.0.0.1:{self.server_port}", "eu-central-1")


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedDynamoDb
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        self.server.asked.append((operation, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self.server.came.release()
        answers = self.server.answers[operation]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer is None:
            self.server.over.wait()
            self.close_connection = True
            return
        status, document = answer
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def scripted(**answers: Sequence[Answer | None]) -> Iterator[ScriptedDynamoDb]:
    """One that runs inside the block."""
    with ScriptedDynamoDb(answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


def failure(code: str, status: int = 400) -> Answer:
    """An error as DynamoDB tells it."""
    return status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "as the test says"}
