"""How connections end, and when (parity table, sections 8 and 9)."""

from __future__ import annotations

import pytest

from gateway import ports
from gateway.model.invocation import FunctionError
from gateway.model.limits import AWS, CONNECTION_DURATION_MS, IDLE_TIMEOUT_MS
from gateway.server.door import Door
from node_doubles import Script, returning
from parity_world import Client, World, world
from sample_definitions import api, definition, route
from server_fakes import Conversations, RealClock

LIFE = definition(api(route("$connect"), route("$disconnect"), route("$default")))
LATE_MS = 1_000  # an idle close may come so much later; AWS's own came 3.9 s late


def after(ms: int, here: World, client: Client) -> tuple[int | None, str] | None:
    """The close frame that the client has got when so much more time has passed, None while it is open."""
    here.clock.advance(ms)
    here.node.tick(here.clock.monotonic_ms)
    return client.socket.closed


@pytest.mark.parity("P-392", "P-410", "P-418")
async def test_an_idle_connection_ends_after_its_time_and_not_before() -> None:
    async with world(LIFE) as here:
        client = await here.open()
        assert after(IDLE_TIMEOUT_MS - 1, here, client) is None
        assert after(1 + LATE_MS, here, client) == (1001, "Going away")
        await here.gone()
        context = here.context("disconnect")
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (1001, "Going away")


@pytest.mark.parity("P-393", "P-411", "P-416")
async def test_a_busy_connection_ends_after_two_hours() -> None:
    async with world(LIFE) as here:
        client = await here.open()
        step = IDLE_TIMEOUT_MS // 2
        for _ in range(CONNECTION_DURATION_MS // step - 1):
            assert after(step, here, client) is None
            client.say("still here")
        assert after(step + LATE_MS, here, client) == (1001, "Going away")


@pytest.mark.parity("P-407", "P-409")
async def test_a_browser_that_leaves_gives_no_reason() -> None:
    async with world(LIFE) as here:
        (await here.open()).leave(1001, "")
        await here.gone()
        context = here.context("disconnect")
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (1001, "")


@pytest.mark.parity("P-436", "P-437")
@pytest.mark.parametrize(
    "answer",
    [
        returning({"statusCode": 500, "body": "no"}),
        returning(None),
        lambda event: FunctionError(b'{"errorMessage":"broken"}'),
    ],
)
async def test_whatever_disconnect_answers_it_is_called_once_and_the_connection_is_gone(answer: Script) -> None:
    async with world(LIFE) as here:
        here.functions.scripts["disconnect"] = answer
        client = await here.open()
        client.leave()
        await here.gone()
        assert len(here.functions.events("disconnect")) == 1
        assert client.socket.sent == []


@pytest.mark.parity("P-204")
async def test_nothing_can_tell_a_socket_to_ping() -> None:
    """But the pulse of an operator who wants one, which a door with AWS's limits does not have."""
    assert not [name for name in vars(ports.Socket) if "ping" in name.lower()]
    assert Door(Conversations(), RealClock(), AWS).pulse is None
