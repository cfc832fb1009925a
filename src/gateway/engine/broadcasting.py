"""The query of a broadcast: read, or told what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs

from gateway.engine.endpoint import Endpoint
from gateway.model.audience import Audience
from gateway.model.hot_value import hot_value
from gateway.model.ids import ConnectionId, claimed_owner
from gateway.model.limits import MAX_EXCEPTED, MAX_PRINCIPAL_CHARS

_WAIT: Final = {"true": True, "false": False}
_NAMES: Final = ("wait", "except", "connectedBefore", "principal")


@hot_value
class Wanted:
    """``waits``: whether the answer is to say what became of it."""

    audience: Audience
    waits: bool


def read_wanted(endpoint: Endpoint, query: str) -> Wanted | str:
    """What is asked for, or what is wrong, as a sentence. A parameter's last value counts; all of ``except`` do."""
    values = {name: found for name, found in parse_qs(query, keep_blank_values=True).items() if _is_own(name)}
    for name in values:
        if name not in _NAMES:
            return f"{name[:64]} is not known here: {', '.join(_NAMES)} are"
    waits = _WAIT.get(_last(values.get("wait")) or "true")
    if waits is None:
        return "wait is neither true nor false"
    but = _excepted(values.get("except", ()))
    if isinstance(but, str):
        return but
    before = _last(values.get("connectedBefore"))
    before_ms = None if before is None else _unix_ms(before)
    if before is not None and before_ms is None:
        return "connectedBefore is not a time with a zone, such as 2026-09-25T00:22:29.887Z"
    principal = _last(values.get("principal"))
    if principal is not None and len(principal) > MAX_PRINCIPAL_CHARS:
        return f"principal is longer than {MAX_PRINCIPAL_CHARS} characters"
    return Wanted(Audience(endpoint.api.api_id, endpoint.stage.stage_name, but, before_ms, principal), waits)


def _is_own(name: str) -> bool:
    """A presigned request's signature stands in the query too."""
    return not name.lower().startswith("x-amz-")


def _last(values: Sequence[str] | None) -> str | None:
    return values[-1] if values else None


def _excepted(values: Sequence[str]) -> frozenset[ConnectionId] | str:
    """IDs apart by commas. What is none by its shape excepts nobody, and is told: it would be a mistake unnoticed."""
    found = [ConnectionId(each) for value in values for each in value.split(",") if each]
    if len(found) > MAX_EXCEPTED:
        return f"except has {len(found)} connection IDs, at most {MAX_EXCEPTED} are allowed"
    for each in found:
        if claimed_owner(each) is None:
            return f"except has {each[:64]}, which is not a connection ID"
    return frozenset(found)


def _unix_ms(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else round(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
