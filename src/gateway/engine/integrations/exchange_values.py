"""What mappings read of an exchange: the client's side for requests, the backend's answer for responses.

Both serve templates and parameters alike. Everything is made when it is asked for, for most mappings ask for little.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Final
from urllib.parse import parse_qsl

from gateway.engine import events
from gateway.engine.exchange import Exchange
from gateway.expressions.selection import Resolver, Root, Variable
from gateway.expressions.template_choice import body_resolver
from gateway.expressions.velocity.values import BuiltIn, Value
from gateway.expressions.vtl_input import Parameters, input_object
from gateway.model.backend import Pairs

# Numbers in $context, so that a template can compute a time to live; everything else is a string.
_NUMBERS: Final = frozenset({"connectedAt", "requestTimeEpoch", "disconnectStatusCode"})


class RequestValues:
    """The handshake's headers and query are there on CONNECT only; a lifecycle event's body is empty."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange

    def body(self) -> str:
        return self.exchange.body or ""

    def input(self) -> BuiltIn:
        return input_object(self.body(), self.parameters)

    def parameters(self) -> Parameters:
        """By place, the last of repeated values."""
        return {"header": dict(self._headers), "querystring": dict(self._query)}

    def header(self, name: str) -> list[str]:
        wanted = name.lower()
        return [value for key, value in self._headers if key.lower() == wanted]

    def querystring(self, name: str) -> list[str]:
        return [value for key, value in self._query if key == name]

    def context(self) -> dict[str, Value]:
        nested: dict[str, Value] = {}
        for name, text in self._context.items():
            group, dot, rest = name.partition(".")
            if not dot:
                nested[name] = int(text) if name in _NUMBERS else text
                continue
            inner = nested.setdefault(group, {})
            assert isinstance(inner, dict)
            inner[rest] = text
        return nested

    def context_variable(self, name: str) -> str | None:
        return self._context.get(name)

    def stage_variables(self) -> Mapping[str, str]:
        return self.exchange.endpoint.stage.stage_variables

    def resolver(self) -> Resolver:
        """For selection expressions."""
        return body_resolver(self.body())

    @cached_property
    def _context(self) -> dict[str, str]:
        return self.exchange.context()

    @cached_property
    def _headers(self) -> list[tuple[str, str]]:
        return [] if self.exchange.handshake is None else events.forwarded_headers(self.exchange)

    @cached_property
    def _query(self) -> list[tuple[str, str]]:
        handshake = self.exchange.handshake
        return [] if handshake is None else parse_qsl(handshake.query, keep_blank_values=True)


class AnswerValues(RequestValues):
    """The backend's answer to the exchange; ``error`` is what a function failed with, None when nothing failed.

    The request stays what context and ``$input.params`` tell of.
    """

    def __init__(self, exchange: Exchange, status: int, headers: Pairs, text: str, error: str | None = None) -> None:
        super().__init__(exchange)
        self._status = status
        self._answer_headers = headers
        self._text = text
        self._error = error

    def body(self) -> str:
        return self._text

    def header(self, name: str) -> list[str]:
        wanted = name.lower()
        return [value for key, value in self._answer_headers if key.lower() == wanted]

    def querystring(self, name: str) -> list[str]:
        return []

    def resolver(self) -> Resolver:
        """``request.body`` is the client's message, as its name says."""
        of_message = body_resolver(self.exchange.body or "")

        def resolve(variable: Variable) -> str:
            match variable.root:
                case Root.INTEGRATION_STATUS:
                    return str(self._status)
                case Root.INTEGRATION_HEADER:
                    return "".join(self.header(variable.name)[-1:])
                case Root.INTEGRATION_MULTI_HEADER:
                    return ", ".join(self.header(variable.name))
            return of_message(variable)

        return resolve

    @cached_property
    def _context(self) -> dict[str, str]:
        context = {**self.exchange.context(), "status": str(self._status)}
        if self._error is not None:
            context["error.message"] = self._error
            context["error.messageString"] = json.dumps(self._error, ensure_ascii=False)
        return context
