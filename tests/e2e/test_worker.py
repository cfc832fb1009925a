"""The example of an HTTP backend, examples/worker: its template with the Worker itself, and with a plain web server.

Both backends print a line for each request, so that what a conversation costs can be counted.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from gateway_process import DEADLINE_S, RUNNING, GatewayProcess, Transcript, run_node, until

pytestmark = pytest.mark.xdist_group("worker")

PROJECT = Path(__file__).parent.parent.parent
EXAMPLE = PROJECT / "examples" / "worker"
INSTALLED = PROJECT / ".build" / "worker"
SECRET = "a-secret"
INSTALL_S = 300.0
NPM = shutil.which("npm")
KEYS = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}


class PlainServer:
    """The Worker's part played by an aiohttp server and boto3, in a thread with a loop of its own."""

    def __init__(self, listening: socket.socket, management_url: str) -> None:
        self.lines: list[str] = []
        self._listening = listening
        self._api: Any = boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=management_url,
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()))
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(DEADLINE_S)
        self._loop.close()
        self._api.close()

    async def _serve(self) -> None:
        application = web.Application()
        application.router.add_post("/", self._answer)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.SockSite(runner, self._listening).start()
        await self._stop.wait()
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        if request.headers.get("X-Worker-Secret") != SECRET:
            return web.Response(status=403)
        event, connection_id = request.headers["X-Event-Type"], request.headers["X-Connection-Id"]
        self.lines.append(f"{event} {connection_id}")
        if event == "CONNECT" and "name" not in request.query:
            return web.Response(status=401, text="who are you? connect with ?name=")
        if event == "MESSAGE":
            return await self._message(connection_id, request.headers["X-Route-Key"], await request.text())
        return web.Response()

    async def _message(self, sender: str, route: str, text: str) -> web.Response:
        if route == "whoami":
            return web.Response(text=json.dumps({"you": sender}))
        document: Any = {}
        with suppress(ValueError):
            document = json.loads(text)
        if "to" not in document:
            await asyncio.to_thread(self._post, sender, {"echo": text})
        elif not await asyncio.to_thread(self._post, document["to"], {"from": sender, "text": document["text"]}):
            await asyncio.to_thread(self._post, sender, {"gone": document["to"]})
        return web.Response()

    def _post(self, connection_id: str, document: dict[str, str]) -> bool:
        try:
            self._api.post_to_connection(ConnectionId=connection_id, Data=json.dumps(document))
        except self._api.exceptions.GoneException:
            return False
        return True


