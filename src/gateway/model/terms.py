"""The limits in force beside AWS's own: for the line that is told at the start, and for whoever asks."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.limits import AWS, Limits

Amount = int | float | str | None


@dataclass(frozen=True, slots=True)
class Term:
    """One limit under the name of its setting; ``ours`` and ``aws`` None: there is none."""

    name: str
    unit: str
    ours: Amount
    aws: Amount

    @property
    def differs(self) -> bool:
        return self.ours != self.aws

    def __str__(self) -> str:
        return f"{self.name} {_shown(self.ours, self.unit)} (AWS: {_shown(self.aws, self.unit)})"


def profile_terms(limits: Limits) -> tuple[Term, ...]:
    """What AWS states, and what it has not that an operator may switch on."""
    return (
        Term("idle_timeout_seconds", "s", _seconds(limits.idle_timeout_ms), _seconds(AWS.idle_timeout_ms)),
        Term(
            "connection_duration_seconds",
            "s",
            _seconds(limits.connection_duration_ms),
            _seconds(AWS.connection_duration_ms),
        ),
        Term("max_message_bytes", "bytes", limits.max_message_bytes, AWS.max_message_bytes),
        Term("max_frame_bytes", "bytes", limits.max_frame_bytes, AWS.max_frame_bytes),
        Term("ping_seconds", "s", _seconds(limits.ping_ms), _seconds(AWS.ping_ms)),
        Term("binary", "", _switch(limits.binary), _switch(AWS.binary)),
        Term("ordering", "", "connection" if limits.ordered else "aws", "aws"),
        Term("early_posts", "", "aws" if limits.early_post_ms is None else "hold", "aws"),
    )


def own_terms(limits: Limits) -> tuple[Term, ...]:
    """What AWS states nothing about and a node bounds all the same; nothing is lost by any of them but a client that
    does not read."""
    return (
        Term("connection_message_rate", "1/s", limits.messages_per_s, None),
        Term("connection_byte_rate", "bytes/s", limits.bytes_per_s, None),
        Term("connection_ping_rate", "1/s", limits.pings_per_s, None),
        Term("connection_in_flight", "messages", limits.max_messages_in_flight, None),
        Term("slow_client_seconds", "s", _seconds(limits.slow_client_ms), None),
    )


def told_differences(limits: Limits) -> str | None:
    """One line on what was lifted or switched on; None where nothing was."""
    different = [str(term) for term in profile_terms(limits) if term.differs]
    return f"limits differ from AWS's: {', '.join(different)}" if different else None


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def _switch(is_on: bool) -> str:
    return "on" if is_on else "off"


def _shown(amount: Amount, unit: str) -> str:
    if amount is None:
        return "none"
    return amount if isinstance(amount, str) else f"{amount:.16g} {unit}"
