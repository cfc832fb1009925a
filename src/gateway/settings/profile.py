"""AWS's limits, or what an operator has lifted of them: the same settings for ``run`` and ``serve``."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final

from gateway.model.limits import AWS, CONNECTION_DURATION_MS, EARLY_POST_MS, IDLE_TIMEOUT_MS, Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Each by itself; as it is made here, it is AWS's. Times are seconds, 0 is for ever, of
    pings never."""

    idle_timeout_seconds: float = IDLE_TIMEOUT_MS / 1000
    connection_duration_seconds: float = CONNECTION_DURATION_MS / 1000
    max_message_bytes: int = AWS.max_message_bytes
    max_frame_bytes: int = AWS.max_frame_bytes
    binary: str = "off"
    ping_seconds: float = 0
    ordering: str = "aws"
    early_posts: str = "aws"

    def of(self, limits: Limits) -> Limits:
        """The same limits, with those of this profile in place of AWS's. The longest message fits into what may wait
        for a client that has read everything else."""
        return replace(
            limits,
            idle_timeout_ms=_ms(self.idle_timeout_seconds),
            connection_duration_ms=_ms(self.connection_duration_seconds),
            max_message_bytes=self.max_message_bytes,
            max_frame_bytes=self.max_frame_bytes,
            binary=self.binary == "on",
            ping_ms=_ms(self.ping_seconds),
            ordered=self.ordering == "connection",
            early_post_ms=EARLY_POST_MS if self.early_posts == "hold" else None,
            max_out_buffer_bytes=max(limits.max_out_buffer_bytes, self.max_message_bytes),
        )


AWS_PROFILE: Final = Profile()
PROFILE_SETTINGS: Final = tuple(each.name for each in fields(Profile))


def profile_in(settings: object) -> Profile:
    """Of an object that has all the fields of one."""
    found: dict[str, Any] = {name: getattr(settings, name) for name in PROFILE_SETTINGS}
    return Profile(**found)


def _ms(seconds: float) -> int | None:
    return round(seconds * 1000) or None
