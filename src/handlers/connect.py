"""`$connect`: somebody opens `wss://…/dev?name=ada`. Any status but 2xx refuses the connection."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import APIGatewayWebSocketEvent, event_source
from aws_lambda_powertools.utilities.typing import LambdaContext

import room_store

MAX_NAME_LENGTH = 32

logger = Logger()


@logger.inject_lambda_context(correlation_id_path="requestContext.connectionId")
@event_source(data_class=APIGatewayWebSocketEvent)
def handler(event: APIGatewayWebSocketEvent, context: LambdaContext) -> dict[str, Any]:
    name = event.query_string_parameters.get("name", "").strip()
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        logger.info("Refused: no usable name")
        return {"statusCode": 400, "body": f"Say who you are in 1 to {MAX_NAME_LENGTH} characters: add ?name=ada"}
    room_store.add(event.request_context.connection_id, name)
    logger.info("Connected", visitor=name)
    return {"statusCode": 200}
