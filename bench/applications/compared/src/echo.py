"""Lets everybody in and answers what came; who asks for its ID is told it."""

from typing import Any

ID = '{"action":"id"}'


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    body = event.get("body")
    if body is None:
        return {"statusCode": 200}
    return {"statusCode": 200, "body": event["requestContext"]["connectionId"] if body == ID else body}
