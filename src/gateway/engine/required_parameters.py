"""``Route.RequestParameters`` that a handshake must carry (parity 5.1): header and query parameters, not blank."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from gateway.model.errors import ExpressionError
from gateway.model.handshake import Handshake

_HEADERS: Final = ("route.request.header.", "route.request.multivalueheader.")
_QUERIES: Final = ("route.request.querystring.", "route.request.multivaluequerystring.")


@dataclass(frozen=True, slots=True)
class RequiredParameter:
    """``name`` in the query, else in the headers."""

    name: str
    is_query: bool


def required_parameters(parameters: Mapping[str, bool]) -> tuple[RequiredParameter, ...]:
    """Those of ``Route.request_parameters`` that are required. Raises ExpressionError for a name that is none."""
    return tuple(_parameter(text) for text, is_required in parameters.items() if is_required)


def missing_parameters(required: Iterable[RequiredParameter], handshake: Handshake) -> list[str]:
    """The names of those that are absent or blank, in order."""
    query = dict(parse_qsl(handshake.query, keep_blank_values=True))
    found = ((each, query.get(each.name) if each.is_query else handshake.header(each.name)) for each in required)
    return [each.name for each, value in found if not (value or "").strip()]


def _parameter(text: str) -> RequiredParameter:
    for prefix in (*_HEADERS, *_QUERIES):
        if text.startswith(prefix) and len(text) > len(prefix):
            return RequiredParameter(text.removeprefix(prefix), prefix in _QUERIES)
    raise ExpressionError(f"a request parameter is one of {', '.join(f'{p}NAME' for p in (*_HEADERS, *_QUERIES))}", 0)
