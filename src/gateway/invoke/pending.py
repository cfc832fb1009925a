"""One call of a function on its way: what to run, who waits for it, and until when."""

from __future__ import annotations

import asyncio
from typing import Protocol

from gateway.model.invocation import FunctionResult, TimedOut
from gateway.ports import FunctionCall


class Failure(Protocol):
    """Why a call fails, with the error document its caller gets."""

    @property
    def why(self) -> str: ...

    def payload(self, request_id: str) -> bytes: ...


class PendingCall:
    """The first result counts. ``wait`` ends at the latest with the caller's patience, while the function runs on."""

    __slots__ = ("_result", "call", "request_id", "since")

    def __init__(self, call: FunctionCall, request_id: str, loop: asyncio.AbstractEventLoop) -> None:
        self.call = call
        self.request_id = request_id
        self.since = loop.time()
        self._result: asyncio.Future[FunctionResult] = loop.create_future()

    @property
    def tag(self) -> str:
        return self.call.request_tag or self.request_id

    @property
    def is_over(self) -> bool:
        """Nobody waits any more."""
        return self._result.done()

    def finish(self, result: FunctionResult) -> None:
        if not self._result.done():
            self._result.set_result(result)

    async def wait(self) -> FunctionResult:
        timer = self._result.get_loop().call_later(self.call.wait_ms / 1000, self.finish, TimedOut())
        try:
            return await self._result
        finally:
            timer.cancel()
