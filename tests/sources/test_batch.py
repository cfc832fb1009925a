"""What a function's answer says about the records of a batch."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.model.invocation import FunctionError, FunctionResult, Returned, Throttled, TimedOut, Unavailable
from gateway.sources.batch import failed_items
from source_doubles import of_queue

ALL = frozenset({"1", "2", "3"})
PARTIAL = of_queue("q", reports_batch_item_failures=True)
PLAIN = of_queue("q")


def naming(*names: Any) -> bytes:
    return json.dumps({"batchItemFailures": [{"itemIdentifier": name} for name in names]}).encode()


@pytest.mark.parametrize("result", [FunctionError(b"{}"), Throttled(), TimedOut(), Unavailable("gone")])
@pytest.mark.parametrize("source", [PLAIN, PARTIAL])
def test_whatever_is_no_answer_fails_all(source: Any, result: FunctionResult) -> None:
    assert failed_items(source, result, tuple(ALL)) == ALL


@pytest.mark.parametrize(
    ("payload", "failed"),
    [
        (naming("2"), {"2"}),
        (naming("1", "3"), {"1", "3"}),
        (naming(), set()),
        (b"null", set()),
        (b"", set()),
        (b"{}", set()),
        (b'{"batchItemFailures": null}', set()),
        (naming("4"), ALL),
        (naming(""), ALL),
        (naming(None), ALL),
        (b'{"batchItemFailures": [{"id": "1"}]}', ALL),
        (b'{"batchItemFailures": ["1"]}', ALL),
        (b'{"batchItemFailures": "1"}', ALL),
        (b"no json", ALL),
    ],
)
def test_a_source_that_reports_failures(payload: bytes, failed: set[str]) -> None:
    assert failed_items(PARTIAL, Returned(payload), tuple(ALL)) == failed


def test_one_that_does_not_is_not_asked() -> None:
    assert failed_items(PLAIN, Returned(naming("2")), tuple(ALL)) == frozenset()
