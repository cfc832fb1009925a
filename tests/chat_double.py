"""Drives the sample application's handlers with the canonical events, as ``sam local invoke -e`` would.

Importing this module sets the one variable that the handlers read when they are imported.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from connections_double import ConnectionsDouble

PROJECT = Path(__file__).parent.parent
TABLE = os.environ.setdefault("CONNECTIONS_TABLE", "chat-connections")
ADA = "hK3nTc7vdQAYKEjVWA=="  # the connection of every document in events/
BOB = "hK3nTf4gXwAYKEjVXQ=="
EVE = "hK3nTgA1bwAYKEjVYg=="

Result = dict[str, Any]


def document(kind: str) -> dict[str, Any]:
    """A canonical event of ``events/``."""
    parsed: dict[str, Any] = json.loads((PROJECT / "events" / f"{kind}.json").read_text(encoding="utf-8"))
    return parsed


def lambda_context() -> LambdaContext:
    context = LambdaContext()
    context._function_name = "chat"
    context._memory_limit_in_mb = 256
    context._invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:chat"
    context._aws_request_id = "8f7f3c6e-0b0d-4c8e-9a8e-2f6f0d3c5b1a"
    return context


class Chat:
    """Calls handlers on behalf of connections whose messages ``connections`` receives."""

    def __init__(self, connections: ConnectionsDouble) -> None:
        self.connections = connections

    def connect(self, connection_id: str = ADA, name: str | None = "ada") -> Result:
        import connect

        event = self._event("connect", connection_id)
        if name is None:  # without a query AWS leaves the members out
            del event["queryStringParameters"], event["multiValueQueryStringParameters"]
        else:
            event["queryStringParameters"] = {"name": name}
            event["multiValueQueryStringParameters"] = {"name": [name]}
        return connect.handler(event, lambda_context())

    def join(self, room: object, connection_id: str = ADA) -> Result:
        import join

        return join.handler(self._message("join", connection_id, {"action": "join", "room": room}), lambda_context())

    def send(self, text: object, connection_id: str = ADA) -> Result:
        import send

        return send.handler(self._message("send", connection_id, {"action": "send", "text": text}), lambda_context())

    def default(self, body: str) -> Result:
        import default

        return default.handler(self._message("$default", ADA, body), lambda_context())

    def disconnect(self, connection_id: str = ADA) -> Result:
        import disconnect

        return disconnect.handler(self._event("disconnect", connection_id), lambda_context())

    def received(self, connection_id: str) -> list[Any]:
        """What this connection got, oldest first."""
        return [json.loads(text) for receiver, text in self.connections.posted if receiver == connection_id]

    def _message(self, route_key: str, connection_id: str, body: object) -> dict[str, Any]:
        event = self._event("message", connection_id)
        event["requestContext"]["routeKey"] = route_key
        event["body"] = body if isinstance(body, str) else json.dumps(body)
        return event

    def _event(self, kind: str, connection_id: str) -> dict[str, Any]:
        event = document(kind)
        event["requestContext"] |= {"connectionId": connection_id, "domainName": self.connections.domain_name}
        return event
