"""``HTTP_PROXY``: the event to any web server as it is, the server's answer to the client as it is (parity 5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from gateway.engine.events import forwarded_headers
from gateway.engine.exchange import Exchange
from gateway.engine.integrations.exchange_values import RequestValues
from gateway.engine.integrations.request_mapping import RequestMapping, replaced
from gateway.engine.responses import Failure, ProxyResponse, read_result
from gateway.expressions.parameters import Place
from gateway.model.backend import Pairs, UpstreamRequest
from gateway.model.integration import HttpTarget
from gateway.model.invocation import InvocationResult

# Of the handshake everything is forwarded but what is about the client's own hop: RFC 9110 §7.6.1. Assumed.
NOT_FORWARDED: Final = frozenset(
    {
        *("connection", "content-length", "host", "keep-alive", "proxy-authenticate", "proxy-authorization"),
        *("proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
    }
)
BODY_CONTENT_TYPE: Final = "application/json"  # assumed: of a message's text, unless one is mapped
BINARY_CONTENT_TYPE: Final = "application/octet-stream"  # of a binary message, which AWS has not


@dataclass(frozen=True, slots=True)
class HttpProxyPlan:
    """``target.url`` is one stage's; ``{name}`` in it is a path parameter."""

    target: HttpTarget
    method: str
    timeout_ms: int
    request_mapping: RequestMapping

    def request(self, exchange: Exchange) -> UpstreamRequest | Failure:
        values = RequestValues(exchange)
        body = self.request_mapping.body(values)
        if isinstance(body, Failure):
            return body
        query = "" if exchange.handshake is None else exchange.handshake.query
        return upstream_request(
            self.target, self.method, self.request_mapping, values, body, _client_headers(exchange), query
        )

    def answer(self, exchange: Exchange, result: InvocationResult) -> ProxyResponse | Failure:
        return read_result(result)


def upstream_request(
    target: HttpTarget,
    method: str,
    mapping: RequestMapping,
    values: RequestValues,
    body: bytes,
    forwarded: Pairs = (),
    query: str = "",
) -> UpstreamRequest:
    """With the gateway's own headers, over them those of the client, over them those that are mapped."""
    own = _own_headers(values.exchange, body, mapping.sends_bytes_of(values.exchange))
    headers = replaced(replaced(own, forwarded), mapping.pairs(values, Place.HEADER))
    url = with_query(mapping.with_path(target.url, values), query, mapping.pairs(values, Place.QUERYSTRING))
    return UpstreamRequest(method, url, headers, body, target.server_name)


def with_query(url: str, raw_query: str, added: Pairs) -> str:
    """``url`` with both: the raw one as the client sent it but for the names that are added, the added ones encoded."""
    names = {name for name, _ in added}
    kept = [part for part in raw_query.split("&") if unquote_plus(part.partition("=")[0]) not in names]
    encoded = [f"{quote_plus(name)}={quote_plus(value, errors='replace')}" for name, value in added]
    parts = [part for part in (*kept, *encoded) if part]
    if not parts:
        return url
    return f"{url}{'&' if '?' in url else '?'}{'&'.join(parts)}"


def _client_headers(exchange: Exchange) -> Pairs:
    if exchange.handshake is None:
        return ()
    return tuple(pair for pair in forwarded_headers(exchange) if pair[0].lower() not in NOT_FORWARDED)


def _own_headers(exchange: Exchange, body: bytes, is_binary: bool) -> Pairs:
    """As the gateway sends them to functions (parity 5.2); assumed to be the same for web servers."""
    api_id = exchange.connection.api_id
    headers = (
        ("User-Agent", f"AmazonAPIGateway_{api_id}"),
        ("x-amzn-apigateway-api-id", api_id),
        ("X-Amzn-Trace-Id", exchange.occasion.trace_id),
        ("Accept", "application/json"),
    )
    content_type = BINARY_CONTENT_TYPE if is_binary else BODY_CONTENT_TYPE
    return (*headers, ("Content-Type", content_type)) if body else headers
