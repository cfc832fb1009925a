"""A pair of pipes whose far ends a function process inherits: length-prefixed frames instead of HTTP.

The pipes are the identity: they have no address, so nobody else can speak for that process. Not a socket pair: reading
from one wakes the other side for nothing, which costs a switch of context each time.

A frame is a length (four bytes,
big-endian, of what follows), a kind (one byte), lines and a body; ``bootstrap/python.py`` and ``bootstrap/node.mjs``
write and read the same. An answer and the question for the next event arrive in one write.

=====  ============================================================================
``N``  the runtime waits for an event
``R``  request id, line feed, response
``L``  request id, line feed, length: a response over the limit, which is not sent
``F``  request id, line feed, error type, line feed, error document
``E``  to the runtime: request id, deadline, ARN, trace id, client context (may be empty), each a line, then the payload
``X``  to the runtime: why what it sent was refused
=====  ============================================================================

Errors of initialisation, being rare, go through the Runtime API.
"""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Callable
from typing import Final

from gateway.invoke.dialogue import MAX_RESPONSE_BYTES, TOO_LARGE, Dialogue, Refusal, RuntimeEvent
from gateway.invoke.runtime_values import ascii_json, one_line

EVENTS_VARIABLE: Final = "WSFLEET_EVENTS"  # holds the number of the descriptor that the process reads from
ANSWERS_VARIABLE: Final = "WSFLEET_ANSWERS"  # and of the one it writes to
READ_BYTES: Final = 64 * 1024
MAX_FRAME_BYTES: Final = MAX_RESPONSE_BYTES + 64 * 1024  # a body and its lines
_HEAD: Final = struct.Struct("!IB")
_LENGTH_BYTES: Final = 4


class RuntimeChannel:
    """A ``dialogue.Client`` for as long as the process holds the other end."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._loop = asyncio.get_running_loop()
        self._far_read, self._write_fd = os.pipe()
        try:
            self._read_fd, self._far_write = os.pipe()
        except OSError:
            os.close(self._far_read)
            os.close(self._write_fd)
            raise
        os.set_blocking(self._read_fd, False)
        os.set_blocking(self._write_fd, False)
        self._has_far_ends = True
        self._received = bytearray()  # the part of a frame that has arrived
        self._missing = 0  # bytes until that frame can be whole
        self._unsent = memoryview(b"")
        self._serve: dict[int, Callable[[bytes], Refusal | None]] = {
            ord("N"): self._next,
            ord("R"): self._response,
            ord("L"): self._too_large,
            ord("F"): self._failure,
        }
        self.is_open = True

    @property
    def far_ends(self) -> dict[str, int]:
        """What to pass on, until ``started`` or ``close``, by the variables that are to hold the numbers."""
        return {EVENTS_VARIABLE: self._far_read, ANSWERS_VARIABLE: self._far_write}

    def started(self) -> None:
        """The process has its ends: this one closes when those do. It is heard from here on, what it has said by now
        too: on a busy machine a runtime asks for its first event before its owner is told that it runs."""
        self._close_far_ends()
        self._loop.add_reader(self._read_fd, self._readable)

    def give(self, event: RuntimeEvent) -> None:
        context = "" if event.client_context is None else ascii_json(event.client_context)
        lines = (
            f"{event.request_id}\n{event.deadline_ms}\n{event.function_arn}\n{one_line(event.trace_id)}\n{context}\n"
        )
        self._send(b"E", lines.encode(), event.payload)

    def close(self) -> None:
        self._close_far_ends()
        if self.is_open:
            self.is_open = False
            self._loop.remove_reader(self._read_fd)
            self._loop.remove_writer(self._write_fd)
            os.close(self._read_fd)
            os.close(self._write_fd)

    def _close_far_ends(self) -> None:
        if self._has_far_ends:
            self._has_far_ends = False
            os.close(self._far_read)
            os.close(self._far_write)

    # What arrives

    def _readable(self) -> None:
        try:
            data = os.read(self._read_fd, READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._end()
        elif not self._received:
            self._take(data)
        else:
            self._received += data
            self._missing -= len(data)
            if self._missing <= 0:
                data = bytes(self._received)
                self._received.clear()
                self._take(data)

    def _take(self, data: bytes) -> None:
        """Serve the whole frames of ``data``, keep the rest."""
        at, size = 0, len(data)
        while size - at >= _HEAD.size:
            length, kind = _HEAD.unpack_from(data, at)
            if not 0 < length <= MAX_FRAME_BYTES:
                self._end()
                return
            end = at + _LENGTH_BYTES + length
            if end > size:
                self._missing = end - size
                break
            self._serve_one(kind, data[at + _HEAD.size : end])
            if not self.is_open:
                return
            at = end
        if at < size:
            self._missing = max(self._missing, 1)
            self._received += data[at:]

    def _serve_one(self, kind: int, body: bytes) -> None:
        serve = self._serve.get(kind)
        if serve is None or self._dialogue.is_closed:
            self._end()
        elif (refusal := serve(body)) is not None:
            self._send(b"X", refusal.text.encode(), b"")

    def _next(self, body: bytes) -> Refusal | None:
        return self._dialogue.next(self)

    def _response(self, body: bytes) -> Refusal | None:
        request_id, _, response = body.partition(b"\n")
        refusal = self._dialogue.may_answer(request_id.decode("latin-1"), "InvocationResponse")
        if refusal is None:
            self._dialogue.respond(response)
        return refusal

    def _too_large(self, body: bytes) -> Refusal | None:
        request_id, _, size = body.partition(b"\n")
        refusal = self._dialogue.may_answer(request_id.decode("latin-1"), "InvocationResponse")
        if refusal is None:
            self._send(b"X", TOO_LARGE.encode(), b"")
            self._dialogue.respond_too_large(int(size) if size.isdigit() else MAX_RESPONSE_BYTES + 1)
        return refusal

    def _failure(self, body: bytes) -> Refusal | None:
        request_id, _, rest = body.partition(b"\n")
        error_type, _, document = rest.partition(b"\n")
        refusal = self._dialogue.may_answer(request_id.decode("latin-1"), "InvocationErrorResponse")
        if refusal is None:
            self._dialogue.fail(error_type.decode("utf-8", "replace"), document)
        return refusal

    def _end(self) -> None:
        """The process closed its end, or does not speak as it should."""
        self.close()
        self._dialogue.lose(self)

    # What leaves

    def _send(self, kind: bytes, lines: bytes, body: bytes) -> None:
        if not self.is_open:
            return
        frame = (1 + len(lines) + len(body)).to_bytes(_LENGTH_BYTES, "big") + kind + lines + body
        if self._unsent:
            self._unsent = memoryview(bytes(self._unsent) + frame)
            return
        sent = self._sent(frame)
        if sent < len(frame):
            self._unsent = memoryview(frame)[sent:]
            self._loop.add_writer(self._write_fd, self._flush)

    def _flush(self) -> None:
        self._unsent = self._unsent[self._sent(self._unsent) :]
        if not self._unsent:
            self._loop.remove_writer(self._write_fd)

    def _sent(self, data: bytes | memoryview) -> int:
        """How much the kernel took, all of it when nobody will read it: that end is noticed by reading."""
        try:
            return os.write(self._write_fd, data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)
