"""What the conditions of a policy may ask of a request: IAM's global condition keys, as far as they are known here."""

from __future__ import annotations

from datetime import UTC, datetime


def request_context(source_ip: str, secure: bool, user_agent: str | None, now_ms: int) -> dict[str, str]:
    """Values by condition key. ``now_ms`` is Unix time; without a ``user_agent`` its key is not known."""
    known = {
        "aws:SourceIp": source_ip,
        "aws:CurrentTime": datetime.fromtimestamp(now_ms // 1000, UTC).isoformat(),
        "aws:EpochTime": str(now_ms // 1000),
        "aws:SecureTransport": "true" if secure else "false",
    }
    return known if user_agent is None else {**known, "aws:UserAgent": user_agent}
