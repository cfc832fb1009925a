"""Handlers that cannot be led to this gateway by host name get a domain name in their events that leads there itself.

Python and Node handlers resolve ``{apiId}.execute-api.…`` to this gateway by a hook in their process; a program of the
application's own (``provided.*``) has no such hook.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.model.api import Api, Route
from gateway.model.definition import Definition
from gateway.model.integration import Integration, LambdaTarget

_NO_HOOK = "provided"


def with_local_domain(definition: Definition, domain_name: str) -> Definition:
    """The definition with ``domain_name`` (``host:port`` of the TLS door) in the events of such functions."""
    return replace(definition, apis=tuple(_api(api, definition, domain_name) for api in definition.apis))


def _api(api: Api, definition: Definition, domain_name: str) -> Api:
    return replace(api, routes={key: _route(route, definition, domain_name) for key, route in api.routes.items()})


def _route(route: Route, definition: Definition, domain_name: str) -> Route:
    integration = route.integration
    if integration is None or not _is_hookless(integration, definition):
        return route
    return replace(route, integration=replace(integration, domain_name=domain_name))


def _is_hookless(integration: Integration, definition: Definition) -> bool:
    if not isinstance(integration.target, LambdaTarget):
        return False
    function = definition.functions.get(integration.target.function_name)
    return function is not None and function.runtime.startswith(_NO_HOOK)
