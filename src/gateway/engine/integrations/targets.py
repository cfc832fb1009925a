"""Targets as one stage means them: their stage variables replaced."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.engine.stage_variables import substitute
from gateway.model.integration import HttpTarget, ServiceTarget


def http_target(target: HttpTarget, variables: Mapping[str, str]) -> HttpTarget:
    name = target.server_name
    return HttpTarget(substitute(target.url, variables), None if name is None else substitute(name, variables))


def service_target(target: ServiceTarget, variables: Mapping[str, str]) -> ServiceTarget:
    def replaced(text: str | None) -> str | None:
        return None if text is None else substitute(text, variables)

    return ServiceTarget(
        substitute(target.region, variables),
        substitute(target.service, variables),
        replaced(target.action),
        replaced(target.path),
        replaced(target.subdomain),
    )
