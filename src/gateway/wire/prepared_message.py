"""One message for many connections: its frames are made once for each size of window, and shared by all."""

from __future__ import annotations

from collections.abc import Callable

from gateway.wire.compression import sent_binary, sent_text


class PreparedMessage:
    """``frames_of`` makes the frames of ``data``: ``sent_text`` where that is valid UTF-8. ``size`` is what counts of
    it when a client's buffer is looked at, in bytes: all of it, unless its caller sent less. ``made`` counts how often
    frames had to be made."""

    __slots__ = ("_frames", "_frames_of", "data", "size")

    def __init__(
        self,
        data: bytes,
        frames_of: Callable[[bytes, int, int], bytes] = sent_text,
        size: int | None = None,
    ) -> None:
        self.data = data
        self.size = len(data) if size is None else size
        self._frames_of = frames_of
        self._frames: dict[tuple[int, int], bytes] = {}

    @classmethod
    def of_bytes(cls, data: bytes) -> PreparedMessage:
        """A BINARY message."""
        return cls(data, sent_binary)

    @property
    def made(self) -> int:
        return len(self._frames)

    def frames(self, max_frame_bytes: int, window_bits: int) -> bytes:
        """As ``sent_text`` or ``sent_binary``; the same object for the same arguments."""
        kind = max_frame_bytes, window_bits
        frames = self._frames.get(kind)
        if frames is None:
            frames = self._frames[kind] = self._frames_of(self.data, max_frame_bytes, window_bits)
        return frames
