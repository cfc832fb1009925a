from __future__ import annotations

import asyncio
import errno
import os
import socket
from contextlib import suppress
from typing import Any

import pytest
from websockets.asyncio.client import connect

from gateway.model.errors import UserError
from gateway.server.listener import FrontDoor, HttpDoor, _Refused, bind, reserve
from gateway.server.parked_stream import ParkedStream
from raw_client import HANDSHAKE, raw_client
from server_fakes import Conversations, RealClock, Reports, Service, Serving, serving, until


def front_door() -> FrontDoor[Any]:
    return FrontDoor(Conversations(), Service(), RealClock(), Reports())


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


async def reaches(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.transport.abort()
    return True


async def test_localhost_is_both_loopbacks_on_one_port() -> None:
    door = front_door()
    port = await door.open("localhost", 0)
    assert await reaches("127.0.0.1", port)
    assert await reaches("::1", port) is has_ipv6()
    await door.close()
    assert not await reaches("127.0.0.1", port)


async def test_one_address_is_that_address_alone() -> None:
    door = front_door()
    port = await door.open("127.0.0.1", 0)
    assert not await reaches("127.0.0.2", port)
    await door.close()


async def test_every_address_takes_both_families() -> None:
    door = front_door()
    port = await door.open("", 0)
    assert await reaches("127.0.0.1", port)
    assert await reaches("127.0.0.2", port)
    assert await reaches("::1", port) is has_ipv6()
    await door.close()


@pytest.mark.parity("P-109")
@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_an_ipv4_client_of_a_dual_stack_socket_is_known_by_its_ipv4_address() -> None:
    conversations = Conversations()
    door = FrontDoor(conversations, Service(), RealClock(), Reports())
    port = await door.open("::", 0)
    async with connect(f"ws://127.0.0.1:{port}/"):
        assert conversations.all[0].handshake.source_ip == "127.0.0.1"
    async with connect(f"ws://[::1]:{port}/"):
        assert conversations.all[1].handshake.source_ip == "::1"
    await door.close()


async def test_a_port_in_use_is_the_users_to_change() -> None:
    door, other = front_door(), front_door()
    port = await door.open("localhost", 0)
    with pytest.raises(UserError, match=f"port {port} of 127.0.0.1 is in use") as caught:
        await other.open("localhost", port)
    assert "another port" in caught.value.hint
    await door.close()
    assert await other.open("localhost", port) == port
    await other.close()


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_a_port_that_only_one_family_has_free_is_in_use() -> None:
    with socket.socket(socket.AF_INET6) as sock:
        sock.bind(("::1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} of ::1 is in use"):
            await front_door().open("localhost", port)
        with socket.socket() as free:
            free.bind(("127.0.0.1", port))


@pytest.mark.parametrize(
    ("host", "port", "said"),
    [
        ("localhost", 65_536, "port 65536 does not exist"),
        ("localhost", -1, "port -1 does not exist"),
        ("no-such-host.invalid", 0, "host no-such-host.invalid is unknown"),
        ("x" * 300, 0, "is unknown"),
        ("192.0.2.1", 0, "192.0.2.1 is no address of this machine"),
    ],
)
async def test_what_cannot_be_listened_on_is_said_in_one_line(host: str, port: int, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        await front_door().open(host, port)
    assert caught.value.hint
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("number", "said"), [(errno.EACCES, "port 80 of ::1 needs privileges"), (errno.EIO, "cannot be had")]
)
def test_other_refusals_name_the_port_too(number: int, said: str) -> None:
    error = _Refused("::1", 80, OSError(number, os.strerror(number))).user_error()
    assert said in error.message
    assert "80" in error.message
    assert error.hint


async def test_plain_and_tls_share_one_door() -> None:
    async with serving(tls=True) as served:
        plain = await served.door.open("127.0.0.1", 0)
        async with connect(served.url, ssl=served.trust), connect(f"ws://127.0.0.1:{plain}/prod"):
            assert [seen.handshake.secure for seen in served.conversations.all] == [True, False]
            assert [seen.handshake.port for seen in served.conversations.all] == [served.port, plain]
        assert served.shells == 0


async def test_a_plain_client_of_the_tls_port_is_dropped_quietly() -> None:
    async with serving(tls=True) as served, raw_client(served.port) as client:
        await client.send(HANDSHAKE)
        assert b"HTTP" not in await client.rest()
        assert served.shells == 0


async def test_connections_that_are_open_stay_when_accepting_stops(serving: Serving) -> None:
    async with serving() as served, raw_client(served.port, served.trust) as client:
        served.conversations.echo()
        async with connect(served.url, ssl=served.trust) as open_one:
            served.door.stop_accepting()
            assert not await reaches("127.0.0.1", served.port)
            await open_one.send("still here")
            assert await open_one.recv() == "still here"
        await client.open()


async def test_closing_ends_every_kind_of_connection(serving: Serving) -> None:
    async with serving() as served:
        async with (
            raw_client(served.port, served.trust) as silent, raw_client(served.port, served.trust) as web,
        raw_client(served.port, served.trust) as socket_client,
        ):  # fmt: skip
            await web.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            await web.response()
            await socket_client.open()
            await silent.send(b"GET")
            await until(lambda: served.shells == 2)
            await served.door.close()
            for client in (silent, web, socket_client):
                with suppress(ConnectionResetError):
                    assert await client.rest() == b""
            await until(lambda: served.shells == 0)
            await served.conversations.all[0].ends()
        await served.door.close()


async def test_small_writes_leave_at_once(serving: Serving) -> None:
    async with serving() as served, connect(served.url, ssl=served.trust):
        shell: Any = served.conversations.all[0].socket
        parked = isinstance(shell, ParkedStream)
        accepted = socket.socket(fileno=os.dup(shell.fd)) if parked else shell._transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        if parked:
            accepted.close()


async def test_an_http_door_is_for_this_machine_alone() -> None:
    service = Service()
    door = HttpDoor(service, RealClock(), Reports())
    port = await door.open()
    async with raw_client(port) as client:
        await client.send(HANDSHAKE)
        head, body = await client.response()
        assert (head.split(b"\r\n")[0], body) == (b"HTTP/1.1 200 OK", b"hello")
    assert service.asked[0].header("Upgrade") == "websocket"
    assert not await reaches("127.0.0.2", port)
    with pytest.raises(UserError):
        await HttpDoor(service, RealClock(), Reports()).open(port)
    await door.close()
    assert not await reaches("127.0.0.1", port)


async def test_clients_of_a_bound_port_wait_until_it_is_served() -> None:
    bound, unused = await bind("127.0.0.1", 0), await bind("127.0.0.1", 0)
    with pytest.raises(UserError, match="in use"):
        await bind("127.0.0.1", bound.port)
    async with raw_client(bound.port) as client:
        await client.send(HANDSHAKE)
        door = front_door()
        await door.serve(bound)
        assert (await client.head()).startswith(b"HTTP/1.1 101 ")
        await door.close()
    bound.close()
    unused.close()
    assert not await reaches("127.0.0.1", unused.port)


async def test_a_reserved_port_is_shared_by_those_who_say_so() -> None:
    reserved = await reserve("localhost", 0)
    assert not await reaches("127.0.0.1", reserved.port)  # nobody listens yet
    first = await bind("localhost", reserved.port, shared=True)
    second = await bind("localhost", reserved.port, shared=True)
    assert (first.port, second.port) == (reserved.port, reserved.port)
    with pytest.raises(UserError, match="is in use"):
        await bind("localhost", reserved.port)
    with pytest.raises(UserError, match="is in use"):
        await reserve("localhost", reserved.port)
    first.close()
    assert await reaches("127.0.0.1", reserved.port)
    for bound in (second, reserved):
        bound.close()


async def test_a_port_is_not_reserved_where_somebody_listens() -> None:
    bound = await bind("127.0.0.1", 0)
    with pytest.raises(UserError, match=f"port {bound.port} of 127.0.0.1 is in use"):
        await reserve("127.0.0.1", bound.port)
    bound.close()
