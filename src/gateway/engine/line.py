"""Messages of one connection in line: one is with its handler, the others wait in the order in which they came.

There is a line only as long as a message is with its handler, so a dormant connection has none. Its length is bounded
by whoever reads the client (``model.limits``: messages in flight, bytes in line).
"""

from __future__ import annotations

from collections import deque


class Line:
    """``farewell`` is the code and reason that ``$disconnect`` is owed with once the line is empty, None as long as the
    connection is open. ``size`` is what waits, in bytes of memory: a text may take four times its length on the wire.
    """

    __slots__ = ("_waiting", "farewell", "size")

    def __init__(self) -> None:
        self._waiting: deque[str | bytes] = deque()
        self.farewell: tuple[int, str] | None = None
        self.size = 0

    def join(self, content: str | bytes) -> None:
        """Wait behind all others."""
        self._waiting.append(content)
        self.size += content.__sizeof__()

    def next(self) -> str | bytes | None:
        """Whose turn it is, None when nobody waits."""
        if not self._waiting:
            return None
        content = self._waiting.popleft()
        self.size = self.size - content.__sizeof__() if self._waiting else 0
        return content

    def give_up(self) -> int:
        """Nobody waits any more; how many did."""
        count = len(self._waiting)
        self._waiting.clear()
        self.size = 0
        return count
