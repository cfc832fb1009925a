"""One batch of records handed to a function, and what the answer says about each of them.

The same for queues and streams. What becomes of a record that failed is the source's business.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.model.event_source import EventSource
from gateway.model.invocation import FunctionResult, Returned
from gateway.ports import FunctionCall, Functions, Ids

Record = dict[str, Any]
WAIT_MS: Final = 910_000  # longer than Lambda's longest Timeout, which ends the call before


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls the function of one source."""

    source: EventSource
    functions: Functions
    ids: Ids

    async def call(self, records: Sequence[Record]) -> FunctionResult:
        payload = json.dumps({"Records": list(records)}, separators=(",", ":"), ensure_ascii=False).encode()
        call = FunctionCall(
            self.source.function_name, payload, WAIT_MS, self.ids.trace_id(), self.source.qualifier,
            request_tag=self.source.name,
        )  # fmt: skip
        return await self.functions.invoke(call)


def failed_items(source: EventSource, result: FunctionResult, items: Sequence[str]) -> frozenset[str]:
    """Which of ``items`` the function did not do: all, none, or those its ``batchItemFailures`` name.

    A name that is not one of ``items`` fails them all, as on AWS.
    """
    if not isinstance(result, Returned):
        return frozenset(items)
    if not source.reports_batch_item_failures:
        return frozenset()
    named = _named(result.payload)
    if named is None or not named <= set(items):
        return frozenset(items)
    return named


def _named(payload: bytes) -> frozenset[str] | None:
    """None when the answer cannot be read; an answer without the list names nobody."""
    try:
        answer = json.loads(payload or b"null")
    except ValueError:
        return None
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    if failures is None:
        return frozenset()
    if not isinstance(failures, list):
        return None
    names = [each.get("itemIdentifier") if isinstance(each, dict) else None for each in failures]
    texts = frozenset(name for name in names if isinstance(name, str) and name)
    return texts if len([name for name in names if isinstance(name, str) and name]) == len(names) else None
