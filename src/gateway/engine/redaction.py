"""Event documents without credentials, for a data trace: as on AWS, what the application itself sends stays.

Browsers cannot give a WebSocket a header, so applications carry their tokens in cookies, in the query under names that
are usual, or as a subprotocol: those go too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

REDACTED: Final = "[REDACTED]"
_PARAMETERS: Final = frozenset(
    {"headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters"}
)
_SECRET: Final = frozenset(
    {
        "access_token",
        "api_key",
        "apikey",
        "authorization",
        "client_secret",
        "code",
        "cookie",
        "id_token",
        "jwt",
        "password",
        "proxy-authorization",
        "refresh_token",
        "secret",
        "set-cookie",
        "token",
        "x-amz-credential",
        "x-amz-security-token",
        "x-amz-signature",
        "x-api-key",
        "x-auth-token",
    }
)
_SUBPROTOCOLS: Final = "sec-websocket-protocol"
_LONGEST_NAME: Final = 32  # of a subprotocol; what is longer is a token


def redacted(payload: bytes) -> bytes:
    """``payload`` as it is, unless it is an event that carries a credential."""
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return payload
    if not isinstance(document, dict):
        return payload
    without = {name: _without_secrets(name, value) for name, value in document.items()}
    return payload if without == document else json.dumps(without, ensure_ascii=False, separators=(",", ":")).encode()


def _without_secrets(name: str, value: Any) -> Any:
    if name in _PARAMETERS and isinstance(value, dict):
        return {key: _shown(key.lower(), each) for key, each in value.items()}
    if name == "requestContext" and isinstance(value, dict):
        return value | _identity(value)
    return value


def _identity(context: Mapping[str, Any]) -> dict[str, Any]:
    identity = context.get("identity")
    if not isinstance(identity, dict) or not identity.get("apiKey"):
        return {}
    return {"identity": identity | {"apiKey": REDACTED}}


def _shown(key: str, value: Any) -> Any:
    if key == _SUBPROTOCOLS:
        return [_names(each) for each in value] if isinstance(value, list) else _names(value)
    return _hidden(value) if key in _SECRET else value


def _names(value: Any) -> Any:
    """The subprotocols that are short enough to be names."""
    if not isinstance(value, str) or len(value) <= _LONGEST_NAME:
        return value
    names = [each.strip() for each in value.split(",")]
    return ", ".join(each if len(each) <= _LONGEST_NAME else REDACTED for each in names)


def _hidden(value: Any) -> Any:
    if isinstance(value, list):
        return [each and REDACTED for each in value]
    return value and REDACTED
