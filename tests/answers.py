"""What may be there at once or take a coroutine, for tests that care for the answer alone."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")


async def answered(answer: Answer | Coroutine[Any, Any, Answer]) -> Answer:
    return await answer if isinstance(answer, Coroutine) else answer
