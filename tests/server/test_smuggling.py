"""Requests that two readers could take for different ones: refused, or answered alike, whichever of ours reads them.

The parked shell's own reader, the asyncio shell's and aiohttp get each as the first of a connection and behind another,
at once and in pieces. Behind each stands a good request: whoever counts wrongly takes it for something else, or part of
the one before for a request.
"""

from __future__ import annotations

import re

import pytest

from gateway.calls import Outside
from gateway.crowds import Crowds
from gateway.management import IdCheck, ManagementApi
from gateway.model.http import HttpResponse
from gateway.model.limits import AWS
from gateway.node import Node
from gateway.reach import LocalReach
from gateway.registry.memory import MemoryRegistry
from node_doubles import (
    KEY,
    OK,
    CountingIds,
    FakeSocket,
    ManualClock,
    RecordingReporter,
    ScriptedFunctions,
    alone,
    backends,
)
from raw_client import HANDSHAKE, RawClient, raw_client
from sample_definitions import directory, handshake, route
from server_fakes import Served, serving, until

TARGET = b"/prod/@connections/x"
HOST, TWO, CHUNKED = b"Host: h", b"Content-Length: 2", b"Transfer-Encoding: chunked"
CHUNKS = b"2\r\nhi\r\n0\r\n\r\n"


def post(*lines: bytes, body: bytes = b"hi", first: bytes = b"POST %b HTTP/1.1" % TARGET) -> bytes:
    return b"\r\n".join((first, *lines)) + b"\r\n\r\n" + body


def length(value: bytes) -> bytes:
    return post(HOST, b"Content-Length: " + value)


def coding(value: bytes) -> bytes:
    return post(HOST, b"Transfer-Encoding: " + value, body=CHUNKS)


def to(target: bytes, version: bytes = b" HTTP/1.1") -> bytes:
    return post(HOST, TWO, first=b"POST " + target + version)


def by(method: bytes) -> bytes:
    return post(HOST, TWO, first=method + b" %b HTTP/1.1" % TARGET)


def chunked(body: bytes) -> bytes:
    return post(HOST, CHUNKED, body=body)


def header(line: bytes) -> bytes:
    return post(HOST, line, TWO)


BEFORE = post(HOST, TWO, first=b"POST /prod/@connections/before HTTP/1.1")
NEXT = post(HOST, TWO, b"Connection: close", body=b"ok", first=b"POST /prod/@connections/next HTTP/1.1")
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
NO_LINE_ENDS = post(HOST, TWO)

