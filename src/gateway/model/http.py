"""An HTTP exchange without a framework: what a service needs of a request, and all that its response carries."""

from __future__ import annotations

from gateway.model.hot_value import hot_value


@hot_value
class HttpRequest:
    """``raw_path`` is as sent (still percent-encoded, without the query), ``query`` without the question mark;
    ``headers`` keep the order and case of the wire; ``host`` is the Host header, empty when there was none;
    ``secure`` says whether it came over TLS."""

    method: str
    raw_path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str
    host: str
    secure: bool = False

    def header(self, name: str) -> str | None:
        """The last value of a header by case-insensitive name, None when the client sent none."""
        wanted = name.lower()
        for key, value in reversed(self.headers):
            if key.lower() == wanted:
                return value
        return None


@hot_value
class HttpResponse:
    """``headers`` hold no framing: ``Date``, ``Content-Length`` and ``Connection`` are the server's."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
