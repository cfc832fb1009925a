"""One call of a function on its way: what to run, who waits for it, and until when."""

from __future__ import annotations

import asyncio
from typing import Protocol

from gateway.model.invocation import FunctionResult
from gateway.ports import FunctionCall


class Failure(Protocol):
    """Why a call fails, with the error document its caller gets."""

    @property
    def why(self) -> str: ...

    def payload(self, request_id: str) -> bytes: ...


class PendingCall:
    """The first result counts; ``since`` is time of the loop."""

    __slots__ = ("call", "request_id", "result", "since")

    def __init__(self, call: FunctionCall, request_id: str, loop: asyncio.AbstractEventLoop) -> None:
        self.call = call
        self.request_id = request_id
        self.since = loop.time()
        self.result: asyncio.Future[FunctionResult] = loop.create_future()

    @property
    def tag(self) -> str:
        return self.call.request_tag or self.request_id

    @property
    def is_over(self) -> bool:
        """Nobody waits any more."""
        return self.result.done()

    def finish(self, result: FunctionResult) -> None:
        if not self.result.done():
            self.result.set_result(result)
