"""Handlers that keep every event in a table and answer as the client says."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import boto3

Document = dict[str, Any]
events = boto3.resource("dynamodb").Table(os.environ.get("TABLE", "unused"))


def handler(event: Document, context: object) -> Any:
    keep(event)
    if event["requestContext"]["eventType"] == "CONNECT":
        query = event.get("queryStringParameters") or {}
        return {"statusCode": int(query.get("status", "200")), "body": query.get("body", "")}
    asked = read(event.get("body"))
    match asked.get("do"):
        case "throw":
            raise ValueError("as told")
        case "malformed":
            return {"ConnectionId": "x", "Data": "y", "statusCode": 200}
        case "empty":
            return {"statusCode": 200}
        case "fail":
            return {"statusCode": 503, "body": "busy"}
    if event["requestContext"]["routeKey"] == "slow":
        seconds_pass()
    return {"statusCode": 200, "body": answer(event)}


def guard(event: Document, context: object) -> Document:
    token = event["queryStringParameters"]["token"]
    if token == "unauthorized":
        raise Exception("Unauthorized")
    effect = "Allow" if token == "allow" else "Deny"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "ada", "policyDocument": policy, "context": {"age": 36}}


def keep(event: Document) -> None:
    context = event["requestContext"]
    item = {
        "visit": context["connectionId"],
        "key": context["eventType"] + context["requestId"],
        "event": json.dumps(event),
    }
    events.put_item(Item=item)


def answer(event: Document) -> str:
    context = event["requestContext"]
    return json.dumps({"connectionId": context["connectionId"], "routeKey": context["routeKey"]})


def read(body: str | None) -> Document:
    try:
        asked = json.loads(body or "")
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


def seconds_pass() -> None:
    """Long enough for a message that is handled at the same time to be answered first."""
    time.sleep(1.5)
