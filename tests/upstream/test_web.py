"""Web servers asked for real, over loopback: what leaves, byte for byte, and every way a server can fail."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import certifi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.backend import UpstreamRequest
from gateway.model.invocation import Answered, TimedOut, Unavailable
from gateway.tls.authority import Authority, open_authority
from gateway.upstream.web import STOPPING, Pool, WebServers
from web_double import OK, Answer, WebServer, web_server

WAIT_MS = 10_000
ROOTS = Path(certifi.where())


@asynccontextmanager
async def client(roots: Path = ROOTS, pool: Pool | None = None, limit: int = 1_000_000) -> AsyncIterator[WebServers]:
    made = WebServers(roots, pool, limit)
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
async def web() -> AsyncIterator[WebServers]:
    async with client() as made:
        yield made


@pytest.fixture
async def server() -> AsyncIterator[WebServer]:
    async with web_server() as made:
        yield made


def post(server: WebServer, path: str = "/", body: bytes = b"hello") -> UpstreamRequest:
    return UpstreamRequest("POST", f"{server.url}{path}", (("Content-Type", "text/plain"),), body)


# -- what leaves and what comes back -----------------------------------------------------------------------------------


async def test_a_request_is_what_was_asked_and_framing(web: WebServers, server: WebServer) -> None:
    result = await web.send(post(server, "/a%2Fb?x=1&y=%20"), WAIT_MS)
    assert result == Answered(200, (("Content-Length", "2"),), b"ok")
    (asked,) = server.asked
    assert asked.line == "POST /a%2Fb?x=1&y=%20 HTTP/1.1" and asked.body == b"hello"
    assert sorted(asked.headers) == [
        ("Content-Length", "5"), ("Content-Type", "text/plain"), ("Host", f"127.0.0.1:{server.port}")
    ]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_methods(web: WebServers, server: WebServer, method: str) -> None:
    assert isinstance(await web.send(UpstreamRequest(method, server.url), WAIT_MS), Answered)
    (asked,) = server.asked
    assert asked.line == f"{method} / HTTP/1.1" and asked.body == b""


async def test_an_answer_without_a_body(web: WebServers) -> None:
    async with web_server(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") as server:
        result = await web.send(UpstreamRequest("HEAD", server.url), WAIT_MS)
    assert result == Answered(200, (("Content-Length", "5"),))


async def test_an_answer_keeps_its_headers_order_case_and_bytes(web: WebServers) -> None:
    head = (
        b"HTTP/1.1 418 Teapot\r\nX-b: 1\r\nx-B: 2\r\nSet-Cookie: a=1\r\nX: \xe9\r\nContent-Length: 3\r\n\r\n\x00\xffx"
    )
    async with web_server(head) as server:
        result = await web.send(post(server), WAIT_MS)
    expected = (("X-b", "1"), ("x-B", "2"), ("Set-Cookie", "a=1"), ("X", "é"), ("Content-Length", "3"))
    assert result == Answered(418, expected, b"\x00\xffx")


@pytest.mark.parity("P-279")
async def test_a_redirect_is_an_answer(web: WebServers, server: WebServer) -> None:
    async with web_server(
        f"HTTP/1.1 302 Found\r\nLocation: {server.url}\r\nContent-Length: 0\r\n\r\n".encode()
    ) as first:
        result = await web.send(post(first), WAIT_MS)
    assert isinstance(result, Answered) and result.status == 302
    assert server.asked == []


async def test_cookies_are_nobodys(web: WebServers) -> None:
    async with web_server(b"HTTP/1.1 200 OK\r\nSet-Cookie: session=1\r\nContent-Length: 0\r\n\r\n") as server:
        await web.send(post(server), WAIT_MS)
        await web.send(post(server), WAIT_MS)
        assert [asked.header("Cookie") for asked in server.asked] == [None, None]


async def test_a_compressed_body_stays_compressed(web: WebServers) -> None:
    body = gzip.compress(b"hello")
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    async with web_server(head.encode() + body) as server:
        result = await web.send(post(server), WAIT_MS)
    assert isinstance(result, Answered) and result.body == body
    assert server.asked[0].header("Accept-Encoding") is None


async def test_chunks_are_one_body(web: WebServers) -> None:
    async with web_server(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
    ) as server:
        result = await web.send(post(server), WAIT_MS)
    assert isinstance(result, Answered) and result.body == b"hello"


async def test_a_body_may_end_with_the_connection(web: WebServers) -> None:
    async with web_server(b"HTTP/1.1 200 OK\r\n\r\nhello") as server:
        server.keep = False
        result = await web.send(post(server), WAIT_MS)
    assert isinstance(result, Answered) and result.body == b"hello"


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("", "POST / HTTP/1.1"),
        ("?a=b", "POST /?a=b HTTP/1.1"),
        ("/é x", "POST /%C3%A9%20x HTTP/1.1"),
        ("/a+b%20%zz/../c?d=[1]+2&%41#part", "POST /a+b%20%25zz/../c?d=%5B1%5D+2&%41 HTTP/1.1"),
    ],
)
async def test_urls_leave_as_they_are_written(web: WebServers, server: WebServer, url: str, line: str) -> None:
    assert isinstance(await web.send(UpstreamRequest("POST", f"{server.url}{url}"), WAIT_MS), Answered)
    assert server.asked[0].line == line


async def test_a_mapped_host_header_and_user_in_the_url(web: WebServers, server: WebServer) -> None:
    url = server.url.replace("://", "://user:word@")
    await web.send(UpstreamRequest("POST", url, (("Host", "tenant.example"),)), WAIT_MS)
    (asked,) = server.asked
    assert asked.header("Host") == "tenant.example" and asked.header("Authorization") == "Basic dXNlcjp3b3Jk"


# -- one request, one connection ---------------------------------------------------------------------------------------


async def test_connections_are_kept_and_used_again(web: WebServers, server: WebServer) -> None:
    for _ in range(5):
        await web.send(post(server), WAIT_MS)
    assert [asked.connection for asked in server.asked] == [1] * 5


async def test_calls_side_by_side_get_connections_of_their_own_up_to_the_limit(server: WebServer) -> None:
    server.gate = asyncio.Event()
    async with client(pool=Pool(max_connections_per_host=3)) as web:
        calls = [asyncio.ensure_future(web.send(post(server), WAIT_MS)) for _ in range(8)]
        await server.until(lambda: len(server.asked) == 3)
        assert server.connections == 3
        server.gate.set()
        assert all(isinstance(result, Answered) for result in await asyncio.gather(*calls))
    assert server.connections == 3 and len(server.asked) == 8


@pytest.mark.parity("P-280")
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_request_that_a_kept_connection_lost_is_not_repeated(web: WebServers, method: str) -> None:
    answers: list[Answer] = [OK, None]
    async with web_server(lambda _: answers.pop(0)) as server:
        await web.send(UpstreamRequest(method, server.url), WAIT_MS)
        result = await web.send(UpstreamRequest(method, server.url), WAIT_MS)
        assert result == Unavailable("it closed the connection without an answer")
        assert [asked.connection for asked in server.asked] == [1, 1]


async def test_a_connection_that_its_server_closed_meanwhile_is_not_used(web: WebServers, server: WebServer) -> None:
    server.keep = False
    for _ in range(2):
        assert isinstance(await web.send(post(server), WAIT_MS), Answered)
        await server.until(lambda: server.open_connections == 0)
        for _ in range(10):  # what the system has delivered reaches the client
            await asyncio.sleep(0)
    assert [asked.connection for asked in server.asked] == [1, 2]


async def test_nothing_is_left_open(server: WebServer) -> None:
    async with client() as web:
        await asyncio.gather(*(web.send(post(server), WAIT_MS) for _ in range(4)))
        assert server.open_connections == 4
    await server.until(lambda: server.open_connections == 0)


async def test_closing_ends_calls_and_refuses_new_ones(server: WebServer) -> None:
    server.gate = asyncio.Event()
    async with client() as web:
        call = asyncio.ensure_future(web.send(post(server), WAIT_MS))
        await server.until(lambda: server.asked)
    assert await call == STOPPING
    assert await web.send(post(server), WAIT_MS) == STOPPING


# -- deadlines and failures --------------------------------------------------------------------------------------------


async def test_a_late_answer_is_none(web: WebServers, server: WebServer) -> None:
    server.gate = asyncio.Event()
    assert await web.send(post(server), 30) == TimedOut()
    assert len(server.asked) == 1
    server.gate.set()
    assert isinstance(await web.send(post(server), WAIT_MS), Answered)
    assert server.asked[1].connection == 2, "a connection that owes an answer is not used again"


async def test_a_body_that_never_ends_is_late_too(web: WebServers) -> None:
    async with web_server(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello") as server:
        assert await web.send(post(server), 50) == TimedOut()


async def test_waiting_for_a_connection_counts(server: WebServer) -> None:
    server.gate = asyncio.Event()
    async with client(pool=Pool(max_connections_per_host=1)) as web:
        first = asyncio.ensure_future(web.send(post(server), WAIT_MS))
        await server.until(lambda: server.asked)
        assert await web.send(post(server), 30) == TimedOut()
        server.gate.set()
        await first
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "it closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", "its answer is no HTTP: "),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "its answer broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "its answer is no HTTP: "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "its answer is no HTTP: "),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000 + b"\r\n\r\n", "its answer is no HTTP: "),
        (b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 500 + b"\r\n", "its answer is no HTTP: "),
        (b"\x16\x03\x01\x00\x00", "it"),
    ],
)
async def test_what_is_no_answer(web: WebServers, answer: bytes | None, reason: str) -> None:
    async with web_server(lambda _: answer) as server:
        server.keep = False
        result = await web.send(post(server), WAIT_MS)
    assert isinstance(result, Unavailable) and result.reason.startswith(reason)
    assert "\n" not in result.reason and len(result.reason) <= 301


@pytest.mark.parametrize("framing", [b"Content-Length: 5000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n1000\r\n"])
async def test_an_answer_over_the_limit(framing: bytes) -> None:
    async with web_server(b"HTTP/1.1 200 OK\r\n" + framing + b"x" * 101) as server, client(limit=100) as web:
        assert await web.send(post(server), WAIT_MS) == Unavailable("its answer is longer than 100 bytes")
        await server.until(lambda: server.open_connections == 0)


PIECES = (
    b"HTTP/1.1 101 Up\r\nUpgrade: x\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.0 200\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: -5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Encoding: br\r\n",
    b"X: \xff\r\n",
    b" folded\r\n",
    b": x\r\n",
    b"Location: http://[\r\n",
    b"Set-Cookie: a=b; Expires=z\r\n",
    b"\r\n",
    b"\0",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"ffffffffffffffffff\r\n",
    b"hello",
)


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=5).map(b"".join), min_size=1, max_size=20))
@settings(max_examples=10, deadline=None)
def test_whatever_a_server_says_is_a_result(answers: list[bytes]) -> None:
    async def ask() -> None:
        pending = [b"HTTP/1.1 200 OK\r\n" + answer for answer in answers]
        async with web_server(lambda _: pending.pop()) as server, client() as web:
            server.keep = False
            for _ in answers:
                result = await web.send(post(server), 100)
                assert isinstance(result, Answered | Unavailable | TimedOut)

    asyncio.run(ask())


async def test_an_answer_at_the_limit() -> None:
    async with (
        web_server(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100) as server,
        client(limit=100) as web,
    ):
        result = await web.send(post(server), WAIT_MS)
    assert isinstance(result, Answered) and len(result.body) == 100


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://nobody.invalid/", "the host name nobody.invalid cannot be resolved"),
        ("http://127.0.0.1:1/", "127.0.0.1:1 cannot be reached: Connection refused"),
        ("ftp://127.0.0.1/", "'ftp://127.0.0.1/' is no http:// or https:// URL"),
        ("/relative?secret=1", "'/relative' is no http:// or https:// URL"),
        ("http://", "'http://' is no http:// or https:// URL"),
        ("http://[::1/", "Invalid IPv6 URL"),
        ("http://127.0.0.1:99999/", "Port out of range 0-65535"),
        ("http://a..b/", "encoding with 'idna' codec failed"),
        ("http://127.0.0.1/a\r\nX: y", "the URL has a line break or control character in it"),
    ],
)
async def test_who_cannot_be_asked(web: WebServers, url: str, reason: str) -> None:
    result = await web.send(UpstreamRequest("GET", url), WAIT_MS)
    assert isinstance(result, Unavailable) and result.reason.startswith(reason)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ((("X", "a\r\nY: b"),), "the value of header X has a line break or control character in it"),
        ((("X", "a\x00"),), "the value of header X has a line break or control character in it"),
        ((("X: y\r\nZ", "a"),), "'X: y\\r\\nZ' is no header name"),
        ((("", "a"),), "'' is no header name"),
    ],
)
async def test_no_header_becomes_two(
    web: WebServers, server: WebServer, headers: tuple[tuple[str, str], ...], reason: str
) -> None:
    assert await web.send(UpstreamRequest("POST", server.url, headers), WAIT_MS) == Unavailable(reason)
    assert server.connections == 0


# -- TLS ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("tls"), ("upstream.example",))


def secure(server: WebServer, server_name: str | None = None) -> UpstreamRequest:
    return UpstreamRequest("GET", f"https://127.0.0.1:{server.port}/", server_name=server_name)


async def test_a_certificate_of_a_trusted_authority(authority: Authority) -> None:
    async with web_server(context=authority.server_context()) as server, client(authority.bundle_path) as web:
        assert isinstance(await web.send(secure(server), WAIT_MS), Answered)


@pytest.mark.parity("P-281")
async def test_a_certificate_of_a_strange_authority(authority: Authority) -> None:
    async with web_server(context=authority.server_context()) as server, client() as web:
        result = await web.send(secure(server), WAIT_MS)
    assert isinstance(result, Unavailable)
    assert result.reason.startswith(
        f"the certificate of 127.0.0.1:{server.port} cannot be trusted: unable to get local"
    )
    assert server.asked == []


@pytest.mark.parity("P-252")
async def test_the_name_to_verify(authority: Authority) -> None:
    context = authority.server_context(("upstream.example",))
    async with web_server(context=context) as server, client(authority.bundle_path) as web:
        assert isinstance(await web.send(secure(server, "upstream.example"), WAIT_MS), Answered)
        other = await web.send(secure(server, "another.example"), WAIT_MS)
    assert isinstance(other, Unavailable) and "Hostname mismatch" in other.reason
    assert len(server.asked) == 1


async def test_no_tls_where_it_was_asked_for(web: WebServers) -> None:
    async def speak_http(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(speak_http, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        result = await web.send(UpstreamRequest("GET", f"https://127.0.0.1:{port}/"), WAIT_MS)
    assert isinstance(result, Unavailable) and result.reason.startswith(f"no TLS with 127.0.0.1:{port}: ")
