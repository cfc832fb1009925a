"""Where AWS is for us: an emulator or the real one, always named, never guessed from the surroundings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Credentials:
    """Access keys; the secret parts never show in a log."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


DUMMY_CREDENTIALS: Final = Credentials("test", "test")  # every emulator takes them, real AWS never does


@dataclass(frozen=True, slots=True)
class AwsEndpoint:
    """``url`` is asked for every service; ``ca_bundle`` is the file of roots an https ``url`` is checked against,
    None for the public ones."""

    url: str
    region: str
    credentials: Credentials = DUMMY_CREDENTIALS
    ca_bundle: str | None = None
