"""The record of one connection: what the registry stores and what a ``$disconnect`` by another node would need."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.model.hot_value import hot_value
from gateway.model.ids import ApiId, ConnectionId, NodeNumber, StageName


@hot_value
class Connection:
    """``connected_at_ms`` is Unix time; ``user_agent`` None when the client sent none; ``authorizer`` holds the
    authorizer's context with ``principalId`` as events carry it (strings only), None without an authorizer;
    ``identity`` what ``AWS_IAM`` or an API key adds to ``requestContext.identity``, None when nothing."""

    connection_id: ConnectionId
    owner: NodeNumber
    api_id: ApiId
    stage: StageName
    connected_at_ms: int
    source_ip: str
    domain_name: str
    user_agent: str | None = None
    authorizer: Mapping[str, str] | None = None
    identity: Mapping[str, str] | None = None
