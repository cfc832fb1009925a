"""Calls of the extensions at real nodes, signed as an SDK would."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from fleet_process import FleetNode
from gateway_process import DEADLINE_S


def asked(node: FleetNode, method: str, path: str, body: bytes = b"") -> Any:
    """An extension's document, by a signed call at that node."""
    _, text = called(f"http://{node.address}/prod/@fleet/{path}", method, body)
    return json.loads(text) if text else None


def called(url: str, method: str, body: bytes = b"") -> tuple[int, bytes]:
    """Status and body."""
    request = AWSRequest(method=method, url=url, data=body)
    SigV4Auth(Credentials("any", "any"), "execute-api", "eu-central-1").add_auth(request)
    sent = urllib.request.Request(url, body, dict(request.headers.items()), method=method)
    with urllib.request.urlopen(sent, timeout=DEADLINE_S) as answer:
        return answer.status, answer.read()
