"""Sends JSON messages to one connection or to a room, and forgets the ones that are gone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import APIGatewayWebSocketEvent

import room_store
from many import GONE, post_to_connections

Message = Mapping[str, Any]

logger = Logger()


@cache
def client(endpoint_url: str) -> Any:
    return boto3.client("apigatewaymanagementapi", endpoint_url=endpoint_url)


class Postbox:
    """Reaches every connection of the API and stage that an event came from."""

    def __init__(self, event: APIGatewayWebSocketEvent) -> None:
        context = event.request_context
        self._client = client(f"https://{context.domain_name}/{context.stage}")

    def send(self, connection_id: str, message: Message) -> bool:
        """Send to one connection; False when it is gone."""
        try:
            self._client.post_to_connection(ConnectionId=connection_id, Data=json.dumps(message).encode())
        except self._client.exceptions.GoneException:
            return False
        return True

    def broadcast(self, room: str, message: Message) -> None:
        """Send to everybody who is in a room. Those who turn out to be gone are forgotten, and the others are told."""
        members = {member.connection_id: member for member in room_store.members(room)}
        outcomes = post_to_connections(self._client, members, json.dumps(message).encode())
        gone = [members[connection_id] for connection_id, outcome in outcomes.items() if outcome == GONE]
        for member in [member for member in gone if room_store.remove(member.connection_id)]:
            logger.info("Forgot a stale connection", stale=member.connection_id)
            self.announce_leaving(member.name, room)

    def announce_leaving(self, name: str, room: str) -> None:
        self.broadcast(room, {"event": "left", "room": room, "name": name})
