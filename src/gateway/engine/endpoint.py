"""Which API and stage a request means: by the host name when it names an API, else by the stage in the path.

A ``Directory`` is rebuilt when the definition changes; open connections look their endpoint up again for every event,
so they follow the newest deployment (parity 3.1, "Deployments").
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from gateway.access.identity import IdentitySource
from gateway.access.identity import parse as parse_identity_source
from gateway.expressions import selection as expressions
from gateway.expressions.selection import Selection
from gateway.model.api import Api, Stage
from gateway.model.definition import Definition
from gateway.model.ids import CONNECT, ApiId, StageName

CONNECTIONS_SEGMENT = "@connections"
EXECUTE_API = ".execute-api."


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One stage of one API, with what its events and ARNs say. ``selection`` is the compiled route selection,
    ``identity_sources`` those of ``$connect``'s authorizer (none without one)."""

    api: Api
    stage: Stage
    selection: Selection
    identity_sources: tuple[IdentitySource, ...]
    domain_name: str
    region: str
    account_id: str

    def method_arn(self, route_key: str) -> str:
        """``arn:aws:execute-api:{region}:{account}:{apiId}/{stage}/{routeKey}`` (parity 5.2, 6.1)."""
        scope = f"{self.api.api_id}/{self.stage.stage_name}/{route_key}"
        return f"arn:aws:execute-api:{self.region}:{self.account_id}:{scope}"


@dataclass(frozen=True, slots=True)
class ConnectionPath:
    """A request for ``…/{stage}/@connections/{connectionId}``; the ID is decoded but not checked."""

    endpoint: Endpoint
    connection_id: str


def execute_api_host(api_id: str, region: str, url_suffix: str = "amazonaws.com") -> str:
    """The default host name of an API (parity 1.1)."""
    return f"{api_id}{EXECUTE_API}{region}.{url_suffix}"


class Directory:
    """Every endpoint being served, immutable once made."""

    __slots__ = ("_api_ids", "_by_key", "_by_stage")

    def __init__(self, definition: Definition) -> None:
        endpoints = tuple(_endpoints(definition))
        self._by_key = {(e.api.api_id, e.stage.stage_name): e for e in endpoints}
        self._api_ids = {e.api.api_id for e in endpoints}
        self._by_stage = {e.stage.stage_name: e for e in endpoints}

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        return tuple(self._by_key.values())

    def get(self, api_id: ApiId, stage: StageName) -> Endpoint | None:
        """The endpoint by name, None when the API or stage is no longer deployed."""
        return self._by_key.get((api_id, stage))

    def for_handshake(self, path: str, host: str | None) -> Endpoint | None:
        """The endpoint of ``/{stage}`` or ``/{stage}/`` (raw path), None for anything else (parity 1.1)."""
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
        endpoint = self._find(unquote(segments[1]), host)
        return None if endpoint is None else ConnectionPath(endpoint, unquote(segments[3]))

    def _find(self, stage: str, host: str | None) -> Endpoint | None:
        """A host that names one of our APIs decides; any other, an API ID written into code included, leaves it to
        the stage, which is one API's alone."""
        label, _, _ = (host or "").lower().partition(EXECUTE_API)
        if label in self._api_ids:
            return self._by_key.get((ApiId(label), StageName(stage)))
        return self._by_stage.get(StageName(stage))


def _endpoints(definition: Definition) -> Iterable[Endpoint]:
    for api in definition.apis:
        selection = expressions.parse(api.route_selection_expression, expressions.ROUTE)
        domain = execute_api_host(api.api_id, definition.region)
        connect = api.route(CONNECT)
        authorizer = None if connect is None else connect.authorizer
        sources = () if authorizer is None else tuple(map(parse_identity_source, authorizer.identity_source))
        for stage in api.stages.values():
            yield Endpoint(api, stage, selection, sources, domain, definition.region, definition.account_id)
