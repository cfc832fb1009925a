"""What a caller is told of the limits in force."""

from __future__ import annotations

from gateway.extensions.limits import document
from gateway.model.limits import AWS, Limits

LIFTED = Limits(idle_timeout_ms=None, messages_per_s=1_000.0)


def test_the_limits_in_force_and_which_are_not_awss() -> None:
    told = document(LIFTED)
    assert told["profile"] == "own"
    named = {each["name"]: each for each in told["limits"]}
    assert named["idle_timeout_seconds"] == {
        "name": "idle_timeout_seconds", "unit": "s", "value": None, "aws": 600, "differs": True,
    }  # fmt: skip
    assert named["max_message_bytes"]["value"] == named["max_message_bytes"]["aws"] == 131_072
    assert {name for name, each in named.items() if each["differs"]} == {
        "idle_timeout_seconds", "connection_message_rate", "connection_in_flight",
    }  # fmt: skip


def test_nothing_lifted_is_awss_profile() -> None:
    assert document(AWS)["profile"] == "aws"
