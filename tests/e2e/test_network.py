"""A real node between clients and balancers: its certificates, and whose it takes connections and requests for."""

from __future__ import annotations

import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from fleet_process import Fleet, FleetNode, its_id
from gateway_process import DEADLINE_S
from process_watch import LINUX
from proxy_headers import v2, version_1, version_2
from raw_socket import RawSocket
from served_certificates import outside_authority
from tls_client import secure_connect

pytestmark = pytest.mark.skipif(not LINUX, reason="a client has more than one loopback address")
AUTHORITY = outside_authority()
SOMEBODY = "198.51.100.7"


def ports(node: FleetNode) -> tuple[int, int]:
    """The plain one and the one with TLS."""
    ready = node.ready
    plain, secure = (str(ready[name]).split("/")[2] for name in ("websocket_url", "secure_websocket_url"))
    return int(plain.rpartition(":")[2]), int(secure.rpartition(":")[2])


def secure_client(node: FleetNode, name: str, context: ssl.SSLContext | None = None) -> ClientConnection:
    """A client that asks for ``name``, connected."""
    return secure_connect(ports(node)[1], context or AUTHORITY.client_context(), name, "ws://localhost/prod")


def names_of(client: ClientConnection) -> list[str]:
    secured: Any = client.socket
    return [name for _, name in secured.getpeercert()["subjectAltName"]]


def names_for(node: FleetNode, name: str) -> list[str]:
    with secure_client(node, name) as client:
        return names_of(client)


def test_certificates_are_chosen_by_name_and_renewed_below_open_sockets(fleet: Fleet, tmp_path: Path) -> None:
    cert, key, more = tmp_path / "a.crt", tmp_path / "a.key", tmp_path / "more"
    AUTHORITY.sign("a.example").put(cert, key)
    AUTHORITY.sign("*.b.example").put(more / "b" / "fullchain.pem", more / "b" / "privkey.pem")
    options = ["--tls-port", "0", "--tls-cert-file", str(cert), "--tls-key-file", str(key), "--tls-cert-dir", str(more)]
    (node,) = fleet.start("tls", options=options)
    with secure_client(node, "a.example") as one, secure_client(node, "chat.b.example") as two:
        ids = its_id(one), its_id(two)
        assert (names_of(one), names_of(two)) == (["a.example"], ["*.b.example"])

        AUTHORITY.sign("a.example", "a2.example").put(cert, key)
        node.signal(signal.SIGHUP)
        node.output.shows("serves the certificates of a.example, a2.example, ")
        assert names_for(node, "a.example") == ["a.example", "a2.example"]

        AUTHORITY.sign("c.example").put(more / "c.pem")  # nobody says so
        node.output.shows("serves the certificates of .*c.example")
        assert names_for(node, "c.example") == ["c.example"]

        key.chmod(0o640)
        node.output.shows("new certificates are not used, the old ones stay: .*chmod 600")
        assert names_for(node, "a.example") == ["a.example", "a2.example"]

        assert (its_id(one), its_id(two)) == ids
        assert fleet.disconnects().keys().isdisjoint(ids)
    node.terminate()
    assert node.wait() == 0


def test_every_worker_takes_new_certificates(fleet: Fleet, tmp_path: Path) -> None:
    AUTHORITY.sign("a.example").put(tmp_path / "a.pem")
    (node,) = fleet.start(
        "workers", options=["--workers", "2", "--tls-port", "0", "--tls-cert-file", str(tmp_path / "a.pem")]
    )
    with secure_client(node, "a.example") as client:
        connection_id = its_id(client)
        AUTHORITY.sign("a.example", "a2.example").put(tmp_path / "a.pem")
        node.signal(signal.SIGHUP)
        node.output.shows_all("serves the certificates of a.example, a2.example", 2)
        assert {tuple(names_for(node, "a.example")) for _ in range(8)} == {("a.example", "a2.example")}
        assert its_id(client) == connection_id


def test_a_key_that_others_may_read_ends_the_start(fleet: Fleet, tmp_path: Path) -> None:
    AUTHORITY.sign("a.example").put(tmp_path / "a.pem")
    (tmp_path / "a.pem").chmod(0o644)
    node = FleetNode(fleet, "refused", ["--tls-port", "0", "--tls-cert-file", str(tmp_path / "a.pem")])
    fleet.nodes.append(node)
    assert node.wait() == 2
    node.output.shows("is not its owner's alone .mode 0644")
    node.output.shows("chmod 600 ")


def test_clients_without_a_certificate_stay_outside_where_one_is_required(fleet: Fleet, tmp_path: Path) -> None:
    AUTHORITY.sign("a.example").put(tmp_path / "a.pem")
    outside_authority("friends").sign("me", for_client=True).put(tmp_path / "me.pem")
    AUTHORITY.sign("me", for_client=True).put(tmp_path / "stranger.pem")
    (tmp_path / "friends.crt").write_bytes(outside_authority("friends").pem)
    options = ["--tls-port", "0", "--tls-cert-file", str(tmp_path / "a.pem")]
    options += ["--tls-client-ca-file", str(tmp_path / "friends.crt"), "--tls-client-certs", "required"]
    (node,) = fleet.start("mutual", options=options)
    with secure_client(node, "a.example", AUTHORITY.client_context(tmp_path / "me.pem")) as client:
        its_id(client)
    for context in (AUTHORITY.client_context(), AUTHORITY.client_context(tmp_path / "stranger.pem")):
        with pytest.raises((ssl.SSLError, OSError, EOFError, WebSocketException)):
            secure_client(node, "a.example", context)
    with connect(f"ws://{node.address}/prod", open_timeout=DEADLINE_S) as client:
        its_id(client)  # the plain port is another matter


