"""`{"action": "join", "room": "tea"}`: enter a room, leaving the one before; both rooms are told."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import APIGatewayWebSocketEvent, event_source
from aws_lambda_powertools.utilities.typing import LambdaContext

import room_store
from postbox import Postbox

MAX_ROOM_LENGTH = 64

logger = Logger()


@logger.inject_lambda_context(correlation_id_path="requestContext.connectionId")
@event_source(data_class=APIGatewayWebSocketEvent)
def handler(event: APIGatewayWebSocketEvent, context: LambdaContext) -> dict[str, Any]:
    postbox = Postbox(event)
    connection_id = event.request_context.connection_id
    room = event.json_body.get("room")
    member = room_store.find(connection_id)
    if not isinstance(room, str) or not 1 <= len(room) <= MAX_ROOM_LENGTH:
        postbox.send(connection_id, {"event": "error", "problem": f"name a room in 1 to {MAX_ROOM_LENGTH} characters"})
    elif member is None:
        postbox.send(connection_id, {"event": "error", "problem": "this connection is not known any more: reconnect"})
    else:
        enter(room, member, postbox)
    return {"statusCode": 200}


def enter(room: str, member: room_store.Member, postbox: Postbox) -> None:
    left = member.room
    if not room_store.move(member, room):
        return
    logger.info("Joined", room=room)
    if left not in (None, room):
        postbox.announce_leaving(member.name, left)
    postbox.broadcast(room, {"event": "joined", "room": room, "name": member.name})
