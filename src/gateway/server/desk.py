"""Asks one HTTP service, whichever way requests are read, and stands in for it when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.first_step import Waiting, take_first_step
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.surprise import one_line
from gateway.ports import Clock, HttpService, Reporter
from gateway.tasks import Tasks
from gateway.wire.handshake import refusal

INTERNAL_SERVER_ERROR: Final = refusal(500, "Internal server error")

Answered = Callable[[HttpResponse], None]


class Desk:
    """Whatever a service does wrong ends here, reported once. To be made inside a running loop."""

    def __init__(self, service: HttpService, clock: Clock, reporter: Reporter) -> None:
        self.max_body_bytes = service.max_body_bytes
        self._service = service
        self._clock = clock
        self._reporter = reporter
        self._loop = asyncio.get_running_loop()
        self._tasks = Tasks(reporter.failed)

    def wall_ms(self) -> int:
        """Unix time in milliseconds."""
        return self._clock.now().wall_ms

    def too_large(self, asked: HttpRequest) -> HttpResponse:
        """The answer to a request whose body was too large."""
        try:
            return self._service.too_large(asked)
        except Exception as error:
            return self._failed(asked, error)

    async def handle(self, asked: HttpRequest) -> HttpResponse:
        """The answer to a request."""
        try:
            answer = self._service.handle(asked)
            return answer if isinstance(answer, HttpResponse) else await answer
        except Exception as error:
            return self._failed(asked, error)

    def ask(self, asked: HttpRequest, later: Answered) -> HttpResponse | None:
        """The answer if it is there at once; else None, and ``later`` is called with it in a turn of its own."""
        try:
            answer = self._service.handle(asked)
            if isinstance(answer, HttpResponse):
                return answer
            step = take_first_step(answer, self._loop)
        except Exception as error:
            return self._failed(asked, error)
        if isinstance(step, HttpResponse):
            return step
        self._tasks.start(self._wait(asked, step, later), f"{asked.method} {asked.raw_path}")
        return None

    async def close(self, timeout_s: float) -> None:
        """Let what was asked for be answered for at most ``timeout_s``; what is not then is never."""
        await self._tasks.settle(timeout_s)
        await self._tasks.close()

    async def _wait(self, asked: HttpRequest, waiting: Waiting[HttpResponse], later: Answered) -> None:
        try:
            answer = await waiting.finish()
        except Exception as error:
            answer = self._failed(asked, error)
        self._loop.call_soon(later, answer)  # whatever it leads to does not go on inside this task

    def _failed(self, asked: HttpRequest, error: Exception) -> HttpResponse:
        name = type(self._service).__name__
        self._reporter.failed(f"{asked.method} {asked.raw_path} failed in {name}: {one_line(error)}")
        return INTERNAL_SERVER_ERROR
