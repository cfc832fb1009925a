"""Which deployed stage a request means: by the host name when it names an API, else by the stage in the path.

A ``Directory`` is made when a definition is loaded, with everything compiled that can be; open connections look
their deployment up again for every event, so they follow the newest one (parity 3.1, "Deployments").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from gateway.access.api_keys import KeySource, Subscription, subscriptions
from gateway.engine.endpoint import EXECUTE_API, Endpoint, execute_api_host
from gateway.engine.route_plan import RoutePlan, plan_route
from gateway.engine.stage_logging import StageLogging, plan_logging
from gateway.expressions import selection as expressions
from gateway.expressions.selection import Selection
from gateway.model.definition import Definition
from gateway.model.hot_value import hot_value
from gateway.model.ids import ApiId, RouteKey, StageName

_CONNECTIONS: Final = ("/@connections/", "/%40connections/")
_FLEET: Final = ("/@fleet/", "/%40fleet/")
_ADDRESSES: Final = 256  # pairs of a first path segment and a host that are remembered; clients use few


@dataclass(frozen=True, slots=True)
class Deployment:
    """An endpoint with its compiled route selection and routes; ``logging`` is None when it logs nothing;
    ``subscriptions`` are the API keys that open it, by value."""

    endpoint: Endpoint
    selection: Selection
    plans: Mapping[RouteKey, RoutePlan]
    logging: StageLogging | None = None
    key_source: KeySource = KeySource.HEADER
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)


@hot_value
class Addressed:
    """What a handshake's address means; ``domain_name`` is the host that the connection's events name."""

    deployment: Deployment
    domain_name: str


@hot_value
class ConnectionPath:
    """A request for ``…/{stage}/@connections/{connectionId}``; the ID is decoded but not checked."""

    endpoint: Endpoint
    connection_id: str


@hot_value
class FleetPath:
    """A request for ``…/{stage}/@fleet/…``, an extension's; ``parts`` are the decoded segments behind ``@fleet``."""

    endpoint: Endpoint
    parts: tuple[str, ...]


class Directory:
    """Every deployment being served, immutable once made."""

    __slots__ = ("_by_key", "_by_stage", "_domains", "_find", "_hosts")

    def __init__(self, definition: Definition) -> None:
        deployments = tuple(_deployments(definition))
        self._by_key = {(d.endpoint.api.api_id, d.endpoint.stage.stage_name): d for d in deployments}
        self._by_stage = {d.endpoint.stage.stage_name: d for d in reversed(deployments)}  # the first API's counts
        self._hosts = {d.endpoint.api.api_id: d.endpoint.api for d in deployments}
        self._domains = {each.domain_name.lower(): each.mappings for each in definition.domain_names}
        self._find = lru_cache(maxsize=_ADDRESSES)(self._look_up)

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        return tuple(self._by_key.values())

    def get(self, api_id: ApiId, stage: StageName) -> Deployment | None:
        """The deployment by name, None when the API or stage is no longer deployed."""
        return self._by_key.get((api_id, stage))

    def is_custom_domain(self, host: str | None) -> bool:
        """Whether the host is a custom domain of the definition."""
        return _name(host) in self._domains

    def for_handshake(self, path: str, host: str | None) -> Addressed | None:
        """The deployment of ``/{stage}`` or ``/{stage}/`` (raw path), on a custom domain of ``/{basePath}`` instead,
        or of ``/`` for an empty one; None for anything else (parity 1.1)."""
        segments = path.split("/")
        if len(segments) == 3 and segments[2] == "":
            segments.pop()
        if len(segments) != 2 or segments[0]:
            return None
        return self._find(unquote(segments[1]), host)

    def for_connections(self, path: str, host: str | None) -> ConnectionPath | None:
        """The endpoint and ID of ``/{stage}/@connections/{id}``, either spelling of ``@`` (parity 7)."""
        before, marker, rest = _split(path, _CONNECTIONS)
        if not marker or not rest or not before.startswith("/"):
            return None
        found = self._find(unquote(before[1:]), host)
        return None if found is None else ConnectionPath(found.deployment.endpoint, _connection_id(rest))

    def for_fleet(self, path: str, host: str | None) -> FleetPath | None:
        """The endpoint of ``/{stage}/@fleet/…``, either spelling of ``@``, and what stands behind it."""
        before, marker, rest = _split(path, _FLEET)
        if not marker or not before.startswith("/"):
            return None
        found = self._find(unquote(before[1:]), host)
        parts = tuple(unquote(part) for part in rest.split("/"))
        return None if found is None else FleetPath(found.deployment.endpoint, parts)

    def _look_up(self, first: str, host: str | None) -> Addressed | None:
        """A host that is a custom domain, or names one of our APIs, decides; any other, an API ID written into code
        included, leaves it to the stage, of the first API that has it."""
        name = _name(host)
        mappings = self._domains.get(name)
        if mappings is not None:
            mapped = mappings.get(first)
            deployment = None if mapped is None else self._by_key.get(mapped)
            return None if deployment is None else Addressed(deployment, name)
        label, _, _ = name.partition(EXECUTE_API)
        api = self._hosts.get(ApiId(label))
        if api is None:
            deployment = self._by_stage.get(StageName(first))
        else:
            deployment = None if api.disable_execute_api_endpoint else self.get(api.api_id, StageName(first))
        return None if deployment is None else Addressed(deployment, deployment.endpoint.domain_name)


def _name(host: str | None) -> str:
    """A Host header without its port, lower case."""
    name = (host or "").lower()
    return name if name.endswith("]") else name.rpartition(":")[0] or name


def _split(path: str, markers: tuple[str, str]) -> tuple[str, str, str]:
    """``/stage/@connections/id`` to ``/stage``, the marker, ``id``; a root base path gives ``/``."""
    for marker in markers:
        before, found, rest = path.partition(marker)
        if found:
            return before.rstrip("/") or "/", found, rest  # an SDK doubles the slash of an endpoint that ends in one
    return path, "", ""


def _connection_id(encoded: str) -> str:
    """Decoded; SDKs encode nothing of an ID but its ``=``, and that so."""
    text = encoded.replace("%3D", "=")
    return unquote(encoded) if "%" in text else text


def _deployments(definition: Definition) -> Iterable[Deployment]:
    for api in definition.apis:
        selection = expressions.parse(api.route_selection_expression, expressions.ROUTE)
        domain = execute_api_host(api.api_id, definition.region)
        key_source = KeySource(api.api_key_selection_expression)
        for stage in api.stages.values():
            endpoint = Endpoint(api, stage, domain, definition.region, definition.account_id)
            plans = {key: plan_route(route, endpoint) for key, route in api.routes.items()}
            keys = subscriptions(definition.usage_plans, api.api_id, stage.stage_name)
            yield Deployment(endpoint, selection, plans, plan_logging(stage), key_source, keys)
