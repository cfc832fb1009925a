r"""An integration's response side, compiled: which IntegrationResponse, its template and headers (parity 3.2, 5).

The key is matched on the status, or on a function's ``errorMessage``; ``$default`` takes what no pattern does. On
``$connect`` the status decides the upgrade. What it is for a Lambda function is assumed: 200 for a result, the number
that the chosen key is (``/403/``, ``403``) if it is one, else 502 for an error, as behind a Lambda proxy.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Final

from gateway.engine.exchange import EventType, Exchange
from gateway.engine.integrations.exchange_values import AnswerValues
from gateway.engine.integrations.request_mapping import converted
from gateway.engine.responses import INTERNAL_SERVER_ERROR, Failure, ProxyResponse
from gateway.expressions.parameters import ResponseParameter, parse_response_parameter
from gateway.expressions.pattern import Pattern, TookTooLong, response_pattern
from gateway.expressions.selection import RESPONSE_TEMPLATE
from gateway.expressions.template_choice import TemplateChoice, compile_choice
from gateway.expressions.vtl import TemplateFailed
from gateway.model.backend import Pairs
from gateway.model.hot_value import hot_value
from gateway.model.ids import DEFAULT, RouteKey
from gateway.model.integration import ContentHandling, Integration, IntegrationResponse

FUNCTION_RESULT_STATUS: Final = 200  # assumed: what a function's result counts as on $connect
FUNCTION_ERROR_STATUS: Final = 502  # assumed: likewise for its error, unless the chosen key is a status
_CONTROLS: Final = "\r\n\0"


@hot_value
class Answer:
    """What a backend answered, whatever it was: ``subject`` is matched with the keys; ``error`` is a function's."""

    status: int
    subject: str
    headers: Pairs = ()
    body: bytes = b""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class MappedResponse:
    """One IntegrationResponse; ``pattern`` is None for ``$default``."""

    pattern: Pattern | None
    choice: TemplateChoice
    parameters: tuple[ResponseParameter, ...]
    content_handling: ContentHandling | None

    @property
    def status(self) -> int | None:
        """The status that the key is, None when it is another pattern."""
        text = "" if self.pattern is None else self.pattern.text
        return int(text) if len(text) == 3 and text.isascii() and text.isdigit() and 200 <= int(text) <= 599 else None

    def map(self, exchange: Exchange, answer: Answer, status: int) -> ProxyResponse | Failure:
        """What the client gets. Never raises."""
        text = _handled(answer.body, self.content_handling)
        if isinstance(text, Failure):
            return text
        values = AnswerValues(exchange, status, answer.headers, text, answer.error)
        template = self.choice.choose(values.resolver()) if self.choice.templates else None
        try:
            body = text if template is None else template.render(values)
        except TemplateFailed as error:
            return Failure(INTERNAL_SERVER_ERROR, 500, f"template {error}")
        headers = tuple((each.header, value) for each in self.parameters for value in each.source.find(values))
        if any(character in value for _, value in headers for character in _CONTROLS):
            return Failure(INTERNAL_SERVER_ERROR, 500, "a mapped header would hold a line break")
        return ProxyResponse(status, headers, body.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class ResponseMapping:
    """``patterns`` in the definition's order; ``default`` is None when there is no ``$default``.

    With neither, a one-way route takes whatever the backend says; whoever waits for an answer is failed.
    """

    patterns: tuple[MappedResponse, ...]
    default: MappedResponse | None

    def map(self, exchange: Exchange, answer: Answer, unmatched: Failure | None = None) -> ProxyResponse | Failure:
        """What the client gets; ``unmatched`` when no key takes the answer. Never raises."""
        try:
            chosen = next((each for each in self.patterns if _matches(each, answer.subject)), self.default)
        except TookTooLong:
            return Failure(INTERNAL_SERVER_ERROR, 500, "an IntegrationResponseKey takes too long to match")
        if chosen is None:
            if not self.patterns and unmatched is None and not _is_awaited(exchange):
                return ProxyResponse(answer.status, (), None)
            why = f"no integration response for {answer.subject[:200]!r}"
            return unmatched or Failure(INTERNAL_SERVER_ERROR, 500, why)
        status = answer.status if answer.error is None else chosen.status or answer.status
        return chosen.map(exchange, answer, status)


def _is_awaited(exchange: Exchange) -> bool:
    """Whether the answer matters to the client: it decides an upgrade, or a two-way route sends it."""
    if exchange.event_type is not EventType.MESSAGE:
        return exchange.event_type is EventType.CONNECT
    route = exchange.endpoint.api.route(RouteKey(exchange.route_key))
    return route is not None and route.two_way


def compile_responses(integration: Integration) -> ResponseMapping:
    """Raises ExpressionError for what a loaded definition cannot hold."""
    mapped = {response.key: _compile(response) for response in integration.responses.values()}
    patterns = tuple(each for each in mapped.values() if each.pattern is not None)
    return ResponseMapping(patterns, mapped.get(DEFAULT))


def _compile(response: IntegrationResponse) -> MappedResponse:
    owner = f"{response.logical_id} ResponseTemplates"
    expression = response.template_selection_expression
    return MappedResponse(
        response_pattern(response.key),
        compile_choice(response.response_templates, expression, RESPONSE_TEMPLATE, owner),
        tuple(parse_response_parameter(*pair) for pair in response.response_parameters.items()),
        response.content_handling,
    )


def _matches(response: MappedResponse, subject: str) -> bool:
    return response.pattern is not None and response.pattern.matches(subject)


def _handled(body: bytes, handling: ContentHandling | None) -> str | Failure:
    """The body as templates and clients get it; bytes that are no text become U+FFFD (parity fact 9)."""
    if handling is ContentHandling.CONVERT_TO_TEXT:
        return b64encode(body).decode("ascii")
    text = body.decode("utf-8", "replace")
    decoded = converted(text, handling)
    return decoded if isinstance(decoded, Failure) else decoded.decode("utf-8", "replace")
