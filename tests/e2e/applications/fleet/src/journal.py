"""One JSON line per event, appended in one write, so that lines of several processes never mix.

Answers a message with the connection's ID; fails every $disconnect, holds every $connect, while a file says so.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

PATH = os.environ["JOURNAL"]
JOURNAL = os.open(PATH, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    request = event["requestContext"]
    told = {
        "type": request["eventType"],
        "id": request["connectionId"],
        "request": request["requestId"],
        "code": request.get("disconnectStatusCode"),
        "reason": request.get("disconnectReason"),
        "ip": request["identity"]["sourceIp"],
        "since": request["connectedAt"],
        "body": event.get("body"),
        "base64": event.get("isBase64Encoded"),
        "forwarded": {
            name: values
            for name, values in event.get("multiValueHeaders", {}).items()
            if name.lower().startswith("x-forwarded-")
        },
    }
    os.write(JOURNAL, json.dumps(told).encode() + b"\n")
    while told["type"] == "CONNECT" and os.path.exists(f"{PATH}.holds"):
        time.sleep(0.01)
    if told["type"] == "DISCONNECT" and os.path.exists(f"{PATH}.fails"):
        raise RuntimeError("the disconnect handler was told to fail")
    return {"statusCode": 200, "body": told["id"]}
