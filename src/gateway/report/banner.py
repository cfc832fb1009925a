"""What `run` prints once it serves: where, what, and a line to paste."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.model.definition import Definition
from gateway.report.routes import route_table


@dataclass(frozen=True, slots=True)
class Ready:
    """Where the first API (and stage) is served; what ``--ready-file`` holds. URLs end without a slash."""

    api_id: str
    stage: str
    websocket_url: str
    secure_websocket_url: str
    management_url: str
    ca_bundle: str
    aws_endpoint_url: str
    lambda_endpoint_url: str
    region: str
    pid: int

    def document(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def banner(
    definition: Definition,
    ready: Ready,
    others: list[str],
    program: str,
    logs: Sequence[str] = (),
    differences: str | None = None,
) -> list[str]:
    """``others`` are the WebSocket URLs beside the first; ``program`` is how this program is called; ``logs`` are the
    files that stages write; ``differences`` tells what of AWS's limits was lifted."""
    return [
        "",
        f"{program} serves {definition.path}",
        "",
        *(f"  {line}" for line in route_table(definition)),
        "",
        f"  WebSocket   {ready.websocket_url}",
        f"              {ready.secure_websocket_url}",
        *(f"              {url}" for url in others),
        f"  management  {ready.management_url}/@connections/{{connectionId}}",
        f"  AWS         {ready.aws_endpoint_url}",
        f"  Lambda      {ready.lambda_endpoint_url}",
        f"  CA bundle   {ready.ca_bundle}",
        *(f"  {'' if number else 'logs':<12}{name}" for number, name in enumerate(logs)),
        *([] if differences is None else ["", f"  {differences}"]),
        "",
        "Try it in another terminal:",
        f"  npx wscat -c {ready.websocket_url}",
        "  echo hello | aws apigatewaymanagementapi post-to-connection --connection-id ID --data fileb:///dev/stdin \\",
        f"    --endpoint-url {ready.management_url} --region {ready.region}",
        "",
    ]
