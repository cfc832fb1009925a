"""`$default`: whatever no other route takes is answered with help, returned to the client by the route response."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import APIGatewayWebSocketEvent, event_source
from aws_lambda_powertools.utilities.typing import LambdaContext

EXAMPLES = [{"action": "join", "room": "tea"}, {"action": "send", "text": "hello"}]

logger = Logger()


@logger.inject_lambda_context(correlation_id_path="requestContext.connectionId")
@event_source(data_class=APIGatewayWebSocketEvent)
def handler(event: APIGatewayWebSocketEvent, context: LambdaContext) -> dict[str, Any]:
    return {"statusCode": 200, "body": json.dumps({"event": "help", "problem": problem(event), "try": EXAMPLES})}


def problem(event: APIGatewayWebSocketEvent) -> str:
    try:
        message = event.json_body
    except json.JSONDecodeError:
        return "that is not JSON"
    if not isinstance(message, dict) or "action" not in message:
        return "that names no action"
    return "there is no such action"
