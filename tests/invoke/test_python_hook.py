"""The hook of Python processes, judged by real ones: standard library, asyncio and boto3 against a TLS server."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.invoke.environment import HostRule
from gateway.invoke.hooks.sitecustomize import _Hosts, _matches
from gateway.tls.authority import Authority, open_authority
from handler_process import API_HOST, hook_environment, run_python
from tls_server import TlsServer, tls_server

ELSEWHERE = "zzzzzzzzzz.execute-api.us-east-1.amazonaws.com"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("state"))


@dataclass(frozen=True, slots=True)
class Led:
    server: TlsServer
    env: dict[str, str]
    cwd: Path


@pytest.fixture
async def led(authority: Authority, tmp_path: Path) -> AsyncIterator[Led]:
    async with tls_server(authority.server_context(suffixes=("amazonaws.com", "amazonaws.com.cn"))) as server:
        rules = [
            HostRule(API_HOST, "127.0.0.1", server.port),
            HostRule("*.execute-api.*.amazonaws.com", None),
            HostRule("*.amazonaws.com.cn", "127.0.0.1", server.port),
            HostRule("*.amazonaws.com", "127.0.0.1", server.port, 1),
        ]
        yield Led(server, hook_environment(rules, authority.bundle_path), tmp_path)


WAYS = {
    "urllib": "import urllib.request; urllib.request.urlopen('https://HOST/prod/x', timeout=20).read()",
    "http.client": """
import http.client
connection = http.client.HTTPSConnection('HOST', timeout=20)
connection.request('GET', '/prod/x')
assert connection.getresponse().status == 200
connection.close()
""",
    "urllib3": """
import os, urllib3
with urllib3.PoolManager(ca_certs=os.environ['SSL_CERT_FILE']) as pool:
    assert pool.request('GET', 'https://HOST/prod/x').status == 200
""",
    "asyncio": """
import asyncio, ssl
async def main():
    reader, writer = await asyncio.open_connection('HOST', 443, ssl=ssl.create_default_context())
    writer.write(b'GET /prod/x HTTP/1.1\\r\\nHost: HOST\\r\\n\\r\\n')
    assert (await reader.readline()).startswith(b'HTTP/1.1 200')
    writer.close()
asyncio.run(main())
""",
    "aiohttp": """
import aiohttp, asyncio
async def main():
    async with aiohttp.ClientSession() as session, session.get('https://HOST/prod/x') as response:
        assert response.status == 200
asyncio.run(main())
""",
    "socket.connect": """
import socket, ssl
with ssl.create_default_context().wrap_socket(socket.socket(), server_hostname='HOST') as sock:
    sock.connect(('HOST', 443))
    sock.sendall(b'GET /prod/x HTTP/1.1\\r\\nHost: HOST\\r\\n\\r\\n')
    assert sock.recv(12) == b'HTTP/1.1 200'
""",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("host", [API_HOST, "sqs.cn-north-1.amazonaws.com.cn"])
async def test_every_way_to_connect_is_led(led: Led, way: str, host: str) -> None:
    ended = await run_python(WAYS[way].replace("HOST", host), led.env, led.cwd)
    assert ended.is_success, ended.lines
    assert led.server.requests == [{"sni": host, "host": host, "path": "/prod/x"}]


async def test_boto3_reaches_hosts_written_into_the_code(led: Led) -> None:
    code = f"""
import boto3
client = boto3.client('apigatewaymanagementapi', endpoint_url='https://{API_HOST}/prod')
client.post_to_connection(ConnectionId='a=', Data=b'x')
client.close()
sqs = boto3.client('sqs')
sqs.list_queues()
sqs.close()
"""
    ended = await run_python(code, led.env, led.cwd)
    assert ended.is_success, ended.lines
    sqs = "sqs.us-east-1.amazonaws.com"
    assert led.server.requests == [
        {"sni": API_HOST, "host": API_HOST, "path": "/prod/@connections/a%3D"},
        {"sni": sqs, "host": sqs, "path": "/"},
    ]


async def test_name_lookups_follow(led: Led) -> None:
    code = f"""
