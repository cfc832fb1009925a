from __future__ import annotations

from gateway.access.conditions import holds
from gateway.access.request_context import request_context

NOW_MS = 1_790_328_005_217  # 2026-09-25T09:20:05Z


def test_everything_that_is_known() -> None:
    assert request_context("192.0.2.1", True, "a client", NOW_MS) == {
        "aws:SourceIp": "192.0.2.1",
        "aws:CurrentTime": "2026-09-25T09:20:05+00:00",
        "aws:EpochTime": "1790328005",
        "aws:SecureTransport": "true",
        "aws:UserAgent": "a client",
    }


def test_a_client_without_a_name() -> None:
    found = request_context("192.0.2.1", False, None, NOW_MS)
    assert "aws:UserAgent" not in found
    assert found["aws:SecureTransport"] == "false"


def test_conditions_read_it() -> None:
    found = request_context("192.0.2.1", True, None, NOW_MS)
    condition = {
        "IpAddress": {"aws:SourceIp": "192.0.2.0/24"},
        "DateLessThan": {"aws:CurrentTime": "2026-09-25T09:20:06Z"},
        "DateGreaterThan": {"aws:CurrentTime": "2026-09-25T09:20:04Z"},
        "NumericEquals": {"aws:EpochTime": NOW_MS // 1000},
        "Bool": {"aws:SecureTransport": True},
    }
    assert holds(condition, found) is True