REFUSED = {
    # lengths
    "length, twice the same": post(HOST, TWO, TWO),
    "length, twice": post(HOST, TWO, b"Content-Length: 3"),
    "length, a list of the same": length(b"2, 2"),
    "length, a list": length(b"2,3"),
    "length with plus": length(b"+2"),
    "length with minus": length(b"-2"),
    "length in hexadecimal": length(b"0x2"),
    "length with a blank inside": length(b"2 2"),
    "length, empty": length(b""),
    "length, a fraction": length(b"2.0"),
    "length with underscore": length(b"1_0"),
    "length in other digits": length("\u0662".encode()),
    "length as superscript": length(b"\xb2"),
    "length of 2^64 + 2": length(b"18446744073709551618"),
    "length of 30 digits": length(b"9" * 30),
    "length of 5,000 digits": length(b"9" * 5_000),
    "length with NUL": length(b"2\x00"),
    "length with vertical tab": length(b"2\x0b"),
    "length with semicolon": length(b"2;"),
    # length and coding
    "length and coding": post(HOST, TWO, CHUNKED, body=CHUNKS),
    "coding and length": post(HOST, CHUNKED, TWO, body=CHUNKS),
    "length that reaches behind the chunks": post(HOST, CHUNKED, b"Content-Length: 6", body=b"0\r\n\r\nG"),
    # codings
    "coding identity": coding(b"identity"),
    "coding gzip": coding(b"gzip"),
    "coding unknown": coding(b"cow"),
    "coding chunked, gzip": coding(b"chunked, gzip"),
    "coding chunked, identity": coding(b"chunked, identity"),
    "coding chunked, chunked": coding(b"chunked, chunked"),
    "coding xchunked": coding(b"xchunked"),
    "coding with parameter": coding(b"chunked;a=b"),
    "coding in quotes": coding(b'"chunked"'),
    "coding behind a vertical tab": coding(b"\x0bchunked"),
    "coding with NUL": coding(b"chunked\x00"),
    "coding, empty": coding(b""),
    "coding twice": post(HOST, CHUNKED, CHUNKED, body=CHUNKS),
    "coding identity, then chunked": post(HOST, b"Transfer-Encoding: identity", CHUNKED, body=CHUNKS),
    "coding chunked, then another": post(HOST, CHUNKED, b"Transfer-Encoding: x", body=CHUNKS),
    "coding folded": post(HOST, b"Transfer-Encoding:\r\n chunked", body=CHUNKS),
    "coding, blank before the colon": post(HOST, b"Transfer-Encoding : chunked", body=CHUNKS),
    # chunks
    "chunk with plus": chunked(b"+2\r\nhi\r\n0\r\n\r\n"),
    "chunk with minus": chunked(b"-2\r\nhi\r\n0\r\n\r\n"),
    "chunk with 0x": chunked(b"0x2\r\nhi\r\n0\r\n\r\n"),
    "chunk with a blank behind": chunked(b"2 \r\nhi\r\n0\r\n\r\n"),
    "chunk with a blank before": chunked(b" 2\r\nhi\r\n0\r\n\r\n"),
    "chunk of 17 digits": chunked(b"FFFFFFFFFFFFFFFFF\r\nhi\r\n0\r\n\r\n"),
    "chunk of no digit": chunked(b"g\r\nhi\r\n0\r\n\r\n"),
    "chunk, empty": chunked(b"\r\nhi\r\n0\r\n\r\n"),
    "chunks by bare LF": chunked(b"2\nhi\n0\n\n"),
    "chunk data ended by bare LF": chunked(b"2\r\nhi\n0\r\n\r\n"),
    "chunk size ended by bare CR": chunked(b"2\rhi\r\n0\r\n\r\n"),
    "chunk longer than said": chunked(b"2\r\nhiX\r\n0\r\n\r\n"),
    "chunk shorter than said": chunked(b"3\r\nhi\r\n0\r\n\r\n"),
    "chunk extension with LF": chunked(b"2;a\nb\r\nhi\r\n0\r\n\r\n"),
    "last chunk without end": chunked(b"2\r\nhi\r\n0\r\nX"),
    "trailer with a length": chunked(b"2\r\nhi\r\n0\r\nContent-Length: 9\r\n\r\n"),
    "trailer without colon": chunked(b"2\r\nhi\r\n0\r\nX y\r\n\r\n"),
    # lines
    "blank before the colon of the length": post(HOST, b"Content-Length : 2"),
    "tab before the colon of the length": post(HOST, b"Content-Length\t: 2"),
    "blank before the length": post(HOST, b" Content-Length: 2"),
    "blank before the first header": post(b" Host: h", TWO),
    "folded header": header(b"X-A: a\r\n b"),
    "folded length": post(HOST, b"Content-Length:\r\n 2"),
    "bare LF everywhere": NO_LINE_ENDS.replace(b"\r\n", b"\n"),
    "bare LF behind the request line": NO_LINE_ENDS.replace(b"\r\nHost", b"\nHost"),
    "bare LF behind a header": NO_LINE_ENDS.replace(b"\r\nContent", b"\nContent"),
    "bare LF as the empty line": NO_LINE_ENDS.replace(b"\r\n\r\n", b"\r\n\n"),
    "bare LF before the empty line": NO_LINE_ENDS.replace(b"\r\n\r\n", b"\n\r\n"),
    "bare CR in a value": header(b"X-A: a\rContent-Length: 5"),
    "bare CR behind a header": NO_LINE_ENDS.replace(b"\r\nContent", b"\rContent"),
    "bare CR as the empty line": NO_LINE_ENDS.replace(b"\r\n\r\n", b"\r\n\r"),
    "two CR behind the request line": NO_LINE_ENDS.replace(b"\r\nHost", b"\r\r\nHost"),
    "NUL in a name": header(b"X\x00: a"),
    "NUL in a value": header(b"X: a\x00b"),
    "DEL in a value": header(b"X: a\x7fb"),
    "vertical tab in a value": header(b"X: a\x0bb"),
    "no name": header(b": a"),
    "no colon": header(b"Xyz"),
    "bracket in a name": header(b"X(: a"),
    "name beyond ASCII": header(b"Content-Length\xc2\xa0: 3"),
    # targets
    "target empty": to(b""),
    "target with a blank": to(b"/prod/@connections/x y"),
    "target with NUL": to(b"/prod/@connections/\x00"),
    "target with a control character": to(b"/prod/@connections/\x01"),
    "target with DEL": to(b"/prod/@connections/\x7f"),
    "target beyond ASCII": to("/prod/@connections/é".encode()),
    "target in authority form": to(b"h:80"),
    "target in authority form with a path": to(b"h:80/@connections/x"),
    "target an asterisk": to(b"*"),
    "target without slash": to(b"prod/@connections/x"),
    "target a query alone": to(b"?/@connections/x"),
    "target absolute without authority": to(b"http:/prod/@connections/x"),
    "target absolute, of another host": to(b"http://other/prod/@connections/x"),
    "target absolute, of a user": to(b"http://u:p@h/prod/@connections/x"),
    # request lines
    "version 0.9": to(TARGET, b""),
    "version 1.2": to(TARGET, b" HTTP/1.2"),
    "version 2.0": to(TARGET, b" HTTP/2.0"),
    "version 1.10": to(TARGET, b" HTTP/1.10"),
    "version in small letters": to(TARGET, b" http/1.1"),
    "version with a blank behind": to(TARGET, b" HTTP/1.1 "),
    "version behind a tab": to(TARGET, b"\tHTTP/1.1"),
    "method in small letters": by(b"post"),
    "method unknown": by(b"FOO"),
    "method behind a blank": by(b" POST"),
    "method before a tab": by(b"POST\t"),
    "method of HTTP/2": by(b"PRI"),
    # hosts
    "no host": post(TWO),
    "two hosts": post(HOST, b"Host: i", TWO),
    "the same host twice": post(HOST, HOST, TWO),
    "host with NUL": post(b"Host: a\x00", TWO),
    # handshakes with bodies
    "handshake with a body": HANDSHAKE[:-2] + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
    "handshake with chunks": HANDSHAKE[:-2] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "handshake of another host": HANDSHAKE.replace(b" /prod", b" http://other/prod"),
}

