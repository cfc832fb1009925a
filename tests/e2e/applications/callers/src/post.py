"""Tells a client its connection ID, by a post of its own."""

from __future__ import annotations

from typing import Any

import boto3


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    request = event["requestContext"]
    url = f"https://{request['domainName']}/{request['stage']}"
    connections = boto3.client("apigatewaymanagementapi", endpoint_url=url)
    connections.post_to_connection(ConnectionId=request["connectionId"], Data=request["connectionId"].encode())
    return {"statusCode": 200}