class Worker:
    """The example as Cloudflare's runtime runs it."""

    def __init__(self, listening: socket.socket, management_url: str, modules: Path) -> None:
        listening.set_inheritable(True)
        self._process = subprocess.Popen(
            [
                modules / ".bin" / "workerd", "serve", EXAMPLE / "workerd.capnp", "--verbose",
                f"--socket-fd=http={listening.fileno()}",
            ],
            env={**os.environ, **KEYS, "MANAGEMENT_URL": management_url, "WORKER_SECRET": SECRET},
            pass_fds=[listening.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert self._process.stdout is not None
        self._output = Transcript(self._process.stdout)

    @property
    def lines(self) -> list[str]:
        events = ("CONNECT ", "MESSAGE ", "DISCONNECT ")
        return [line for line in self._output.text.splitlines() if line.startswith(events)]

    def close(self) -> None:
        self._process.kill()
        self._process.wait(DEADLINE_S)
        self._output.close()


def modules() -> Path:
    """workerd in the build folder, installed once with the user's own npm."""
    if NPM is None:
        pytest.skip("no npm on this machine")
    manifest = (EXAMPLE / "package.json").read_text(encoding="utf-8")
    kept = INSTALLED / "package.json"
    if not (INSTALLED / "installed").exists() or kept.read_text(encoding="utf-8") != manifest:
        INSTALLED.mkdir(parents=True, exist_ok=True)
        kept.write_text(manifest, encoding="utf-8")
        options = ["--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error", "--fetch-retries=0"]
        ended = subprocess.run(
            [NPM, "install", *options], cwd=INSTALLED, capture_output=True, text=True, timeout=INSTALL_S
        )
        if ended.returncode != 0:
            pytest.skip(f"npm cannot install workerd: {ended.stderr[-300:]}")
        (INSTALLED / "installed").touch()
    return INSTALLED / "node_modules"


@contextmanager
def serving(folder: Path, worker_url: str) -> Iterator[GatewayProcess]:
    """The example's template over a backend at ``worker_url``; stopped, and nothing of it left behind."""
    shutil.copytree(EXAMPLE, folder / "worker", ignore=shutil.ignore_patterns("node_modules"))
    overrides = ("--parameter-overrides", f"WorkerUrl={worker_url}", f"WorkerSecret={SECRET}")
    gateway = GatewayProcess(["template.yaml", *overrides], folder / "worker", folder / "state")
    RUNNING.append(gateway)
    try:
        gateway.wait_ready()
        yield gateway
        gateway.stop()
    finally:
        gateway.close()
        RUNNING.remove(gateway)


Backend = PlainServer | Worker


@pytest.fixture(params=["plain", "worker"])
def relay(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[GatewayProcess, Backend]]:
    """A gateway and its backend, which listens before either is started."""
    installed = modules() if request.param == "worker" else None
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        with serving(tmp_path, url) as gateway:
            backend: Backend
            if installed is None:
                backend = PlainServer(listening.dup(), gateway.ready.management_url)
            else:
                backend = Worker(listening, gateway.ready.management_url, installed)
            try:
                yield gateway, backend
            finally:
                backend.close()


def heard(client: ClientConnection) -> Any:
    return json.loads(client.recv(timeout=DEADLINE_S))


def test_a_conversation(relay: tuple[GatewayProcess, Backend]) -> None:
    gateway, backend = relay
    url = gateway.ready.websocket_url
    with pytest.raises(InvalidStatus) as refused:
        connect(url, open_timeout=DEADLINE_S)
    assert (refused.value.response.status_code, refused.value.response.body) == (
        401, b"who are you? connect with ?name="
    )  # fmt: skip
    expected = [f"CONNECT {backend.lines[0].split()[1]}"]
    with connect(f"{url}?name=ada", open_timeout=DEADLINE_S) as ada:
        ada.send('{"action": "whoami"}')
        me = heard(ada)["you"]
        ada.send("grüße")
        assert heard(ada) == {"echo": "grüße"}
        with connect(f"{url}?name=bob", open_timeout=DEADLINE_S) as bob:
            bob.send('{"action": "whoami"}')
            you = heard(bob)["you"]
            ada.send(json.dumps({"to": you, "text": "hello"}))
            assert heard(bob) == {"from": me, "text": "hello"}
        gateway.output.shows(rf"disconnect +{you} ")
        ada.send(json.dumps({"to": you, "text": "still there?"}))
        assert heard(ada) == {"gone": you}
    gateway.output.shows(rf"disconnect +{me} ")
    expected += [f"CONNECT {me}", f"MESSAGE {me}", f"MESSAGE {me}", f"CONNECT {you}", f"MESSAGE {you}", f"MESSAGE {me}"]
    expected += [f"DISCONNECT {you}", f"MESSAGE {me}", f"DISCONNECT {me}"]
    until(lambda: len(backend.lines) >= len(expected), "the backend heard of everything")
    assert sorted(backend.lines) == sorted(expected), "one request for each event"


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")
def test_the_signer_agrees_with_the_sdk(tmp_path: Path) -> None:
    url = "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/dev/@connections/L0SM9cOFvHcCIhw%3D"
    script = f"""
import({json.dumps((EXAMPLE / "sign.js").as_uri())}).then(async ({{ signed }}) => {{
  const keys = {{ accessKeyId: "AKIA", secretAccessKey: "secret", region: "eu-west-1" }};
  const request = await signed("POST", {json.dumps(url)}, "grüße", keys, new Date("2026-11-23T12:00:00Z"));
  console.log(JSON.stringify([request.url, request.headers.get("x-amz-date"), request.headers.get("authorization")]));
}});
"""
    asked, date, authorization = json.loads(run_node(script, tmp_path, {}))
    assert (asked, date) == (url, "20261123T120000Z")
    request = AWSRequest("POST", url, {"x-amz-date": date}, "grüße".encode())
    request.context["timestamp"] = date
    signer = SigV4Auth(Credentials("AKIA", "secret"), "execute-api", "eu-west-1")
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    assert authorization == (
        "AWS4-HMAC-SHA256 Credential=AKIA/20261123/eu-west-1/execute-api/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={signature}"
    )
