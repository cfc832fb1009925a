"""Roles that were assumed (``CredentialsArn``), each kept until shortly before it expires. Asks nobody itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from gateway.model.aws import Credentials
from gateway.ports import Clock

RENEWED_BEFORE_MS: Final = 5 * 60 * 1000  # the SDKs do it 5 to 15 minutes before


@dataclass(frozen=True, slots=True)
class Assumed:
    """Keys of a role, and when they end (wall clock)."""

    keys: Credentials
    expires_at_ms: int


class Roles:
    """``assume`` asks for a role; callers that want the same one wait for one answer."""

    def __init__(self, assume: Callable[[str], Awaitable[Assumed]], clock: Clock) -> None:
        self._assume = assume
        self._clock = clock
        self._held: dict[str, Assumed] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def keys(self, arn: str) -> Credentials:
        """Raises what ``assume`` raises."""
        if (held := self._valid(arn)) is not None:
            return held
        async with self._asking.setdefault(arn, asyncio.Lock()):
            if (held := self._valid(arn)) is not None:
                return held
            assumed = self._held[arn] = await self._assume(arn)
            return assumed.keys

    def _valid(self, arn: str) -> Credentials | None:
        held = self._held.get(arn)
        if held is None or held.expires_at_ms - RENEWED_BEFORE_MS <= self._clock.now().wall_ms:
            return None
        return held.keys
