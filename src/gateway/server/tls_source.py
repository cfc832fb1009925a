"""Where a port's TLS context comes from: each connection gets the one that holds when it is accepted."""

from __future__ import annotations

from collections.abc import Callable
from ssl import SSLContext

Contexts = Callable[[], SSLContext]


def contexts_of(tls: SSLContext | Contexts | None) -> Contexts | None:
    """One that stays the same, as one that may change; None for plain TCP."""
    return (lambda: tls) if isinstance(tls, SSLContext) else tls
