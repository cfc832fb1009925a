"""An integration's request side, compiled: parameters, the template to use, and what passes without one (parity 5)."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from gateway.engine.exchange import Exchange
from gateway.engine.integrations.exchange_values import RequestValues
from gateway.engine.responses import INTERNAL_SERVER_ERROR, Failure
from gateway.expressions.parameters import (
    PATH_PARAMETER,
    Place,
    RequestParameter,
    parse_request_parameter,
)
from gateway.expressions.selection import TEMPLATE
from gateway.expressions.template_choice import TemplateChoice, compile_choice
from gateway.expressions.vtl import TemplateFailed
from gateway.model.backend import Pairs
from gateway.model.integration import ContentHandling, Integration, PassthroughBehavior

UNSUPPORTED_MEDIA_TYPE: Final = "Unsupported Media Type"  # assumed: a request without its template, as in REST APIs
UNSUPPORTED_MEDIA_TYPE_STATUS: Final = 415  # assumed, likewise


@dataclass(frozen=True, slots=True)
class RequestMapping:
    """Makes the parts of a backend's request. No method raises."""

    parameters: tuple[RequestParameter, ...]
    choice: TemplateChoice
    passthrough: PassthroughBehavior
    content_handling: ContentHandling | None

    def text(self, values: RequestValues) -> str | Failure:
        """The body, mapped by the template that is chosen, or passed through."""
        template = self.choice.choose(values.resolver()) if self.choice.templates else None
        if template is None:
            return values.body() if self._passes() else _unsupported(self.passthrough)
        try:
            return template.render(values)
        except TemplateFailed as error:
            return Failure(INTERNAL_SERVER_ERROR, 500, f"template {error}")

    def body(self, values: RequestValues) -> bytes | Failure:
        """``text`` as bytes; CONVERT_TO_BINARY takes it for base64. A binary message is itself where no template could
        map it, and base64 where CONVERT_TO_TEXT asks for that."""
        text = self.text(values)
        if isinstance(text, Failure):
            return text
        sends_bytes = self.sends_bytes_of(values.exchange)
        return converted(text, ContentHandling.CONVERT_TO_BINARY if sends_bytes else self.content_handling)

    def sends_bytes_of(self, exchange: Exchange) -> bool:
        """Whether the body is a binary message as it came."""
        may = not self.choice.templates and self.content_handling is not ContentHandling.CONVERT_TO_TEXT
        return may and exchange.is_base64

    def pairs(self, values: RequestValues, place: Place) -> Pairs:
        """The parameters that go into headers or the query, in the definition's order."""
        wanted = (parameter for parameter in self.parameters if parameter.place is place)
        return tuple((each.name, value) for each in wanted for value in each.source.find(values))

    def with_path(self, text: str, values: RequestValues) -> str:
        """``text`` with each ``{name}`` replaced, percent-encoded; one that nothing is found for becomes nothing."""
        if "{" not in text:
            return text
        found = dict(self.pairs(values, Place.PATH))
        return PATH_PARAMETER.sub(lambda name: _segment(found.get(name[1], "")), text)

    def _passes(self) -> bool:
        if self.passthrough is PassthroughBehavior.WHEN_NO_TEMPLATES:
            return not self.choice.templates
        return self.passthrough is PassthroughBehavior.WHEN_NO_MATCH


def compile_request(integration: Integration) -> RequestMapping:
    """Raises ExpressionError for what a loaded definition cannot hold. A proxy has no templates to choose from."""
    parameters = tuple(parse_request_parameter(*pair) for pair in integration.request_parameters.items())
    templates = {} if integration.is_proxy else integration.request_templates
    expression = None if integration.is_proxy else integration.template_selection_expression
    return RequestMapping(
        parameters,
        compile_choice(templates, expression, TEMPLATE, f"{integration.logical_id} RequestTemplates"),
        PassthroughBehavior.WHEN_NO_MATCH if integration.is_proxy else integration.passthrough_behavior,
        integration.content_handling,
    )


def converted(text: str, handling: ContentHandling | None) -> bytes | Failure:
    """A text message for the backend; to text it is already."""
    if handling is not ContentHandling.CONVERT_TO_BINARY:
        return text.encode("utf-8", "replace")
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return Failure(INTERNAL_SERVER_ERROR, 500, "CONVERT_TO_BINARY: the body is not base64")


def replaced(pairs: Iterable[tuple[str, str]], ours: Pairs) -> Pairs:
    """``pairs`` with ``ours`` in the place of those of their names, in whatever case."""
    named = {name.lower() for name, _ in ours}
    return (*(pair for pair in pairs if pair[0].lower() not in named), *ours)


def _unsupported(passthrough: PassthroughBehavior) -> Failure:
    why = f"no request template fits and PassthroughBehavior is {passthrough.value}"
    return Failure(UNSUPPORTED_MEDIA_TYPE, UNSUPPORTED_MEDIA_TYPE_STATUS, why)


def _segment(value: str) -> str:
    """One segment of a path, that cannot climb out of its place either."""
    encoded = quote(value, safe="", errors="replace")
    return encoded.replace(".", "%2E") if value in (".", "..") else encoded
