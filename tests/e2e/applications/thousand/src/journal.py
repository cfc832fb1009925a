"""One line per event, appended in one write, so that lines of several processes never mix."""

from __future__ import annotations

import os
from typing import Any

JOURNAL = os.open(os.environ["JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    request, body = event["requestContext"], event.get("body", "")
    os.write(JOURNAL, f"{request['eventType']} {request['connectionId']} {body}\n".encode())
    return {"statusCode": 200, "body": body}
