"""How often one API key was used in the running period of its usage plan's quota."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.model.plan import Quota, QuotaPeriod


class QuotaCounter:
    """Counts one key. Times are Unix milliseconds; one that goes back to an earlier period changes nothing.

    ``Quota.offset`` is taken off the first period that is counted (assumed: AWS says "the initial time period").
    """

    __slots__ = ("_began", "_used")

    def __init__(self) -> None:
        self._began: int | None = None
        self._used = 0

    def is_exhausted(self, quota: Quota, now_ms: int) -> bool:
        """Whether the period's last request has been made."""
        period = period_start(quota.period, now_ms)
        if self._began is None:
            self._used = quota.offset
        elif period > self._began:
            self._used = 0
        self._began = period if self._began is None else max(period, self._began)
        return self._used >= quota.limit

    def count(self) -> None:
        """One request more; ``is_exhausted`` was asked before."""
        self._used += 1


def period_start(period: QuotaPeriod, now_ms: int) -> int:
    """Unix seconds of the running period's first instant, in UTC."""
    moment = datetime.fromtimestamp(now_ms // 1000, UTC)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    match period:
        case QuotaPeriod.DAY:
            first = day
        case QuotaPeriod.WEEK:
            first = day - timedelta(days=day.weekday())
        case QuotaPeriod.MONTH:
            first = day.replace(day=1)
    return int(first.timestamp())
