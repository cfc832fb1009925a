"""Tells a client its connection ID, and prints how connections end."""

from __future__ import annotations

from typing import Any


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    request = event["requestContext"]
    if "disconnectStatusCode" in request:
        print(f"ended {request['connectionId']} {request['disconnectStatusCode']} {request['disconnectReason']}")
    return {"statusCode": 200, "body": request["connectionId"]}
