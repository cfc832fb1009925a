"""Which deployed stage a request means: by the host name when it names an API, else by the stage in the path.

A ``Directory`` is made when a definition is loaded, with everything compiled that can be; open connections look
their deployment up again for every event, so they follow the newest one (parity 3.1, "Deployments").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from gateway.engine.endpoint import EXECUTE_API, Endpoint, execute_api_host
from gateway.engine.route_plan import RoutePlan, plan_route
from gateway.expressions import selection as expressions
from gateway.expressions.selection import Selection
from gateway.model.definition import Definition
from gateway.model.ids import ApiId, RouteKey, StageName

CONNECTIONS_SEGMENT = "@connections"


@dataclass(frozen=True, slots=True)
class Deployment:
    """An endpoint with its compiled route selection and routes."""

    endpoint: Endpoint
    selection: Selection
    plans: Mapping[RouteKey, RoutePlan]


@dataclass(frozen=True, slots=True)
class ConnectionPath:
    """A request for ``…/{stage}/@connections/{connectionId}``; the ID is decoded but not checked."""

    endpoint: Endpoint
    connection_id: str


class Directory:
    """Every deployment being served, immutable once made."""

    __slots__ = ("_api_ids", "_by_key", "_by_stage")

    def __init__(self, definition: Definition) -> None:
        deployments = tuple(_deployments(definition))
        self._by_key = {(d.endpoint.api.api_id, d.endpoint.stage.stage_name): d for d in deployments}
        self._api_ids = {d.endpoint.api.api_id for d in deployments}
        self._by_stage = {d.endpoint.stage.stage_name: d for d in deployments}

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        return tuple(self._by_key.values())

    def get(self, api_id: ApiId, stage: StageName) -> Deployment | None:
        """The deployment by name, None when the API or stage is no longer deployed."""
        return self._by_key.get((api_id, stage))

    def for_handshake(self, path: str, host: str | None) -> Deployment | None:
        """The deployment of ``/{stage}`` or ``/{stage}/`` (raw path), None for anything else (parity 1.1)."""
        segments = path.split("/")
        if len(segments) == 3 and segments[2] == "":
            segments.pop()
        if len(segments) != 2 or segments[0]:
            return None
        return self._find(unquote(segments[1]), host)

    def for_connections(self, path: str, host: str | None) -> ConnectionPath | None:
        """The endpoint and ID of ``/{stage}/@connections/{id}``, either spelling of ``@`` (parity 7)."""
        segments = path.split("/", 3)
        if len(segments) != 4 or segments[0] or unquote(segments[2]) != CONNECTIONS_SEGMENT or not segments[3]:
            return None
        found = self._find(unquote(segments[1]), host)
        return None if found is None else ConnectionPath(found.endpoint, unquote(segments[3]))

    def _find(self, stage: str, host: str | None) -> Deployment | None:
        """A host that names one of our APIs decides; any other, an API ID written into code included, leaves it to
        the stage, which is one API's alone."""
        label, _, _ = (host or "").lower().partition(EXECUTE_API)
        if label in self._api_ids:
            return self._by_key.get((ApiId(label), StageName(stage)))
        return self._by_stage.get(StageName(stage))


def _deployments(definition: Definition) -> Iterable[Deployment]:
    for api in definition.apis:
        selection = expressions.parse(api.route_selection_expression, expressions.ROUTE)
        domain = execute_api_host(api.api_id, definition.region)
        for stage in api.stages.values():
            endpoint = Endpoint(api, stage, domain, definition.region, definition.account_id)
            plans = {key: plan_route(route, endpoint) for key, route in api.routes.items()}
            yield Deployment(endpoint, selection, plans)
