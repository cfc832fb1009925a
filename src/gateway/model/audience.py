"""Whom a message is for when nobody is named: the connections of a stage, narrowed down."""

from __future__ import annotations

from gateway.model.connection import Connection
from gateway.model.group import Group
from gateway.model.hot_value import hot_value
from gateway.model.ids import ApiId, ConnectionId, StageName


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
