"""What an error of DynamoDB means here: it may go away, or this very request will never be taken."""

from __future__ import annotations

from typing import Final

from gateway.model.errors import RegistryUnavailable
from gateway.registry.batches import RecordRejected

# DynamoDB looked at what we sent and will never take it; everything else may go away by itself.
REJECTED_CODES: Final = {"ValidationException", "SerializationException", "ItemCollectionSizeLimitExceededException"}


def failure(where: str, code: str | None, why: object) -> RegistryUnavailable:
    """The exception for an error ``code`` of DynamoDB, None when it is somebody else's; ``where`` names the table."""
    kind = RecordRejected if code in REJECTED_CODES else RegistryUnavailable
    return kind(f"{where}: {why}")
