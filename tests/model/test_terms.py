from __future__ import annotations

import pytest

from gateway.model.limits import AWS, Limits
from gateway.model.terms import own_terms, profile_terms, told_differences


def test_awss_limits_differ_in_nothing() -> None:
    assert not any(term.differs for term in profile_terms(AWS))
    assert told_differences(AWS) is None


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (Limits(idle_timeout_ms=None), "idle_timeout_seconds none (AWS: 600 s)"),
        (Limits(connection_duration_ms=86_400_000), "connection_duration_seconds 86400 s (AWS: 7200 s)"),
        (Limits(max_frame_bytes=65_536), "max_frame_bytes 65536 bytes (AWS: 32768 bytes)"),
        (Limits(ping_ms=30_000), "ping_seconds 30 s (AWS: none)"),
        (Limits(ordered=True), "ordering connection (AWS: aws)"),
        (Limits(early_post_ms=5_000), "early_posts hold (AWS: aws)"),
        (Limits(binary=True), "binary on (AWS: off)"),
        (
            Limits(idle_timeout_ms=None, max_message_bytes=1_048_576),
            "idle_timeout_seconds none (AWS: 600 s), max_message_bytes 1048576 bytes (AWS: 131072 bytes)",
        ),
    ],
)
def test_what_was_lifted_is_told(limits: Limits, told: str) -> None:
    assert told_differences(limits) == f"limits differ from AWS's: {told}"


def test_what_aws_does_not_state_differs_where_a_node_bounds_it() -> None:
    rates = {term.name: term.differs for term in own_terms(Limits(messages_per_s=10.0, slow_client_ms=30_000))}
    assert rates == {
        "connection_message_rate": True,
        "connection_byte_rate": False,
        "connection_ping_rate": False,
        "connection_in_flight": True,
        "slow_client_seconds": True,
    }
