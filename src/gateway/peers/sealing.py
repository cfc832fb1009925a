"""Frames in batches, and each batch under a MAC of everything this direction has said so far.

    batch    length of the frames u32 · stamp ms u64 · frames · MAC of 16 bytes

The key is of one direction of one connection. Because the MAC covers all earlier batches too, one that is changed,
left out, repeated, moved or taken from elsewhere is found out, and no sequence number is needed. One MAC a batch
costs 0.5 us and 1.7 us a KB however many frames there are. Nothing is encrypted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from hmac import compare_digest
from struct import Struct
from typing import Final

from gateway.peers.bounds import MAX_ALONE_BYTES, MAX_BATCH_BYTES
from gateway.peers.garbled import Garbled

MAC_BYTES: Final = 16
_HEAD: Final = Struct(">IQ")
FRAMES_AT: Final = _HEAD.size

Batch = tuple[int, bytes]  # the sender's stamp in ms; bytes whose frames start at FRAMES_AT and go to the end


class Sealer:
    """Makes the batches of one direction; what it returns is to be sent in the order in which it was made."""

    __slots__ = ("_said",)

    def __init__(self, key: bytes) -> None:
        self._said = blake2b(key=key, digest_size=MAC_BYTES)

    def seal(self, frames: Sequence[bytes], stamp_ms: int) -> bytes:
        """One batch, or several when the frames do not fit into one; a frame that is longer than a batch may be has
        one to itself."""
        body = b"".join(frames)
        if len(body) <= MAX_BATCH_BYTES:
            return self._batch(body, stamp_ms)
        return b"".join([self._batch(part, stamp_ms) for part in _parts(frames)])

    def _batch(self, body: bytes, stamp_ms: int) -> bytes:
        message = _HEAD.pack(len(body), stamp_ms) + body
        self._said.update(message)
        return message + self._said.digest()


def _parts(frames: Sequence[bytes]) -> Iterator[bytes]:
    part: list[bytes] = []
    size = 0
    for frame in frames:
        if part and size + len(frame) > MAX_BATCH_BYTES:
            yield b"".join(part)
            part, size = [], 0
        part.append(frame)
        size += len(frame)
    yield b"".join(part)


class Opener:
    """Takes the bytes of one direction, however they are cut; holds back what is not a whole batch yet."""

    __slots__ = ("_heard", "_kept", "_needed")

    def __init__(self, key: bytes) -> None:
        self._heard = blake2b(key=key, digest_size=MAC_BYTES)
        self._kept = bytearray()
        self._needed = FRAMES_AT

    def feed(self, data: bytes) -> Iterator[Batch]:
        """The batches that are complete now; to be read to its end before the next call.

        Raises Garbled at the first that is too long or not what the other side said; nothing after it may be fed.
        """
        if self._kept:
            self._kept += data
            if len(self._kept) < self._needed:
                return
            data = bytes(self._kept)
            self._kept.clear()
        start, end = 0, len(data)
        self._needed = FRAMES_AT
        while end - start >= FRAMES_AT:
            length, stamp_ms = _HEAD.unpack_from(data, start)
            if length > MAX_ALONE_BYTES:
                raise Garbled("a batch is longer than any may be")
            mac = start + FRAMES_AT + length
            if mac + MAC_BYTES > end:
                self._needed = mac + MAC_BYTES - start
                break
            message = data[start:mac]
            start = mac + MAC_BYTES
            self._heard.update(message)
            if not compare_digest(self._heard.digest(), data[mac:start]):
                raise Garbled("a batch is not what the other side said")
            yield stamp_ms, message
        if start < end:
            self._kept += data[start:]
