"""One TEXT message for many connections: its frames are made once for each size of window, and shared by all."""

from __future__ import annotations

from gateway.wire.compression import sent_text


class PreparedText:
    """``text`` is valid UTF-8; ``made`` counts how often frames had to be made."""

    __slots__ = ("_frames", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._frames: dict[tuple[int, int], bytes] = {}

    @property
    def made(self) -> int:
        return len(self._frames)

    def frames(self, max_frame_bytes: int, window_bits: int) -> bytes:
        """As ``sent_text``; the same object for the same arguments."""
        kind = max_frame_bytes, window_bits
        frames = self._frames.get(kind)
        if frames is None:
            frames = self._frames[kind] = sent_text(self.text, max_frame_bytes, window_bits)
        return frames
