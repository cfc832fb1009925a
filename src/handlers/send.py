"""`{"action": "send", "text": "hello"}`: say something to everybody in the room, oneself included."""

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
    postbox = Postbox(event)
    connection_id = event.request_context.connection_id
    text = event.json_body.get("text")
    member = room_store.find(connection_id)
    if member is None or member.room is None:
        postbox.send(connection_id, {"event": "error", "problem": "join a room first"})
    elif not isinstance(text, str) or not text:
        postbox.send(connection_id, {"event": "error", "problem": "there is no text to send"})
    else:
        postbox.broadcast(member.room, {"event": "message", "room": member.room, "name": member.name, "text": text})
    return {"statusCode": 200}
