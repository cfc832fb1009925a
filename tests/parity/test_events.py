"""Documents, their times and IDs (parity table, sections 2 and 6)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.engine import events
from gateway.engine.exchange import Exchange, clf_time
from gateway.model.ids import NodeNumber
from gateway.system.ids import RandomIds
from node_doubles import until_idle
from parity_world import world
from sample_definitions import (
    api,
    connect_exchange,
    connection,
    definition,
    disconnect_exchange,
    handshake,
    message_exchange,
    route,
)

EXCHANGES = [connect_exchange(), message_exchange(), disconnect_exchange()]
BARE = {"connection": connection(user_agent=None)}
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@pytest.mark.parity("P-085")
def test_offered_extensions_are_among_the_headers() -> None:
    offer = ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
    without = [pair for pair in handshake().headers if pair[0] != offer[0]]
    headers = (*without, offer)
    assert events.event(connect_exchange(handshake=handshake(headers=headers)))["headers"][offer[0]] == offer[1]
    assert offer[0] not in events.event(connect_exchange(handshake=handshake(headers=tuple(without))))["headers"]


@pytest.mark.parity("P-091")
@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.event_type.value)
def test_no_event_has_members_of_rest_or_http_apis(exchange: Exchange) -> None:
    document = events.event(exchange)
    assert not {"path", "resource", "httpMethod", "version", "pathParameters"} & document.keys()
    assert ("body" in document) == (exchange.body is not None)


@pytest.mark.parity("P-112")
@pytest.mark.parametrize(
    "exchange", [connect_exchange(**BARE), message_exchange(**BARE), disconnect_exchange(**BARE, close=(1001, ""))]
)
def test_what_is_absent_is_left_out(exchange: Exchange) -> None:
    def values(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [each for inner in value.values() for each in values(inner)]
        return [value]

    assert None not in values(events.event(exchange))


@pytest.mark.parity("P-293")
def test_the_authorizers_event_has_no_body() -> None:
    document = events.authorizer(connect_exchange())
    assert not {"isBase64Encoded", "body", "pathParameters", "path", "httpMethod", "version"} & document.keys()


@pytest.mark.parity("P-105")
def test_times_have_english_months_and_two_digits() -> None:
    seconds = [int(datetime(2026, month, 5, 4, 3, 2, tzinfo=UTC).timestamp()) for month in range(1, 13)]
    expected = [f"05/{month}/2026:04:03:02 +0000" for month in MONTHS]
    assert [clf_time(second * 1000 + 999) for second in seconds] == expected


@pytest.mark.parity("P-102", "P-103", "P-106")
async def test_ids_and_times_of_the_three_events_of_a_connection() -> None:
    async with world(definition(api(route("$connect"), route("$disconnect"), route("$default")))) as here:
        client = await here.open()
        here.clock.advance(1_500)
        client.say("hello")
        await until_idle(lambda: bool(here.functions.events("default")))
        here.clock.advance(1_500)
        client.leave()
        await here.gone()
        connect, message, disconnect = (here.context(name) for name in ("connect", "default", "disconnect"))
    contexts = (connect, message, disconnect)
    assert all(context["requestId"] == context["extendedRequestId"] for context in contexts)
    assert len({context["requestId"] for context in contexts}) == 3
    assert all(type(context[name]) is int for context in contexts for name in ("connectedAt", "requestTimeEpoch"))
    assert connect["connectedAt"] <= connect["requestTimeEpoch"]
    assert [context["requestTimeEpoch"] - connect["connectedAt"] for context in contexts] == [0, 1_500, 3_000]
    assert connect["connectedAt"] == message["connectedAt"] == disconnect["connectedAt"]


@pytest.mark.parity("P-121", "P-123")
def test_connection_ids_are_in_no_order_and_never_look_like_an_option() -> None:
    made = RandomIds(b"key")
    drawn = [made.connection_id(NodeNumber(1)) for _ in range(200)]
    assert drawn != sorted(drawn)
    assert not any(connection_id.startswith("-") for connection_id in drawn)
