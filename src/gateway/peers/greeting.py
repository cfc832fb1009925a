"""How two nodes convince each other at the start of a connection that both have the fleet's key.

    asker      hello (magic, version, nonce)
    answerer   hello, then its proof
    asker      its proof, then batches

A proof is a keyed hash of both hellos and of the side that gives it, so none can be replayed or sent back. The keys
of the batches are made of the same, one for each direction. A fresh nonce on either side makes them fresh.
"""

from __future__ import annotations

from hashlib import blake2b
from hmac import compare_digest
from typing import Final, NamedTuple

from gateway.peers.garbled import Garbled

NONCE_BYTES: Final = 32
MAX_KEY_BYTES: Final = blake2b.MAX_KEY_SIZE
VERSION: Final = 1

_MAGIC: Final = b"wsfleet"
_HELLO_BYTES: Final = len(_MAGIC) + 1 + NONCE_BYTES
_PROOF_BYTES: Final = 32
_SESSION_KEY_BYTES: Final = 32
# BLAKE2's personalisation keeps apart what the fleet's key is used for; at most 16 bytes.
_ASKER: Final = b"wsfleet asker"
_ANSWERER: Final = b"wsfleet answerer"
_REQUESTS: Final = b"wsfleet requests"
_ANSWERS: Final = b"wsfleet answers"


class SessionKeys(NamedTuple):
    """One key for each direction of one connection."""

    requests: bytes
    answers: bytes


class Greeting:
    """One side of it, for one connection. ``key`` is 1 to 64 bytes, ``nonce`` 32 that were never used before.

    ``opening`` is to be sent at once. ``session`` is None until the other side has proven that it has the key.
    """

    __slots__ = ("_asks", "_hello", "_kept", "_key", "_transcript", "opening", "session")

    def __init__(self, key: bytes, nonce: bytes, *, asks: bool) -> None:
        if not 1 <= len(key) <= MAX_KEY_BYTES or len(nonce) != NONCE_BYTES:
            raise ValueError("the fleet's key is 1 to 64 bytes and a nonce 32")
        self._key = key
        self._asks = asks
        self._hello = _MAGIC + bytes((VERSION,)) + nonce
        self._kept = b""
        self._transcript = b""
        self.opening = self._hello if asks else b""
        self.session: SessionKeys | None = None

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """What to send now, and the bytes that came after the greeting: empty until ``session`` is there.

        Raises Garbled when the other side is no node of this fleet, or of another version.
        """
        self._kept += data
        send = b""
        if not self._transcript and len(self._kept) >= _HELLO_BYTES:
            send = self._met(self._take(_HELLO_BYTES))
        if self._transcript and len(self._kept) >= _PROOF_BYTES:
            return send + self._proven(self._take(_PROOF_BYTES)), self._take(len(self._kept))
        return send, b""

    def _met(self, hello: bytes) -> bytes:
        """The hello of the other side is there."""
        if not hello.startswith(_MAGIC):
            raise Garbled("what came is not the greeting of a node")
        version = hello[len(_MAGIC)]
        if version != VERSION:
            raise Garbled(f"it speaks version {version} of the protocol, this node version {VERSION}")
        if self._asks:
            self._transcript = self._hello + hello
            return b""
        self._transcript = hello + self._hello
        return self._hello + self._keyed(_ANSWERER, _PROOF_BYTES)

    def _proven(self, proof: bytes) -> bytes:
        """The proof of the other side is there."""
        theirs = _ANSWERER if self._asks else _ASKER
        if not compare_digest(proof, self._keyed(theirs, _PROOF_BYTES)):
            raise Garbled("it does not have this fleet's key")
        keys = (self._keyed(use, _SESSION_KEY_BYTES) for use in (_REQUESTS, _ANSWERS))
        self.session = SessionKeys(*keys)
        return self._keyed(_ASKER, _PROOF_BYTES) if self._asks else b""

    def _keyed(self, use: bytes, size: int) -> bytes:
        return blake2b(self._transcript, key=self._key, person=use, digest_size=size).digest()

    def _take(self, size: int) -> bytes:
        taken, self._kept = self._kept[:size], self._kept[size:]
        return taken
