"""Parameter mappings of integrations (parity 5.1): read once, evaluated per request or response.

A request parameter puts a value into the backend's header, query or path; a response parameter puts one into a header
of what the client gets, which on a socket is only ever the answer to the handshake. A source that finds nothing
leaves its target out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from gateway.expressions.jsonpath import MISSING, Path, compile_path
from gateway.model.errors import ExpressionError
from gateway.model.json_text import NotJson, read, text_of

PATH_PARAMETER: Final = re.compile(r"(?<!\$)\{([^{}]*)\}")
_NAME: Final = re.compile(r"[a-zA-Z0-9._$-]+")
# parity 5.3 and 2.4; identity, authorizer and error go on with a name
_CONTEXT: Final = frozenset(
    (
        *("accountId", "apiId", "connectedAt", "connectionId", "disconnectReason", "disconnectStatusCode"),
        *("domainName", "domainPrefix", "eventType", "extendedRequestId", "messageDirection", "messageId"),
        *("requestId", "requestTime", "requestTimeEpoch", "routeKey", "stage", "status"),
    )
)
_CONTEXT_GROUPS: Final = ("identity.", "authorizer.", "error.")


class Place(Enum):
    """Where in the backend's request a parameter goes."""

    HEADER = "header"
    QUERYSTRING = "querystring"
    PATH = "path"


class Origin(Enum):
    """Where a value comes from; headers are the handshake's for a request, the backend's for a response."""

    HEADER = "header"
    QUERYSTRING = "querystring"
    BODY = "body"
    CONTEXT = "context"
    STAGE_VARIABLE = "stageVariables"
    LITERAL = "literal"


class Values(Protocol):
    """What a request or response holds for sources to find; an absent one is an empty list."""

    def header(self, name: str) -> list[str]: ...

    def querystring(self, name: str) -> list[str]: ...

    def body(self) -> str: ...

    def context_variable(self, name: str) -> str | None: ...

    def stage_variables(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Source:
    """``name`` is what follows the origin, of a literal its text; ``path`` is set when a part of the body is meant;
    ``is_multi`` when every value of a repeated parameter is."""

    origin: Origin
    name: str = ""
    path: Path | None = None
    is_multi: bool = False

    def find(self, values: Values) -> list[str]:
        """The values, none when there is nothing. Never raises."""
        match self.origin:
            case Origin.LITERAL:
                return [self.name]
            case Origin.CONTEXT:
                return _known(values.context_variable(self.name))
            case Origin.STAGE_VARIABLE:
                return _known(values.stage_variables().get(self.name))
            case Origin.BODY:
                return self._in_body(values.body())
            case Origin.HEADER:
                found = values.header(self.name)
            case Origin.QUERYSTRING:
                found = values.querystring(self.name)
        return found if self.is_multi else found[-1:]

    def _in_body(self, body: str) -> list[str]:
        if self.path is None:
            return [body]
        try:
            found = self.path.find(read(body))
            return [] if found is MISSING else [text_of(found)]
        except (NotJson, RecursionError):
            return []


@dataclass(frozen=True, slots=True)
class RequestParameter:
    """``integration.request.{place}.{name}`` and where its value comes from."""

    place: Place
    name: str
    source: Source


@dataclass(frozen=True, slots=True)
class ResponseParameter:
    """A header of the client's response, and where its value comes from."""

    header: str
    source: Source


def parse_request_parameter(target: str, source: str) -> RequestParameter:
    """Raises ExpressionError for what AWS would refuse."""
    for place in Place:
        name = target.removeprefix(f"integration.request.{place.value}.")
        if name != target and _NAME.fullmatch(name):
            return RequestParameter(place, name, _source(source, _REQUEST))
    message = f"{target} must be integration.request.header, .querystring or .path with a name"
    raise ExpressionError(message, 0)


def parse_response_parameter(target: str, source: str) -> ResponseParameter:
    """Raises ExpressionError for what AWS would refuse."""
    for prefix in ("method.response.header.", "route.response.header."):
        name = target.removeprefix(prefix)
        if name != target and _NAME.fullmatch(name):
            return ResponseParameter(name, _source(source, _RESPONSE))
    raise ExpressionError(f"{target} must be method.response.header with a name", 0)


def path_parameters(text: str) -> list[str]:
    """The names in braces of a URL or service path; ``${stageVariables.x}`` is none."""
    return PATH_PARAMETER.findall(text)


@dataclass(frozen=True, slots=True)
class _Side:
    """The spelling of one side's sources: prefixes of its parameters, and of its body."""

    parameters: Mapping[str, tuple[Origin, bool]]
    body: str
    known: str


_REQUEST: Final = _Side(
    {
        "route.request.header.": (Origin.HEADER, False),
        "route.request.querystring.": (Origin.QUERYSTRING, False),
        "route.request.multivalueheader.": (Origin.HEADER, True),
        "route.request.multivaluequerystring.": (Origin.QUERYSTRING, True),
    },
    "route.request.body",
    "route.request.{header,querystring,multivalueheader,multivaluequerystring}.NAME, route.request.body[.PATH]",
)
_RESPONSE: Final = _Side(
    {
        "integration.response.header.": (Origin.HEADER, False),
        "integration.response.multivalueheader.": (Origin.HEADER, True),
    },
    "integration.response.body",
    "integration.response.{header,multivalueheader}.NAME, integration.response.body[.PATH]",
)


def _source(text: str, side: _Side) -> Source:
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return Source(Origin.LITERAL, text[1:-1])
    for prefix, (origin, is_multi) in side.parameters.items():
        name = text.removeprefix(prefix)
        if name != text and _NAME.fullmatch(name):
            return Source(origin, name, is_multi=is_multi)
    if text == side.body or text.startswith((f"{side.body}.", f"{side.body}[")):
        return _body_source(text, len(side.body))
    variable = _variable(text)
    if variable is None:
        message = f"{text} must be 'text' in quotes, {side.known}, context.NAME or stageVariables.NAME"
        raise ExpressionError(message, 0)
    return variable


def _variable(text: str) -> Source | None:
    root, _, name = text.partition(".")
    if root == Origin.STAGE_VARIABLE.value and _NAME.fullmatch(name):
        return Source(Origin.STAGE_VARIABLE, name)
    if root != Origin.CONTEXT.value or not _NAME.fullmatch(name):
        return None
    if name not in _CONTEXT and not name.startswith(_CONTEXT_GROUPS):
        raise ExpressionError(f"there is no context variable {name}", len("context."))
    return Source(Origin.CONTEXT, name)


def _body_source(text: str, start: int) -> Source:
    """``body.a``, ``body.$.a`` and ``body['a']`` are all paths from the body's root."""
    rest = text[start:]
    if not rest:
        return Source(Origin.BODY)
    path = rest[1:] if rest.startswith(".$") else f"${rest}"
    try:
        return Source(Origin.BODY, path, compile_path(path))
    except ExpressionError as error:
        raise ExpressionError(error.message, start) from None


def _known(value: str | None) -> list[str]:
    return [] if value is None else [value]
