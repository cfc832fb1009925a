"""``HTTP_PROXY``: what a web server sees of each event, and that its answer is passed on."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.engine.integrations.http_proxy import with_query
from gateway.engine.responses import ProxyResponse
from gateway.model.backend import UpstreamRequest
from gateway.model.integration import ContentHandling, HttpTarget, IntegrationType
from gateway.model.invocation import Answered, TimedOut, Unavailable
from integration_plans import SERVER, answered, asked, failed, planned, refused
from sample_definitions import HOST, connect_exchange, disconnect_exchange, document, handshake, message_exchange


def sent(exchange: Any, target: HttpTarget = SERVER, **changes: Any) -> UpstreamRequest:
    request = asked(planned(IntegrationType.HTTP_PROXY, target, (), **changes), exchange)
    assert isinstance(request, UpstreamRequest)
    return request


@pytest.mark.parity("P-248", "P-250")
def test_connect_forwards_headers_and_query_but_not_the_hop() -> None:
    client = handshake()
    exchange = connect_exchange(handshake=handshake(query="name=a%20b&x", headers=(*client.headers, ("Cookie", "a=b"))))
    request = sent(exchange)
    headers = dict(request.headers)
    expected = {name: value for name, value in document("connect")["headers"].items() if name != "Host"}
    assert request.url == "https://upstream.example/hook?name=a%20b&x"
    assert request.body == b""
    assert {name: headers[name] for name in expected} == expected
    assert headers["Cookie"] == "a=b"
    assert HOST not in headers.values()
    assert not {"Connection", "Upgrade", "Content-Type"} & set(headers)
    assert [name for name in headers if name.lower() == "user-agent"] == ["User-Agent"]


@pytest.mark.parity("P-223", "P-247", "P-249", "P-250", "P-278")
def test_a_message_is_the_body_and_nothing_of_the_handshake_follows() -> None:
    exchange = message_exchange(body="any text")
    request = sent(exchange)
    assert (request.method, request.url, request.body) == ("POST", "https://upstream.example/hook", b"any text")
    assert dict(request.headers) == {
        "User-Agent": "AmazonAPIGateway_a1b2c3d4e5",
        "x-amzn-apigateway-api-id": "a1b2c3d4e5",
        "X-Amzn-Trace-Id": exchange.occasion.trace_id,
        "Accept": "application/json",
        "Content-Type": "application/json",
    }


def test_a_binary_message_is_itself() -> None:
    request = sent(message_exchange(body="AAH/", is_base64=True))
    assert request.body == b"\x00\x01\xff"
    assert dict(request.headers)["Content-Type"] == "application/octet-stream"


def test_a_binary_message_is_text_where_that_is_asked_for() -> None:
    request = sent(message_exchange(body="AAH/", is_base64=True), content_handling=ContentHandling.CONVERT_TO_TEXT)
    assert request.body == b"AAH/"
    assert dict(request.headers)["Content-Type"] == "application/json"


@pytest.mark.parity("P-249")
def test_disconnect_has_no_body() -> None:
    request = sent(disconnect_exchange())
    assert request.body == b""
    assert "Content-Type" not in dict(request.headers)


@pytest.mark.parity("P-239", "P-243", "P-247")
def test_the_connection_id_goes_where_it_is_mapped() -> None:
    parameters = {
        "integration.request.header.ConnectionId": "context.connectionId",
        "integration.request.header.content-type": "'text/plain'",
        "integration.request.querystring.room": "route.request.body.room",
        "integration.request.path.id": "context.connectionId",
    }
    exchange = message_exchange(body='{"room": "a&b"}')
    target = HttpTarget("https://${stageVariables.host}/{id}?v=1", "${stageVariables.host}")
    request = sent(exchange, target, request_parameters=parameters, integration_method="PUT")
    connection_id = exchange.connection.connection_id
    headers = dict(request.headers)
    assert request.method == "PUT"
    assert request.url == f"https://upstream.example/{connection_id.replace('=', '%3D')}?v=1&room=a%26b"
    assert request.server_name == "upstream.example"
    assert headers["ConnectionId"] == connection_id
    assert headers["content-type"] == "text/plain"
    assert "Content-Type" not in headers


def test_a_mapped_header_replaces_the_clients() -> None:
    parameters = {"integration.request.header.user-agent": "'mine'"}
    headers = sent(connect_exchange(), request_parameters=parameters).headers
    assert [value for name, value in headers if name.lower() == "user-agent"] == ["mine"]


@pytest.mark.parity("P-237")
def test_base64_messages_can_be_sent_as_bytes() -> None:
    request = sent(message_exchange(body="AP8="), content_handling=ContentHandling.CONVERT_TO_BINARY)
    assert request.body == b"\x00\xff"


@pytest.mark.parity("P-232")
def test_what_is_no_base64_is_not_sent() -> None:
    plan = planned(IntegrationType.HTTP_PROXY, SERVER, (), content_handling=ContentHandling.CONVERT_TO_BINARY)
    assert "not base64" in refused(plan, message_exchange(body="{}")).why


def test_templates_are_not_for_proxies() -> None:
    request = sent(message_exchange(body="text"), request_templates={"$default": "other"})
    assert request.body == b"text"


@pytest.mark.parametrize(
    ("url", "raw", "added", "result"),
    [
        ("http://h/", "a=1&token=x%20y&b", (("token", "z"),), "http://h/?a=1&b&token=z"),
        ("http://h/p", "", (), "http://h/p"),
        ("http://h/p", "a=1", (), "http://h/p?a=1"),
        ("http://h/p?x", "", (("b", "ä c"),), "http://h/p?x&b=%C3%A4+c"),
        ("http://h/p", "a=1", (("b", "1"), ("b", "2")), "http://h/p?a=1&b=1&b=2"),
    ],
)
def test_queries_are_put_together(url: str, raw: str, added: tuple[tuple[str, str], ...], result: str) -> None:
    assert with_query(url, raw, added) == result


@pytest.mark.parity("P-223", "P-251")
def test_the_answer_is_passed_on() -> None:
    plan = planned(IntegrationType.HTTP_PROXY, SERVER, ())
    answer = Answered(503, (("X-A", "b"),), b"\xff body")
    assert answered(plan, message_exchange(), answer) == ProxyResponse(503, (("X-A", "b"),), b"\xff body")
    assert failed(plan, message_exchange(), TimedOut()).status == 504
    assert failed(plan, message_exchange(), Unavailable("refused")).why == "refused"
    assert plan.timeout_ms == 1_500