# These are served, with the body ``hi``, and so is the next.
SERVED = {
    "length with a zero before": length(b"002"),
    "length between blanks": length(b"\t2 "),
    "coding in capitals": coding(b"ChunKed"),
    "coding between blanks": coding(b"\tchunked "),
    "coding behind another": coding(b"gzip, chunked"),
    "coding by another name": post(HOST, b"Transfer_Encoding: chunked", TWO),
    "chunk extension": chunked(b'2;a="b"\r\nhi\r\n0\r\n\r\n'),
    "chunk extension of 20,000": chunked(b"2;a=" + b"b" * 20_000 + b"\r\nhi\r\n0\r\n\r\n"),
    "chunk with zeros before": chunked(b"0002\r\nhi\r\n00\r\n\r\n"),
    "trailer": chunked(b"2\r\nhi\r\n0\r\nX: y\r\n\r\n"),
    "line ends behind the body": NO_LINE_ENDS + b"\r\n\r\n",
    "line ends before the request": b"\r\n\r\n" + NO_LINE_ENDS,
    "version 1.0, to be kept": post(HOST, TWO, b"Connection: keep-alive", first=b"POST %b HTTP/1.0" % TARGET),
    "connection names the length": header(b"Connection: content-length"),
    "connection empty": header(b"Connection:"),
    "an upgrade of a post": post(HOST, TWO, b"Upgrade: websocket", b"Connection: Upgrade"),
    "a request as the body of a GET": post(
        HOST, b"Content-Length: %d" % len(SMUGGLED), body=SMUGGLED, first=b"GET /x HTTP/1.1"
    ),
    "host of another": post(b"Host: other", TWO),
    "target absolute": to(b"http://h/prod/@connections/x"),
    "target absolute, scheme and host in capitals": to(b"HTTPS://H/prod/@connections/x"),
    "target absolute without path": to(b"http://h"),
    "target absolute with a query alone": to(b"http://h?/@connections/x"),
    "target of two slashes": to(b"//prod/@connections/x"),
    "target with a fragment": to(b"/prod/@connections/x#f"),
    "target with backslashes": to(b"/prod\\@connections\\x"),
    "slash in the ID": to(b"/prod/@connections/a%2Fb"),
    "slash in the ID, twice encoded": to(b"/prod/@connections/a%252Fb"),
    "slash behind the stage": to(b"/prod%2F@connections/x"),
    "slash in the stage": to(b"/prod%2f/@connections/x"),
    "dots as the ID": to(b"/prod/@connections/.."),
    "dots as the ID, encoded": to(b"/prod/@connections/%2e%2e"),
    "dots within": to(b"/prod/@connections/../@connections/x"),
    "dots as the stage": to(b"/../prod/@connections/x"),
    "dots as the stage, encoded": to(b"/%2e%2e/@connections/x"),
    "NUL in the ID, encoded": to(b"/prod/@connections/%00"),
    "line ends in the ID, encoded": to(b"/prod/@connections/%0d%0aX:%20y"),
    "broken encoding": to(b"/prod/@connections/%zz%"),
    "at sign, encoded": to(b"/prod/%40connections/x"),
}

