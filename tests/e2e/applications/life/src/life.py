"""Says which version of the code it is, leaves processes behind, and prints how connections end."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

VERSION = "one"
SLEEPER = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    request = event["requestContext"]
    if request["eventType"] == "DISCONNECT":
        print(f"ended {request['connectionId']} {request['disconnectStatusCode']} {request['disconnectReason']}")
    if request["routeKey"] == "spawn":
        left = subprocess.Popen([sys.executable, "-c", SLEEPER], start_new_session=True)
        return {"statusCode": 200, "body": str(left.pid)}
    return {"statusCode": 200, "body": VERSION}
