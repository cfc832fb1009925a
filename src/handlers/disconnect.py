"""`$disconnect`: a connection has ended, from whichever side. Forget it and tell the room."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import APIGatewayWebSocketEvent, event_source
from aws_lambda_powertools.utilities.typing import LambdaContext

import room_store
from postbox import Postbox

logger = Logger()


@logger.inject_lambda_context(correlation_id_path="requestContext.connectionId")
@event_source(data_class=APIGatewayWebSocketEvent)
def handler(event: APIGatewayWebSocketEvent, context: LambdaContext) -> dict[str, Any]:
    connection = event.request_context
    logger.info("Disconnected", code=connection.disconnect_status_code, reason=connection.disconnect_reason)
    member = room_store.remove(connection.connection_id)  # None when delivered twice, or found stale before
    if member is not None and member.room is not None:
        Postbox(event).announce_leaving(member.name, member.room)
    return {"statusCode": 200}
