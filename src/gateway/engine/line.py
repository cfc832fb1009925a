"""Messages of one connection in line: one is with its handler, the others wait in the order in which they came.

There is a line only as long as a message is with its handler, so a dormant connection has none. Its length is bounded
by whoever reads the client (``model.limits``, messages in flight).
"""

from __future__ import annotations

from collections import deque


class Line:
    """``farewell`` is the code and reason that ``$disconnect`` is owed with once the line is empty, None as long as the
    connection is open."""

    __slots__ = ("_waiting", "farewell")

    def __init__(self) -> None:
        self._waiting: deque[str | bytes] = deque()
        self.farewell: tuple[int, str] | None = None

    def join(self, content: str | bytes) -> None:
        """Wait behind all others."""
        self._waiting.append(content)

    def next(self) -> str | bytes | None:
        """Whose turn it is, None when nobody waits."""
        return self._waiting.popleft() if self._waiting else None
