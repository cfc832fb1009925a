"""The queues and streams of a definition, each read as long as the definition has it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from gateway.model.aws import AwsEndpoint
from gateway.model.event_source import EventSource
from gateway.ports import Functions, Ids, Reporter
from gateway.sources.batch import Caller
from gateway.tasks import Tasks

if TYPE_CHECKING:
    from gateway.sources.endpoint import SourceEndpoint
    from gateway.sources.queue import QueueSource
    from gateway.sources.stream import StreamSource

READING_WITHIN_S: Final = 5.0  # until a stream's beginning is fixed; later than that it begins by itself


class EventSources:
    """Reads nothing until the first ``replace``."""

    def __init__(self, functions: Functions, endpoint: AwsEndpoint, ids: Ids, reporter: Reporter) -> None:
        self._functions = functions
        self._at = endpoint
        self._ids = ids
        self._reporter = reporter
        self._endpoint: SourceEndpoint | None = None
        self._tasks = Tasks(reporter.failed)
        self._running: dict[EventSource, QueueSource | StreamSource] = {}

    async def replace(self, sources: Iterable[EventSource]) -> None:
        """From now on these are read. One that did not change reads on; one that is gone finishes what it has.

        Returns once streams are read from where they are now, so that no later record is missed."""
        wanted = {source for source in sources if source.enabled}
        for gone in self._running.keys() - wanted:
            self._running.pop(gone).stop()
        new = [self._start(source) for source in wanted - self._running.keys()]
        if new:
            waits = [asyncio.ensure_future(each.reading.wait()) for each in new]
            _, late = await asyncio.wait(waits, timeout=READING_WITHIN_S)
            for wait in late:
                wait.cancel()

    async def close(self) -> None:
        """Read nothing more. Calls under way are left to the function; their messages come again."""
        for source in self._running.values():
            source.stop()
        self._running.clear()
        await self._tasks.close()
        if self._endpoint is not None:
            self._endpoint.close()

    def _start(self, source: EventSource) -> QueueSource | StreamSource:
        from gateway.sources.endpoint import SourceEndpoint  # brings boto3, as what follows
        from gateway.sources.queue import QueueSource
        from gateway.sources.stream import StreamSource

        if self._endpoint is None:
            self._endpoint = SourceEndpoint(self._at, self._reporter.warned)
        caller, warned = Caller(source, self._functions, self._ids), self._reporter.warned
        reader = (
            QueueSource(caller, self._endpoint, warned, self._tasks)
            if source.is_queue
            else StreamSource(caller, self._endpoint, warned)
        )
        self._running[source] = reader
        self._tasks.start(reader.run(), f"reading {source.name}")
        return reader
