"""Asynchronous invocations (``InvocationType=Event``): accepted at once, run in the background, retried as Lambda does.

A failed function is tried twice more; without free concurrency an event waits, longer each time, until it is too old.
Lambda's own delays are minutes; here they are seconds, because somebody is watching. Events live in this process's
memory: what still waits when the gateway stops is lost, and said so.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from gateway.model.ids import FunctionName
from gateway.model.invocation import FunctionError, FunctionResult, Returned
from gateway.ports import FunctionCall, Functions, Reporter
from gateway.tasks import Tasks

MAX_EVENTS: Final = 10_000
MAX_EVENT_BYTES: Final = 64 * 1024 * 1024  # of payloads, over all waiting and running events
MAX_CONCURRENT_EVENTS: Final = 10  # of one function; leaves room for the invocations somebody waits for


@dataclass(frozen=True, slots=True)
class Retries:
    """``error_delays_s``: before each further attempt after a function error (Lambda: 60 and 120 s). ``busy_delay_s``:
    the first wait when the function cannot be reached or is at its limit, doubled up to ``max_busy_delay_s``.
    ``max_age_s``: Lambda's default MaximumEventAge."""

    error_delays_s: tuple[float, ...] = (1.0, 2.0)
    busy_delay_s: float = 1.0
    max_busy_delay_s: float = 30.0
    max_age_s: float = 6 * 60 * 60


class EventQueue:
    """Owns every accepted event until it is done, dropped or the gateway stops."""

    def __init__(self, functions: Functions, reporter: Reporter, retries: Retries | None = None) -> None:
        self._functions = functions
        self._reporter = reporter
        self._retries = retries or Retries()
        self._tasks = Tasks(reporter.failed)
        self._bytes = 0
        self._slots: defaultdict[FunctionName, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(MAX_CONCURRENT_EVENTS)
        )

    def __len__(self) -> int:
        return len(self._tasks)

    def accept(self, call: FunctionCall) -> bool:
        """Take an event; False when as many as are allowed wait already."""
        if len(self._tasks) >= MAX_EVENTS or self._bytes + len(call.payload) > MAX_EVENT_BYTES:
            return False
        self._bytes += len(call.payload)
        self._tasks.start(self._run(call), f"asynchronous invocation of {call.function_name}")
        return True

    async def close(self, within_s: float) -> None:
        """Give the events up to ``within_s`` to finish, then drop what is left and say how many."""
        left = await self._tasks.settle(within_s)
        await self._tasks.close()
        if left:
            self._reporter.warned(f"{left} asynchronous invocations were still waiting or running and are lost")

    async def _run(self, call: FunctionCall) -> None:
        try:
            await self._until_done(call)
        finally:
            self._bytes -= len(call.payload)

    async def _until_done(self, call: FunctionCall) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._retries.max_age_s
        errors, busy_delay_s = list(self._retries.error_delays_s), self._retries.busy_delay_s
        while True:
            result = await self._attempt(call)
            if isinstance(result, Returned):
                return
            if isinstance(result, FunctionError):
                if not errors:
                    return self._gave_up(call, f"failed {len(self._retries.error_delays_s) + 1} times: {_said(result)}")
                delay_s = errors.pop(0)
            else:
                delay_s = busy_delay_s
                busy_delay_s = min(2 * busy_delay_s, self._retries.max_busy_delay_s)
            if loop.time() + delay_s > deadline:
                return self._gave_up(call, f"found no way to run before it was too old ({type(result).__name__})")
            await asyncio.sleep(delay_s)

    async def _attempt(self, call: FunctionCall) -> FunctionResult:
        async with self._slots[call.function_name]:
            return await self._functions.invoke(call)

    def _gave_up(self, call: FunctionCall, why: str) -> None:
        self._reporter.warned(f"an asynchronous invocation of {call.function_name} {why}")


def _said(error: FunctionError) -> str:
    return error.payload[:300].decode("utf-8", "replace")
