"""Why a server could not be asked, in one line: names, addresses and certificates, little of the library's words."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from typing import Final

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientOSError,
    ClientPayloadError,
    ClientResponseError,
    InvalidURL,
    ServerDisconnectedError,
)

MAX_CHARS: Final = 300


class Lost(ClientError):
    """The connection could not be made, or ended before an answer; ``__cause__`` says how."""


def reason(error: BaseException) -> str:
    """One line, at most ``MAX_CHARS`` characters."""
    if isinstance(error, Lost) and error.__cause__ is not None:
        error = error.__cause__
    text = next((words(error) for kind, words in _WORDS if isinstance(error, kind)), None) or _own_words(error)
    line = " ".join(text.split())
    return line if len(line) <= MAX_CHARS else line[:MAX_CHARS] + "…"


def _certificate(error: ClientConnectorCertificateError) -> str:
    inner = error.certificate_error
    why = getattr(inner, "verify_message", "") or str(inner)
    return f"the certificate of {error.host}:{error.port} cannot be trusted: {why}"


def _connector(error: ClientConnectorError) -> str:
    inner = error.os_error
    if isinstance(inner, ssl.SSLError):
        return f"no TLS with {error.host}:{error.port}: {inner.reason or inner}"
    why = os.strerror(inner.errno) if inner.errno else "none of its addresses answers"
    return f"{error.host}:{error.port} cannot be reached: {why}"


def _own_words(error: BaseException) -> str:
    return str(error) or type(error).__name__


# In this order: the first kind that fits speaks.
_WORDS: Final[tuple[tuple[type[BaseException], Callable[..., str]], ...]] = (
    (ClientConnectorCertificateError, _certificate),
    (ClientConnectorDNSError, lambda error: f"the host name {error.host} cannot be resolved"),
    (ClientConnectorError, _connector),
    (ClientOSError, lambda error: "the connection broke off"),
    (ServerDisconnectedError, lambda error: "it closed the connection without an answer"),
    (ClientPayloadError, lambda error: "its answer broke off"),
    (ClientResponseError, lambda error: f"its answer is no HTTP: {error.message}"),
    (InvalidURL, lambda error: f"{error.url!s} is no URL"),
)
