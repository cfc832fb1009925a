"""Whom a message is for when nobody is named: the connections of a stage, narrowed down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from gateway.model.connection import Connection
from gateway.model.group import Group
from gateway.model.hot_value import hot_value
from gateway.model.ids import ApiId, ConnectionId, StageName


class Connected(Protocol):
    """Whoever has a connection."""

    @property
    def connection(self) -> Connection: ...


ConnectedT = TypeVar("ConnectedT", bound=Connected)


@hot_value
class Audience:
    """``but`` are left out; ``before_ms``: connected before this Unix time; ``principal``: with this ``principalId`` of
    the authorizer; ``group``: in the one of this name. None and an empty set leave nobody out."""

    api_id: ApiId
    stage: StageName
    but: frozenset[ConnectionId] = frozenset()
    before_ms: int | None = None
    principal: str | None = None
    group: str | None = None

    @property
    def members(self) -> Group | None:
        """The group that it is for, None when it is for all of the stage."""
        return None if self.group is None else Group(self.api_id, self.stage, self.group)

    def admits(self, connection: Connection) -> bool:
        """Whether it is for this one, which is known to be in the group if there is one."""
        if connection.stage != self.stage or connection.api_id != self.api_id:
            return False
        if self.before_ms is not None and connection.connected_at_ms >= self.before_ms:
            return False
        if self.principal is not None and (connection.authorizer or {}).get("principalId") != self.principal:
            return False
        return connection.connection_id not in self.but

    def among(self, everybody: Sequence[ConnectedT]) -> list[ConnectedT]:
        """Those of them whom it is for. Nobody is looked at closely where nothing narrows it down."""
        api_id, stage = self.api_id, self.stage
        found = [each for each in everybody if each.connection.stage == stage and each.connection.api_id == api_id]
        if self.but or self.before_ms is not None or self.principal is not None:
            return [each for each in found if self.admits(each.connection)]
        return found
