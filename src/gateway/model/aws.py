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
    """``url`` is asked for every service, None: AWS's own endpoints in ``region``. ``credentials`` None: whatever the
    SDK's chain finds (environment, profile, container, instance role), renewed in time. ``ca_bundle`` is the file of
    roots an https endpoint is checked against, None for the public ones."""

    url: str | None
    region: str
    credentials: Credentials | None = DUMMY_CREDENTIALS
    ca_bundle: str | None = None

    @property
    def place(self) -> str:
        """Where that is, as a person is told."""
        return f"AWS in {self.region}" if self.url is None else self.url