@contextmanager
def coming_from(address: str, port: int, header: bytes = b"") -> Iterator[RawSocket]:
    """A connection of this loopback address, ``header`` in front of it."""
    made = socket.create_connection(("127.0.0.1", port), DEADLINE_S, source_address=(address, 0))
    raw = RawSocket(made)
    try:
        raw.send(header)
        yield raw
    finally:
        raw.close()


FORGED = "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n"


def upgrade(raw: RawSocket, headers: str = FORGED) -> bytes:
    raw.send(
        (
            f"GET /prod HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{headers}"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
    )
    return raw.head()


def last_connect(fleet: Fleet) -> tuple[str, dict[str, list[str]]]:
    """The source address and the forwarded headers of the ``$connect`` event that came last."""
    told = fleet.told("CONNECT")[-1]
    return told["ip"], told["forwarded"]


def test_a_balancers_proxy_header_says_whose_connection_it_is(fleet: Fleet, tmp_path: Path) -> None:
    AUTHORITY.sign("a.example").put(tmp_path / "a.pem")
    options = ["--tls-port", "0", "--tls-cert-file", str(tmp_path / "a.pem")]
    options += ["--proxy-protocol", "required", "--trusted-proxies", "127.0.0.2"]
    (node,) = fleet.start("proxied", options=options)
    plain, secure = ports(node)

    for header, port, proto in (
        (version_1(SOMEBODY, 80), "80", "http"),
        (version_2("2001:db8::7", 443), "443", "https"),
    ):
        with coming_from("127.0.0.2", plain, header) as raw:
            assert upgrade(raw).startswith(b"HTTP/1.1 101 ")
        source_ip, forwarded = last_connect(fleet)
        assert source_ip == (SOMEBODY if port == "80" else "2001:db8::7")
        assert forwarded == {
            "X-Forwarded-For": [source_ip], "X-Forwarded-Port": [port], "X-Forwarded-Proto": [proto],
        }  # fmt: skip

    made = socket.create_connection(("127.0.0.1", secure), DEADLINE_S, source_address=("127.0.0.2", 0))
    made.sendall(version_2(SOMEBODY, 8443))
    with AUTHORITY.client_context().wrap_socket(made, server_hostname="a.example") as secured:
        assert upgrade(RawSocket(secured), "").startswith(b"HTTP/1.1 101 ")
        assert last_connect(fleet)[0] == SOMEBODY
        assert last_connect(fleet)[1]["X-Forwarded-Proto"] == ["https"]

    for health in (b"PROXY UNKNOWN\r\n", v2(0x20, 0)):
        with coming_from("127.0.0.2", plain, health + b"GET /ready HTTP/1.1\r\nHost: h\r\n\r\n") as raw:
            assert raw.head().startswith(b"HTTP/1.1 200 ")

    for header in (version_1(SOMEBODY), version_2(SOMEBODY)):  # a stranger's is no request
        with coming_from("127.0.0.3", plain, header) as raw:
            assert upgrade(raw).startswith(b"HTTP/1.1 400 ")
    with coming_from("127.0.0.3", plain) as raw:  # who speaks for itself is served
        assert upgrade(raw).startswith(b"HTTP/1.1 101 ")
        assert last_connect(fleet) == (
            "127.0.0.3",
            {"X-Forwarded-For": ["127.0.0.3"], "X-Forwarded-Port": [str(plain)], "X-Forwarded-Proto": ["http"]},
        )
    with coming_from("127.0.0.2", plain) as raw:
        raw.send(b"GET /ready HTTP/1.1\r\nHost: h\r\n\r\n")
        with suppress(ConnectionError):
            assert raw.head() == b""
        node.output.shows("127.0.0.2 is one of trusted_proxies and sent no PROXY header")


def test_forwarded_headers_of_a_trusted_proxy_alone_are_believed(fleet: Fleet) -> None:
    (node,) = fleet.start("forwarded", options=["--trusted-proxies", "127.0.0.2/32,127.0.0.4"])
    plain = node.address.rpartition(":")[2]
    said = f"X-Forwarded-For: 1.1.1.1, {SOMEBODY}, 127.0.0.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n"
    with coming_from("127.0.0.2", int(plain)) as raw:
        assert upgrade(raw, said).startswith(b"HTTP/1.1 101 ")
        assert last_connect(fleet) == (
            SOMEBODY,
            {"X-Forwarded-For": [SOMEBODY], "X-Forwarded-Port": ["443"], "X-Forwarded-Proto": ["https"]},
        )
    with coming_from("127.0.0.3", int(plain)) as raw:
        assert upgrade(raw, said).startswith(b"HTTP/1.1 101 ")
        assert last_connect(fleet) == (
            "127.0.0.3",
            {"X-Forwarded-For": ["127.0.0.3"], "X-Forwarded-Port": [plain], "X-Forwarded-Proto": ["http"]},
        )
