"""Whom a call for many means, read from its query: the same filters for a broadcast and for a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs

from gateway.engine.endpoint import Endpoint
from gateway.engine.group_names import fault_of
from gateway.model.audience import Audience
from gateway.model.ids import ConnectionId, claimed_owner
from gateway.model.limits import MAX_EXCEPTED, MAX_PRINCIPAL_CHARS

GROUP: Final = "group"
FILTERS: Final = ("except", "connectedBefore", "principal")

Query = Mapping[str, Sequence[str]]


def read_query(query: str, known: Sequence[str]) -> Query | str:
    """The values by name, or what is wrong, as a sentence."""
    values = {name: found for name, found in parse_qs(query, keep_blank_values=True).items() if _is_own(name)}
    for name in values:
        if name not in known:
            return f"{name[:64]} is not known here: {', '.join(known)} are"
    return values


def last(values: Query, name: str) -> str | None:
    """The value that counts."""
    found = values.get(name)
    return found[-1] if found else None


def read_audience(endpoint: Endpoint, values: Query, max_name_chars: int, group: str | None) -> Audience | str:
    """Who is meant, or what is wrong, as a sentence; ``group`` is the path's, None: the query's. A parameter's last
    value counts; all of ``except`` do."""
    but = _excepted(values.get("except", ()))
    if isinstance(but, str):
        return but
    before = last(values, "connectedBefore")
    before_ms = None if before is None else _unix_ms(before)
    if before is not None and before_ms is None:
        return "connectedBefore is not a time with a zone, such as 2026-09-25T00:22:29.887Z"
    principal = last(values, "principal")
    if principal is not None and len(principal) > MAX_PRINCIPAL_CHARS:
        return f"principal is longer than {MAX_PRINCIPAL_CHARS} characters"
    group = last(values, GROUP) if group is None else group
    fault = None if group is None else fault_of(group, max_name_chars)
    return fault or Audience(endpoint.api.api_id, endpoint.stage.stage_name, but, before_ms, principal, group)


def _is_own(name: str) -> bool:
    """A presigned request's signature stands in the query too."""
    return not name.lower().startswith("x-amz-")


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
