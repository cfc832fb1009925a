from __future__ import annotations

import json
import shlex

from gateway.report.banner import Ready, banner
from sample_definitions import api, definition, route

READY = Ready(
    api_id="a1b2c3d4e5",
    stage="dev",
    websocket_url="ws://localhost:8080/dev",
    secure_websocket_url="wss://localhost:8443/dev",
    management_url="http://localhost:8080/dev",
    ca_bundle="/state/tls/ca-bundle.pem",
    aws_endpoint_url="http://127.0.0.1:5000",
    lambda_endpoint_url="http://127.0.0.1:5001",
    region="eu-west-1",
    pid=4711,
)


def test_the_document_is_what_scripts_are_promised() -> None:
    assert json.loads(json.dumps(READY.document())) == {
        "api_id": "a1b2c3d4e5",
        "stage": "dev",
        "websocket_url": "ws://localhost:8080/dev",
        "secure_websocket_url": "wss://localhost:8443/dev",
        "management_url": "http://localhost:8080/dev",
        "ca_bundle": "/state/tls/ca-bundle.pem",
        "aws_endpoint_url": "http://127.0.0.1:5000",
        "lambda_endpoint_url": "http://127.0.0.1:5001",
        "region": "eu-west-1",
        "pid": 4711,
    }


def test_it_says_where_and_what() -> None:
    lines = banner(definition(api(route("send"))), READY, ["ws://localhost:8080/prod"], "wsfleet")
    text = "\n".join(lines)
    assert "wsfleet serves template.yaml" in lines
    assert "  WebSocket   ws://localhost:8080/dev" in lines
    assert "              wss://localhost:8443/dev" in lines
    assert "              ws://localhost:8080/prod" in lines
    assert "  management  http://localhost:8080/dev/@connections/{connectionId}" in lines
    assert "    send   send    NONE           one-way" in lines
    assert "/state/tls/ca-bundle.pem" in text
    assert "http://127.0.0.1:5000" in text
    assert not any("\n" in line for line in lines)


def test_logs_are_listed_where_there_are_any() -> None:
    described = definition(api(route("send")))
    lines = banner(described, READY, [], "wsfleet", ["/logs/access.log", "/logs/execution.log"])
    at = lines.index("  logs        /logs/access.log")
    assert lines[at + 1] == "              /logs/execution.log"
    assert not any(line.startswith("  logs") for line in banner(described, READY, [], "wsfleet"))


def test_what_was_lifted_of_awss_limits_is_told() -> None:
    lines = banner(definition(api(route("send"))), READY, [], "wsfleet", differences="limits differ from AWS's: x")
    assert "  limits differ from AWS's: x" in lines


def test_the_lines_to_paste_are_shell() -> None:
    lines = banner(definition(api(route("send"))), READY, [], "wsfleet")
    wscat = next(line for line in lines if "wscat" in line)
    assert shlex.split(wscat) == ["npx", "wscat", "-c", READY.websocket_url]
    start = next(index for index, line in enumerate(lines) if "apigatewaymanagementapi" in line)
    words = shlex.split("\n".join(lines[start : start + 2]))
    assert words[:6] == ["echo", "hello", "|", "aws", "apigatewaymanagementapi", "post-to-connection"]
    assert words[words.index("--endpoint-url") + 1] == READY.management_url
    assert words[words.index("--region") + 1] == "eu-west-1"
