"""A group of connections: a name within one stage of one API."""

from __future__ import annotations

from gateway.model.hot_value import hot_value
from gateway.model.ids import ApiId, StageName


@hot_value
class Group:
    """There is one as long as it has members."""

    api_id: ApiId
    stage: StageName
    name: str
