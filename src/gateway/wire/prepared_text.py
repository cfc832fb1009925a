"""One TEXT message for many connections: its frames are made once for each size of window, and shared by all."""

from __future__ import annotations

from gateway.wire.compression import sent_text


class PreparedText:
    """``text`` is valid UTF-8, ``size`` its length in bytes; ``made`` are the frames by window bits, as far as somebody
    has asked for them."""

    __slots__ = ("_max_frame_bytes", "made", "size", "text")

    def __init__(self, text: bytes, max_frame_bytes: int) -> None:
        self.text = text
        self.size = len(text)
        self.made: dict[int, bytes] = {}
        self._max_frame_bytes = max_frame_bytes

    def frames(self, window_bits: int) -> bytes:
        """As ``sent_text``; the same object for the same window."""
        frames = self.made.get(window_bits)
        if frames is None:
            frames = self.made[window_bits] = sent_text(self.text, self._max_frame_bytes, window_bits)
        return frames
