"""Periods in UTC, their turns, and the first one's offset."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.access.quota import QuotaCounter, period_start
from gateway.model.plan import Quota, QuotaPeriod
from signing import moment


@pytest.mark.parametrize(
    ("period", "now", "start"),
    [
        (QuotaPeriod.DAY, "2026-09-25T00:00:00", "2026-09-25"),
        (QuotaPeriod.DAY, "2026-09-25T23:59:59.999", "2026-09-25"),
        (QuotaPeriod.WEEK, "2026-09-25T12:00:00", "2026-09-21"),
        (QuotaPeriod.WEEK, "2026-09-21T00:00:00", "2026-09-21"),
        (QuotaPeriod.WEEK, "2026-09-20T23:59:59", "2026-09-14"),
        (QuotaPeriod.WEEK, "2026-01-01T00:00:00", "2025-12-29"),
        (QuotaPeriod.MONTH, "2026-09-25T12:00:00", "2026-09-01"),
        (QuotaPeriod.MONTH, "2024-02-29T23:59:59", "2024-02-01"),
    ],
)
def test_period_start(period: QuotaPeriod, now: str, start: str) -> None:
    assert datetime.fromtimestamp(period_start(period, moment(now)), UTC).date().isoformat() == start


def used(quota: Quota, *times: str) -> str:
    counter, outcome = QuotaCounter(), ""
    for time in times:
        exhausted = counter.is_exhausted(quota, moment(time))
        outcome += "-" if exhausted else "+"
        if not exhausted:
            counter.count()
    return outcome


@pytest.mark.parametrize(
    ("quota", "times", "expected"),
    [
        (Quota(2, QuotaPeriod.DAY), ("2026-09-25",) * 3, "++-"),
        (Quota(2, QuotaPeriod.DAY), ("2026-09-25",) * 3 + ("2026-09-26",) * 3, "++-++-"),
        (Quota(1, QuotaPeriod.WEEK), ("2026-09-25", "2026-09-27", "2026-09-28"), "+-+"),
        (Quota(3, QuotaPeriod.DAY, offset=2), ("2026-09-25",) * 2 + ("2026-09-26",) * 4, "+-+++-"),
        (Quota(1, QuotaPeriod.DAY, offset=9), ("2026-09-25", "2026-09-26"), "-+"),
        (Quota(0, QuotaPeriod.DAY), ("2026-09-25", "2026-09-26"), "--"),
        (Quota(1, QuotaPeriod.DAY), ("2026-09-26", "2026-09-25", "2026-09-26"), "+--"),
    ],
)
def test_counting(quota: Quota, times: tuple[str, ...], expected: str) -> None:
    assert used(quota, *times) == expected
