from __future__ import annotations

from typing import Any

import pytest

from gateway.model.limits import AWS, Limits
from gateway.settings.profile import AWS_PROFILE, PROFILE_SETTINGS, Profile, profile_in
from gateway.settings.serve import ServeSettings
from gateway.settings.setting import settings_of


def test_by_default_it_is_awss() -> None:
    assert AWS_PROFILE.of(AWS) == AWS


@pytest.mark.parametrize(
    ("lifted", "limits"),
    [
        pytest.param({"idle_timeout_seconds": 0}, {"idle_timeout_ms": None}, id="idle for ever"),
        pytest.param({"idle_timeout_seconds": 1.5}, {"idle_timeout_ms": 1_500}, id="idle in seconds"),
        pytest.param({"connection_duration_seconds": 0}, {"connection_duration_ms": None}, id="a life without end"),
        pytest.param({"max_frame_bytes": 65_536}, {"max_frame_bytes": 65_536}, id="frames alone"),
        pytest.param({"binary": "on"}, {"binary": True}, id="binary"),
        pytest.param({"ping_seconds": 30}, {"ping_ms": 30_000}, id="pings"),
        pytest.param({"ordering": "connection"}, {"ordered": True}, id="order"),
        pytest.param({"early_posts": "hold"}, {"early_post_ms": 5_000}, id="early posts"),
        pytest.param({"max_message_bytes": 1_000}, {"max_message_bytes": 1_000}, id="shorter messages"),
        pytest.param(
            {"max_message_bytes": 16_777_216},
            {"max_message_bytes": 16_777_216, "max_out_buffer_bytes": 16_777_216},
            id="a message that fits into the buffer",
        ),
    ],
)
def test_each_is_lifted_by_itself(lifted: dict[str, Any], limits: dict[str, Any]) -> None:
    assert Profile(**lifted).of(AWS) == Limits(**limits)


def test_serve_has_them_all_as_settings() -> None:
    assert set(PROFILE_SETTINGS) <= {each.name for each in settings_of(ServeSettings)}
    assert profile_in(ServeSettings()) == AWS_PROFILE
    assert ServeSettings(idle_timeout_seconds=0).limits.idle_timeout_ms is None
    assert ServeSettings(idle_timeout_seconds=0).limits.messages_per_s == ServeSettings().connection_message_rate