# Statuses of what is neither.
OTHERWISE = {
    "more than the length": (NO_LINE_ENDS + b"GARBAGE", "200 400"),
    "a blank more than the length": (NO_LINE_ENDS + b" ", "200 400"),
    "coding in HTTP/1.0": (post(HOST, CHUNKED, body=CHUNKS, first=b"POST %b HTTP/1.0" % TARGET), "200"),
    "version of RTSP": (to(TARGET, b" RTSP/1.0"), "200"),
    "an upgrade to HTTP/2": (post(HOST, TWO, b"Upgrade: h2c", b"Connection: Upgrade"), "200"),
    "version 1.0": (post(HOST, TWO, first=b"POST %b HTTP/1.0" % TARGET), "200"),
    "version 1.0 without host": (post(TWO, first=b"POST %b HTTP/1.0" % TARGET), "200"),
    "connection closed in capitals": (header(b"Connection: CLOSE"), "200"),
    "connection to be closed among others": (header(b"Connection: close, x"), "200"),
    "connection kept and closed": (post(HOST, TWO, b"Connection: keep-alive", b"Connection: close"), "200"),
    "a proxy's connection closed": (header(b"Proxy-Connection: close"), "200"),
    "told to continue": (header(b"Expect: 100-continue"), "100 200 200"),
    "a bad handshake": (HANDSHAKE.replace(b"Version: 13", b"Version: 7"), "426"),
    "a line of 40,000": (header(b"X: " + b"a" * 40_000), "431"),
    "300 headers": (post(HOST, TWO, *(b"X%d: a" % number for number in range(300))), "431"),
    "a body that never ends": (post(HOST, b"Content-Length: 900"), "408"),
    "a chunk that never ends": (chunked(b"380\r\nhi"), "408"),
}
CASES = {
    **{name: (stream, "400") for name, stream in REFUSED.items()},
    **{name: (stream, "200 200") for name, stream in SERVED.items()},
    **OTHERWISE,
}


Outcome = tuple[bytes, list[tuple[str, str, str, str, str]], list[str]]


async def outcome(served: Served, client: RawClient, stream: bytes, piece: int) -> Outcome:
    """Every byte that came back until the connection ended, what the service heard, what was reported."""
    for start in range(0, len(stream), piece):
        client.send_later(stream[start : start + piece])
    said = re.sub(rb"\r\nDate: [^\r]+ GMT\r\n", b"\r\n", await client.rest())
    heard = [
        (asked.method, asked.raw_path, asked.query, asked.host, asked.body.decode()) for asked in served.service.asked
    ]
    return said, heard, served.reports.failures


async def answered(stream: bytes, piece: int, *, parks: bool, behind: bool) -> Outcome:
    async with serving(parks=parks, body_timeout_ms=100) as served, raw_client(served.port) as client:
        served.service.answer = HttpResponse(200, (), b"yes")
        if behind:
            await client.send(BEFORE)
            assert (await client.response())[1] == b"yes"
            served.service.asked.clear()
        return await outcome(served, client, stream, piece)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("piece", "behind"), [(100_000, False), (100_000, True), (3, False)])
