"""The hook of Node processes, judged by real ones: https, http2, fetch and sockets against a TLS server; imports."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.invoke.environment import HostRule
from gateway.tls.authority import Authority, open_authority
from handler_process import API_HOST, hook_environment, run_node
from tls_server import TlsServer, tls_server

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("state"))


@dataclass(frozen=True, slots=True)
class Led:
    server: TlsServer
    env: dict[str, str]
    cwd: Path

    def file(self, name: str, text: str) -> Path:
        path = self.cwd / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
async def led(authority: Authority, tmp_path: Path) -> AsyncIterator[Led]:
    async with tls_server(authority.server_context(suffixes=("amazonaws.com",))) as server:
        rules = [
            HostRule(API_HOST, "127.0.0.1", server.port),
            HostRule("*.execute-api.*.amazonaws.com", None),
            HostRule("*.amazonaws.com", "127.0.0.1", server.port, 1),
        ]
        # A folder with a space: NODE_OPTIONS and paths must survive it.
        folder = tmp_path / "with space"
        folder.mkdir()
        yield Led(server, hook_environment(rules, authority.bundle_path), folder)


WAYS = {
    "https.get": "require('https').get('https://HOST/prod/x', answered)",
    "https with an agent": """
const https = require('https')
https.request({ host: 'HOST', path: '/prod/x', agent: new https.Agent({ keepAlive: false }) }, answered).end()""",
    "fetch": "fetch('https://HOST/prod/x').then(r => answered({ statusCode: r.status }))",
    "tls.connect": """
const socket = require('tls').connect(443, 'HOST', { servername: 'HOST' }, () => {
  socket.write('GET /prod/x HTTP/1.1\\r\\nHost: HOST\\r\\n\\r\\n')
})
socket.once('data', d => answered({ statusCode: Number(d.toString().split(' ')[1]) }))""",
    "tls over net": """
const net = require('net').connect({ host: 'HOST', port: '443' })
const socket = require('tls').connect({ socket: net, servername: 'HOST' }, () => {
  socket.write('GET /prod/x HTTP/1.1\\r\\nHost: HOST\\r\\n\\r\\n')
})
socket.once('data', d => answered({ statusCode: Number(d.toString().split(' ')[1]) }))""",
    "new Socket": """
const net = new (require('net').Socket)()
net.connect(443, 'HOST', () => {
  const socket = require('tls').connect({ socket: net, servername: 'HOST' }, () => {
    socket.write('GET /prod/x HTTP/1.1\\r\\nHost: HOST\\r\\n\\r\\n')
  })
  socket.once('data', d => answered({ statusCode: Number(d.toString().split(' ')[1]) }))
})""",
}
ANSWERED = "function answered(r) { console.log(r.statusCode); r.resume && r.resume() }\n"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("host", [API_HOST, "sqs.us-east-1.amazonaws.com"])
async def test_every_way_to_connect_is_led(led: Led, way: str, host: str) -> None:
    ended = await run_node(led.file("a.cjs", ANSWERED + WAYS[way].replace("HOST", host)), led.env)
    assert (ended.returncode, ended.lines) == (0, ("200",))
    assert led.server.requests == [{"sni": host, "host": host, "path": "/prod/x"}]


async def test_modules_and_worker_threads_are_led(led: Led) -> None:
    file = led.file(
        "a.mjs",
        f"""
import {{ get }} from "node:https"
import {{ lookup }} from "node:dns"
import {{ Worker, isMainThread }} from "node:worker_threads"
lookup("{API_HOST}", (_, address) => console.log(address))
get("https://{API_HOST}/" + isMainThread, r => r.resume())
if (isMainThread) new Worker(new URL(import.meta.url))
""",
    )
    ended = await run_node(file, led.env)
    assert (ended.returncode, ended.lines) == (0, ("127.0.0.1", "127.0.0.1"))
    assert {request["path"] for request in led.server.requests} == {"/true", "/false"}


async def test_http2_asks_for_the_aws_name(led: Led) -> None:
    """The server speaks no HTTP/2; that it was asked for the right name over TLS is all that matters here."""
    file = led.file(
        "a.cjs",
        f"""
const session = require('http2').connect('https://{API_HOST}')
session.on('connect', () => {{ console.log(session.socket.servername, session.socket.remotePort); session.destroy() }})
session.on('error', error => {{ console.log(error.code, error.port); }})
""",
    )
    ended = await run_node(file, led.env)
    assert ended.lines[0] == f"{API_HOST} {led.server.port}" or ended.lines[0].startswith("ERR_HTTP2_ERROR"), (
        ended.lines
    )


async def test_lookups_follow_in_every_form(led: Led) -> None:
    file = led.file(
        "a.cjs",
        f"""