import socket
assert socket.gethostbyname('{API_HOST}') == '127.0.0.1'
assert socket.gethostbyname_ex('{API_HOST}')[2] == ['127.0.0.1']
assert socket.getaddrinfo('{API_HOST}', None)[0][4] == ('127.0.0.1', 0)
assert socket.gethostbyname('localhost') == '127.0.0.1'
"""
    ended = await run_python(code, led.env, led.cwd)
    assert ended.is_success, ended.lines


RULES = _Hosts(
    [
        [API_HOST, "127.0.0.1", 8443, None],
        ["*.execute-api.*.amazonaws.com", None, 0, None],
        ["*.amazonaws.com", "127.0.0.2", 8444, 8080],
    ]
)


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        (API_HOST, 443, ("127.0.0.1", 8443)),
        (API_HOST.upper() + ".", "https", ("127.0.0.1", 8443)),
        (API_HOST.encode(), b"443", ("127.0.0.1", 8443)),
        (API_HOST, None, ("127.0.0.1", None)),
        (API_HOST, 80, None),
        (API_HOST, 5432, None),
        (ELSEWHERE, 443, None),
        ("sqs.us-east-1.amazonaws.com", 443, ("127.0.0.2", 8444)),
        ("sqs.us-east-1.amazonaws.com", "http", ("127.0.0.2", 8080)),
        ("db.rds.amazonaws.com", 5432, None),
        ("amazonaws.com", 443, None),
        ("sqs.us-east-1.amazonaws.com.example.com", 443, None),
        ("localhost", 443, None),
        ("", 443, None),
        (None, 443, None),
    ],
)
def test_names_and_ports(host: object, port: object, expected: object) -> None:
    assert RULES.lead(host, port) == expected


@pytest.mark.parametrize("address", ["/run/x.sock", b"\0abstract", ("::1", 443, 0, 0), ("127.0.0.1", 443), 7, None])
def test_other_addresses_stay_what_they_are(address: object) -> None:
    assert RULES.lead_address(address) is address


def test_names_are_remembered_but_not_for_ever() -> None:
    hosts = _Hosts([["*.com", "127.0.0.1", 1, None]])
    for number in range(3000):
        assert hosts.lead(f"{number}.com", 443) == ("127.0.0.1", 1)
    assert len(hosts._known) <= 1024


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("a.com", "a.com", True),
        ("a.com", "ba.com", False),
        ("*.a.com", "b.a.com", True),
        ("*.a.com", "c.b.a.com", True),
        ("*.a.com", "a.com", False),
        ("x.*.a.com", "x.y.a.com", True),
        ("x.*.a.com", "y.x.a.com", False),
        ("*.e.*.a.com", "i.e.r.a.com", True),
        ("*.e.*.a.com", "i.e.a.com", False),
        ("a*a", "a", False),
        ("*", "anything", True),
    ],
)
def test_patterns(pattern: str, name: str, expected: bool) -> None:
    assert _matches(pattern, name) is expected


async def test_an_application_s_own_sitecustomize_runs(led: Led) -> None:
    (led.cwd / "sitecustomize.py").write_text("import builtins; builtins.mine = __name__, __file__\n")
    env = {**led.env, "PYTHONPATH": f"{led.env['PYTHONPATH']}:{led.cwd}"}
    code = """
import json, sitecustomize, sys
print(json.dumps([mine, sitecustomize.__file__, [p for p in sys.path if p.endswith('hooks')]]))
"""
    ended = await run_python(code, env, led.cwd)
    own = str(led.cwd / "sitecustomize.py")
    assert json.loads(ended.lines[-1]) == [["sitecustomize", own], own, []]


async def test_without_hosts_nothing_is_touched(led: Led) -> None:
    env = {key: value for key, value in led.env.items() if key != "WSFLEET_HOSTS"}
    code = "import socket, sys; assert socket.getaddrinfo.__module__ == 'socket' and 'json' not in sys.modules"
    ended = await run_python(code, env, led.cwd)
    assert ended.is_success, ended.lines


def test_this_process_is_left_alone() -> None:
    assert socket.getaddrinfo.__name__ == "getaddrinfo"
