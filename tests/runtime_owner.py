"""The owner of a dialogue with a runtime, as a recording."""

from __future__ import annotations

from gateway.invoke.dialogue import Dialogue, RuntimeEvent
from runtime_double import Signal

EVENT = RuntimeEvent("id-1", b'{"a":1}', 1790295784940, "arn:aws:lambda:r:1:function:f", "Root=1-2-3")


class Owner:
    """Remembers what it hears; a poll is answered by the next event it holds."""

    def __init__(self) -> None:
        self.heard: list[tuple[object, ...]] = []
        self.events: list[RuntimeEvent] = []
        self.dialogue = Dialogue(self)
        self.changed = Signal()

    def _hear(self, *what: object) -> None:
        self.heard.append(what)
        self.changed.tell()

    def polled(self) -> None:
        self._hear("polled")
        if self.events:
            self.dialogue.offer(self.events.pop(0))

    def poll_lost(self) -> None:
        self._hear("poll_lost")

    def responded(self, body: bytes) -> None:
        self._hear("responded", body)

    def response_too_large(self, size: int) -> None:
        self._hear("too_large", size)

    def failed(self, error_type: str, body: bytes) -> None:
        self._hear("failed", error_type, body)

    def init_failed(self, error_type: str, body: bytes) -> None:
        self._hear("init_failed", error_type, body)

    def intruded(self) -> None:
        self._hear("intruded")

    async def until(self, *what: object) -> None:
        await self.changed.until(lambda: what in self.heard)