const dns = require('dns'), util = require('util')
const say = x => console.log(JSON.stringify(x))
async function main() {{
  dns.lookup('{API_HOST}', (error, address, family) => say([error, address, family]))
  dns.lookup('{API_HOST}', {{ all: true }}, (error, all) => say([error, all]))
  await new Promise(setImmediate)
  say(await util.promisify(dns.lookup)('{API_HOST}'))
  say(await dns.promises.lookup('{API_HOST}'))
  say(await require('dns/promises').lookup('{API_HOST}', {{ all: true }}))
  say(await dns.promises.lookup('localhost', {{ family: 4 }}))
  say(dns.lookup.name)
}}
main()
""",
    )
    ended = await run_node(file, led.env)
    place = {"address": "127.0.0.1", "family": 4}
    assert [json.loads(line) for line in ended.lines] == [
        [None, "127.0.0.1", 4], [None, [place]], place, place, [place], place, "lookup",
    ]  # fmt: skip


async def test_other_hosts_and_ports_are_untouched(led: Led) -> None:
    """A plain server on a port of its own, reached by a name that is none of ours and by one whose port is not."""
    file = led.file(
        "a.cjs",
        """
const net = require('net')
const lookup = (name, options, done) => done(null, options.all ? [{ address: '127.0.0.1', family: 4 }] : '127.0.0.1', 4)
const server = net.createServer(s => s.end('mine')).listen(0, '127.0.0.1', () => {
  const port = server.address().port
  const hosts = ['localhost', '127.0.0.1', 'db.rds.amazonaws.com', 'zz.execute-api.us-east-1.amazonaws.com']
  let left = hosts.length
  for (const host of hosts) net.connect({ host, port, lookup }).on('data', data => {
    console.log(host, data.toString())
    if (--left === 0) server.close()
  })
})
""",
    )
    ended = await run_node(file, led.env)
    assert sorted(ended.lines) == [
        "127.0.0.1 mine", "db.rds.amazonaws.com mine", "localhost mine", "zz.execute-api.us-east-1.amazonaws.com mine",
    ]  # fmt: skip


def package(folder: Path, name: str, value: str, *, type: str = "commonjs") -> None:
    root = folder / "node_modules" / name
    root.mkdir(parents=True)
    (root / "package.json").write_text(json.dumps({"name": name, "main": "i.js", "type": type}))
    text = (
        f"module.exports = {{ value: '{value}' }}" if type == "commonjs" else f"export default {{ value: '{value}' }}"
    )
    (root / "i.js").write_text(text)


def with_modules(led: Led, *folders: Path) -> dict[str, str]:
    return {**led.env, "NODE_PATH": ":".join(str(folder / "node_modules") for folder in folders)}


async def test_imports_look_into_node_path_after_the_application_s_own(led: Led, tmp_path: Path) -> None:
    first, second = tmp_path / "first one", tmp_path / "second"
    package(led.cwd, "both", "own")
    package(first, "both", "cache")
    package(first, "@scope/one", "first")
    package(second, "@scope/one", "second")
    package(second, "module-only", "module", type="module")
    file = led.file(
        "a.mjs",
        """
import { createRequire } from "node:module"
import both from "both"
import one from "@scope/one"
import only from "module-only"
const require = createRequire(import.meta.url)
console.log(both.value, one.value, only.value, require("both").value, require("@scope/one").value)
console.log((await import("@scope/one")).default.value)
for (const name of ["absent", "./absent.mjs", "#absent"]) await import(name).catch(e => console.log(e.code))
""",
    )
    ended = await run_node(file, with_modules(led, first, second))
    assert ended.lines == (
        "own first module own first", "first", "ERR_MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND",
        "ERR_PACKAGE_IMPORT_NOT_DEFINED",
    )  # fmt: skip


async def test_an_import_that_is_nowhere_fails_as_without_us(led: Led, tmp_path: Path) -> None:
    package(tmp_path, "some", "x")
    file = led.file("a.mjs", 'import "absent"')
    ended = await run_node(file, with_modules(led, tmp_path))
    assert ended.returncode == 1
    assert any(f"Cannot find package 'absent' imported from {file}" in line for line in ended.lines), ended.lines


async def test_files_of_layers_are_found_below_opt(led: Led, tmp_path: Path) -> None:
    opt = tmp_path / "layers here"
    (opt / "nodejs").mkdir(parents=True)
    (opt / "nodejs" / "util.js").write_text("exports.value = 'layer'")
    (opt / "nodejs" / "util.mjs").write_text("export const value = 'layer module'")
    file = led.file(
        "a.mjs",
        """
import { createRequire } from "node:module"
import { value } from "/opt/nodejs/util.mjs"
const require = createRequire(import.meta.url)
console.log(value, require("/opt/nodejs/util").value, (await import("file:///opt/nodejs/util.mjs")).value)
""",
    )
    ended = await run_node(file, {**led.env, "WSFLEET_OPT": str(opt)})
    assert ended.lines == ("layer module layer layer module",)


async def test_the_hook_is_silent(led: Led, tmp_path: Path) -> None:
    package(tmp_path, "some", "x")
    ended = await run_node(led.file("a.cjs", ""), {**with_modules(led, tmp_path), "WSFLEET_OPT": str(tmp_path)})
    assert (ended.returncode, ended.lines) == (0, ())
