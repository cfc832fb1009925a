"""Posts to its client through the custom domain, as its base path wants it."""

from __future__ import annotations

import json
from typing import Any

import boto3


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    request = event["requestContext"]
    told = {"domainName": request["domainName"], "stage": request["stage"]}
    connections = boto3.client("apigatewaymanagementapi", endpoint_url=f"https://{request['domainName']}/chat")
    connections.post_to_connection(ConnectionId=request["connectionId"], Data=json.dumps(told).encode())
    return {"statusCode": 200}
