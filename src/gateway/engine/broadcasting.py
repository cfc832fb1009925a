"""The query of a broadcast: read, or told what is wrong with it."""

from __future__ import annotations

from typing import Final

from gateway.engine.endpoint import Endpoint
from gateway.engine.filters import FILTERS, GROUP, last, read_audience, read_query
from gateway.model.audience import Audience
from gateway.model.hot_value import hot_value
from gateway.model.limits import MAX_GROUP_NAME_CHARS

_WAIT: Final = {"true": True, "false": False}
_NAMES: Final = ("wait", *FILTERS)


@hot_value
class Wanted:
    """``waits``: whether the answer is to say what became of it."""

    audience: Audience
    waits: bool


def read_wanted(
    endpoint: Endpoint, query: str, max_name_chars: int = MAX_GROUP_NAME_CHARS, group: str | None = None
) -> Wanted | str:
    """What is asked for, or what is wrong, as a sentence; ``group`` is the path's, None: the query may name one."""
    values = read_query(query, _NAMES if group is not None else (*_NAMES, GROUP))
    if isinstance(values, str):
        return values
    waits = _WAIT.get(last(values, "wait") or "true")
    if waits is None:
        return "wait is neither true nor false"
    audience = read_audience(endpoint, values, max_name_chars, group)
    return audience if isinstance(audience, str) else Wanted(audience, waits)
