"""Event documents without credentials, for a data trace: as on AWS, what the application itself sends stays."""

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
        "authorization",
        "proxy-authorization",
        "x-api-key",
        "x-amz-credential",
        "x-amz-security-token",
        "x-amz-signature",
    }
)


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
        return {key: _hidden(each) if key.lower() in _SECRET else each for key, each in value.items()}
    if name == "requestContext" and isinstance(value, dict):
        return value | _identity(value)
    return value


def _identity(context: Mapping[str, Any]) -> dict[str, Any]:
    identity = context.get("identity")
    if not isinstance(identity, dict) or not identity.get("apiKey"):
        return {}
    return {"identity": identity | {"apiKey": REDACTED}}


def _hidden(value: Any) -> Any:
    if isinstance(value, list):
        return [each and REDACTED for each in value]
    return value and REDACTED
