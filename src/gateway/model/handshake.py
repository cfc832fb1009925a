"""An opening handshake as read from the wire: validated (RFC 6455 §4.2.1), header names in the client's case."""

from __future__ import annotations

from gateway.model.hot_value import hot_value


@hot_value
class Handshake:
    """``path`` and ``query`` are raw (still percent-encoded), ``query`` without the question mark; ``headers`` keep
    the order and case of the wire; ``port`` is the one the client reached, ``secure`` whether over TLS."""

    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    key: str
    source_ip: str
    port: int
    secure: bool
    subprotocols: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()

    def header(self, name: str) -> str | None:
        """The last value of a header by case-insensitive name, None when the client sent none."""
        wanted, size = name.lower(), len(name)  # compared first: most names differ in it
        for key, value in reversed(self.headers):
            if len(key) == size and key.lower() == wanted:
                return value
        return None