async def test_every_reader_takes_it_alike(name: str, piece: int, behind: bool) -> None:
    case, statuses = CASES[name]
    stream = case + NEXT if statuses != "408" else case
    if behind:
        statuses = statuses.replace("431", "400")  # aiohttp has one answer to all that it cannot read
    parked = await answered(stream, piece, parks=True, behind=behind)
    said, heard, failures = parked
    assert b" ".join(re.findall(rb"HTTP/1\.1 (\d{3}) ", said)).decode() == statuses
    assert failures == []
    assert len(heard) == statuses.count("200")
    assert not any("smuggled" in path for _, path, *_ in heard)
    if statuses.endswith("200 200"):
        assert heard[0][-1] in ("hi", SMUGGLED.decode())
        assert heard[1] == ("POST", "/prod/@connections/next", "", "h", "ok")
    assert parked == await answered(stream, piece, parks=False, behind=behind)


# What a post there answers; ``{id}`` is an open connection's as an SDK writes it, ``{twice}`` the same encoded again.
PATHS = {
    "/prod/@connections/{id}": 200,
    "/prod/%40connections/{id}": 200,
    "/prod//@connections/{id}": 200,
    "/%70rod/@connections/{id}": 200,
    "http://h/prod/@connections/{id}": 200,
    "/prod/@connections/{id}?a=/@connections/b": 200,
    "/prod/@connections/{id}/": 400,
    "/prod/@connections/{id}%2F": 400,
    "/prod/@connections/{id}%00": 400,
    "/prod/@connections/{id}%0d%0a": 400,
    "/prod/@connections/{id};a": 400,
    "/prod/@connections/{id}#a": 400,
    "/prod/@connections/a%2F..%2F{id}": 400,
    "/prod/@connections/../@connections/{id}": 400,
    "/prod/@connections/%2e%2e/@connections/{id}": 400,
    "/prod/@connections/{twice}": 400,
    "/prod/@connections%2F{id}": 403,
    "/prod%2F@connections%2F{id}": 403,
    "/prod%2f/@connections/{id}": 403,
    "/prod%252f/@connections/{id}": 403,
    "/prod%00/@connections/{id}": 403,
    "/prod/./@connections/{id}": 403,
    "/prod/../prod/@connections/{id}": 403,
    "/x/../prod/@connections/{id}": 403,
    "/%2e%2e/prod/@connections/{id}": 403,
    "/../@connections/{id}": 403,
    "/prod\\@connections\\{id}": 403,
    "/prod/%2540connections/{id}": 403,
}


async def managed(path: str, *, parks: bool) -> tuple[bytes, list[bytes]]:
    """Status line and body of a post to ``path``, and what the connection's client was sent."""
    socket, ids, registry = FakeSocket(), CountingIds(), MemoryRegistry()
    outside = Outside(backends(ScriptedFunctions(connect=OK)), registry, ManualClock(), ids, RecordingReporter())
    served = directory(route("$connect"), stages=("dev", "prod"))
    node = Node(alone(ManualClock()), served, outside, AWS, lambda: None)
    api = ManagementApi(node, LocalReach(Crowds(node)), IdCheck(KEY), ids)
    node.handshake(socket, handshake())
    await until(lambda: socket.is_open)
    genuine = registry.records[0].connection_id.replace("=", "%3D")
    target = path.format(id=genuine, twice=genuine.replace("%", "%25")).encode()
    signed = b"Authorization: AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=00"
    async with serving(parks=parks, service=api) as door, raw_client(door.port) as client:
        await client.send(post(HOST, TWO, signed, first=b"POST " + target + b" HTTP/1.1"))
        head, body = await client.response()
    await node.stop(0.1)
    return head.partition(b"\r\n")[0] + body, [bytes(text) for text in socket.sent]


@pytest.mark.parametrize("path", PATHS)
async def test_only_the_genuine_path_reaches_a_connection(path: str) -> None:
    found = await managed(path, parks=True)
    assert found[0].startswith(b"HTTP/1.1 %d " % PATHS[path])
    assert found[1] == ([b"hi"] if PATHS[path] == 200 else [])
    assert found == await managed(path, parks=False)


@pytest.mark.parametrize("parks", [True, False])
async def test_a_length_beyond_any_is_answered_before_it_comes(parks: bool) -> None:
    async with serving(parks=parks) as served, raw_client(served.port) as client:
        await client.send(length(b"9223372036854775808"))
        assert (await client.response())[0].startswith(b"HTTP/1.1 413 ")
        await until(lambda: served.service.asked)
        assert served.service.asked[0].body == b""
