"""Handlers that do what the client tells them, and print every event."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from threading import Event
from typing import Any

Document = dict[str, Any]


def handler(event: Document, context: object) -> Document:
    print(json.dumps(event))
    match event["requestContext"]["routeKey"]:
        case "$connect":
            return connect(event.get("queryStringParameters", {}))
        case "whoami":
            return {"statusCode": 200, "body": json.dumps(event["requestContext"]["authorizer"])}
        case _:
            return {"statusCode": 503, "body": event.get("body", "")}


def connect(asked: dict[str, str]) -> Document:
    headers = {"Sec-WebSocket-Protocol": asked["protocol"]} if "protocol" in asked else {"X-Seen": "yes"}
    return {"statusCode": int(asked.get("status", "200")), "headers": headers, "body": asked.get("body", "")}


def guard(event: Document, context: object) -> Document:
    query = event["queryStringParameters"]
    print(f"guard asked for visit={query['visit']}")
    token = query["token"]
    if token == "unauthorized":
        raise Exception("Unauthorized")
    effect = "Allow" if token == "allow" else "Deny"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "ada", "policyDocument": policy, "context": {"age": 36}}


def throws() -> Document:
    raise ValueError("as told")


def prints() -> Document:
    print("printed by a handler")
    print("complained by a handler", file=sys.stderr)
    return {"statusCode": 200}


def exits() -> Document:
    sys.exit(3)


def hangs() -> Document:
    Event().wait()
    raise AssertionError


def floods() -> Document:
    return {"statusCode": 200, "body": "x" * 7_000_000}


def forgets() -> Document:
    return {"message": "no status"}


def confuses() -> Any:
    return {"statusCode", "body"}  # a set is nothing that JSON knows


FAULTS: tuple[Callable[[], Any], ...] = (throws, prints, exits, hangs, floods, forgets, confuses)


def faulty(event: Document, context: object) -> Any:
    asked = json.loads(event["body"])["fault"]
    return next(fault for fault in FAULTS if fault.__name__ == asked)()
