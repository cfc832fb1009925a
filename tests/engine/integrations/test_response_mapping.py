"""Integration responses: which one, what status, body and headers it makes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.engine.integrations.response_mapping import Answer, ResponseMapping, compile_responses
from gateway.engine.responses import Failure, ProxyResponse
from gateway.model.integration import ContentHandling, IntegrationResponse, IntegrationType
from integration_plans import SERVER, integration
from sample_definitions import connect_exchange, disconnect_exchange, endpoint, message_exchange, route

EXCHANGE = message_exchange(body='{"kind": "short"}')


def compiled(*answers: IntegrationResponse) -> ResponseMapping:
    return compile_responses(integration(IntegrationType.HTTP, SERVER, answers))


def response(key: str = "$default", template: str | None = None, **changes: Any) -> IntegrationResponse:
    return IntegrationResponse("Reply", key, {} if template is None else {"$default": template}, **changes)


def mapped(mapping: ResponseMapping, status: int = 200, body: bytes = b"", **changes: Any) -> ProxyResponse | Failure:
    return mapping.map(EXCHANGE, Answer(status, changes.pop("subject", str(status)), body=body, **changes))


@pytest.mark.parity("P-133", "P-156", "P-234")
@pytest.mark.parametrize(
    ("status", "chosen"),
    [(200, b"2xx"), (299, b"2xx"), (404, b"404"), (403, b"4xx"), (500, b"default"), (302, b"default")],
)
def test_the_first_pattern_that_matches_the_status_wins_then_the_default(status: int, chosen: bytes) -> None:
    keys = {"$default": "default", "/2\\d\\d/": "2xx", "404": "404", "/4\\d{2}/": "4xx"}
    answer = mapped(compiled(*(response(key, text) for key, text in keys.items())), status)
    assert answer == ProxyResponse(status, (), chosen)


def test_without_a_default_what_matches_nothing_fails() -> None:
    failure = mapped(compiled(response("/2\\d\\d/")), 404)
    assert failure == Failure("Internal server error", 500, "no integration response for '404'")


def test_without_any_response_a_one_way_route_fails_with_its_function_alone() -> None:
    assert mapped(compiled(), 404, b"ignored") == ProxyResponse(404, (), None)
    failure = Failure("Internal server error", 502, "it threw")
    assert compiled().map(EXCHANGE, Answer(502, "it threw", error="it threw"), failure) is failure


def test_without_any_response_whoever_waits_for_one_is_failed() -> None:
    two_way = endpoint(route("send", two_way=True))
    for exchange in (connect_exchange(), replace(EXCHANGE, endpoint=two_way, route_key="send")):
        assert isinstance(compiled().map(exchange, Answer(200, "200")), Failure)
    one_way = endpoint(route("send"))
    for exchange in (disconnect_exchange(), replace(EXCHANGE, endpoint=one_way, route_key="send")):
        assert compiled().map(exchange, Answer(200, "200")) == ProxyResponse(200, (), None)


def test_the_body_passes_without_a_template() -> None:
    assert mapped(compiled(response()), body=b"as it \xff is") == ProxyResponse(200, (), "as it \ufffd is".encode())


@pytest.mark.parity("P-157")
def test_templates_read_the_answer_and_are_chosen_by_key() -> None:
    templates = {"short": "$input.path('$.n')", "$default": "$input.body"}
    reply = IntegrationResponse("Reply", "$default", templates, "${request.body.kind}")
    assert mapped(compiled(reply), body=b'{"n": 5}') == ProxyResponse(200, (), b"5")


def test_a_template_that_fails_names_itself() -> None:
    failure = mapped(compiled(response(template="a\n$input.path('x')")))
    assert isinstance(failure, Failure)
    assert failure.status == 500
    assert failure.why.startswith("template Reply ResponseTemplates $default, line 2: ")


def test_headers_are_those_that_are_mapped() -> None:
    parameters = {
        "method.response.header.Sec-WebSocket-Protocol": "integration.response.header.x-protocol",
        "method.response.header.X-Room": "integration.response.body.room",
        "method.response.header.X-None": "integration.response.body.none",
        "method.response.header.X-Static": "'s'",
    }
    headers = (("X-Protocol", "chat"), ("Content-Type", "text/plain"))
    answer = mapped(compiled(response(response_parameters=parameters)), body=b'{"room": 1}', headers=headers)
    assert isinstance(answer, ProxyResponse)
    assert answer.headers == (("Sec-WebSocket-Protocol", "chat"), ("X-Room", "1"), ("X-Static", "s"))


def test_a_mapped_header_cannot_hold_a_line_break() -> None:
    parameters = {"method.response.header.X": "integration.response.body.x"}
    failure = mapped(compiled(response(response_parameters=parameters)), body=b'{"x": "a\\r\\nSet-Cookie: b"}')
    assert isinstance(failure, Failure)
    assert "line break" in failure.why


@pytest.mark.parity("P-238")
@pytest.mark.parametrize(
    ("handling", "body", "result"),
    [
        (ContentHandling.CONVERT_TO_TEXT, b"\x00\xff", b"AP8="),
        (ContentHandling.CONVERT_TO_BINARY, b"w6Q=", "ä".encode()),
        (None, b"AP8=", b"AP8="),
    ],
)
def test_content_handling(handling: ContentHandling | None, body: bytes, result: bytes) -> None:
    for template in (None, "$input.body"):
        answer = mapped(compiled(response(template=template, content_handling=handling)), body=body)
        assert answer == ProxyResponse(200, (), result)


def test_what_is_no_base64_cannot_be_converted() -> None:
    assert isinstance(
        mapped(compiled(response(content_handling=ContentHandling.CONVERT_TO_BINARY)), body=b"?"), Failure
    )


@pytest.mark.parity("P-276")
@pytest.mark.parametrize(
    ("key", "status"), [("/403/", 403), ("403", 403), ("/.*/", 502), ("/40\\d/", 502), ("$default", 502)]
)
def test_an_errors_status_is_the_key_if_it_is_one(key: str, status: int) -> None:
    answer = mapped(compiled(response(key)), 502, subject="403", error="403")
    assert answer == ProxyResponse(status, (), b"")


def test_a_pattern_that_would_try_for_ever_is_a_failure() -> None:
    failure = mapped(compiled(response("/(a|aa)+/")), subject="a" * 5000 + "!")
    assert isinstance(failure, Failure)
    assert "takes too long" in failure.why
