"""Invoked by another function: posts to the connection it is told of, and answers."""

from __future__ import annotations

from typing import Any

import boto3
from endpoint import endpoint


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    request = event["request"]
    connections = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint("E1", request))
    connections.post_to_connection(ConnectionId=request["connectionId"], Data=b"other was invoked")
    return {"name": context.function_name}
