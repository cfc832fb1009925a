"""``arn:{partition}:apigateway:{region}:{subdomain.}{service}:action|path/…``: an AWS service behind an integration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from gateway.model.integration import ServiceTarget

QUERY: Final = "integration.request.querystring."
_URI: Final = re.compile(
    r"arn:[^:]+:apigateway:(?P<region>[a-z0-9-]*):(?:(?P<subdomain>[^:/]+)\.)?(?P<service>[A-Za-z0-9-]+)"
    r":(?:action/(?P<action>[A-Za-z0-9]+)(?:[?&](?P<query>.*))?|path/(?P<path>.*))",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class ServiceUri:
    """``parameters`` are those that follow an action, as request parameters of the integration."""

    target: ServiceTarget
    parameters: Mapping[str, str]


def parse_service(uri: str) -> ServiceUri | None:
    """None for what is no such ARN."""
    match = _URI.fullmatch(uri)
    if match is None:
        return None
    path = match["path"]
    target = ServiceTarget(
        region=match["region"],
        service=match["service"].lower(),
        action=match["action"],
        path=None if path is None else path.removeprefix("/"),
        subdomain=match["subdomain"],
    )
    pairs = parse_qsl(match["query"] or "", keep_blank_values=True)
    return ServiceUri(target, {f"{QUERY}{name}": f"'{value}'" for name, value in pairs})
