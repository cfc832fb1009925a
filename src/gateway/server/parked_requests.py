"""The HTTP side of a parked socket: heads are read here, handshakes and plain posts served, all else goes to aiohttp.

Plain posts are what handlers send through an SDK, in thousands: they cost a third of what they cost through aiohttp.
Whatever is unusual about a request (``plain_post`` says what) has it handed over with the bytes read so far and with
its connection for good; both ways answer to the byte alike. Answers leave in the order of the requests: while one is
awaited nothing more is read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from socket import socket
from typing import Final, Generic

from gateway.counters import Limit
from gateway.model.http import HttpRequest, HttpResponse
from gateway.ports import ConversationT
from gateway.server.carrier import PLAIN, Carrier
from gateway.server.conduct import Conduct
from gateway.server.desk import Desk
from gateway.server.door import Door
from gateway.server.handover import Handover
from gateway.server.head import find_end, read_head
from gateway.server.lot import Lot
from gateway.server.parked_farewell import ParkedFarewell
from gateway.server.parked_stream import ParkedStream
from gateway.server.plain_post import PlainPost, plain_post
from gateway.server.refusals import HEAD_TOO_LARGE, REQUEST_TIMEOUT
from gateway.wire.forwarded import client_of
from gateway.wire.handshake import Peer, read_handshake, wants_upgrade
from gateway.wire.http import RequestHead, response


@dataclass(frozen=True, slots=True)
class Yard(Generic[ConversationT]):
    """What parked sockets share; ``left`` is told of a descriptor that never came into the lot. Implements
    ``acceptor.Entrance``."""

    door: Door[ConversationT]
    desk: Desk
    conduct: Conduct
    carrier: Carrier
    lot: Lot
    handover: Handover
    left: Callable[[int], None]

    def __len__(self) -> int:
        """How many sockets there are that aiohttp does not have."""
        return len(self.lot) - len(self.handover)

    def enter(self, accepted: socket, peer: Peer) -> None:
        number = accepted.fileno()
        fd = self.carrier.admit(accepted)
        if fd is None:
            self.left(number)
        else:
            ParkedRequests(self, peer if self.carrier is PLAIN else peer.over_tls()).begin(fd)

    def close(self) -> None:
        """Nobody is on the way in: who was accepted is parked."""


class _Awaits(Enum):
    """``AGREEMENT`` is the TLS handshake's end, ``LATE_AGREEMENT`` one that takes longer than a head may,
    ``FIRST_HEAD`` may still be a stranger's noise, ``HEAD`` one behind a request that was served."""

    AGREEMENT = "AGREEMENT"
    LATE_AGREEMENT = "LATE_AGREEMENT"
    FIRST_HEAD = "FIRST_HEAD"
    HEAD = "HEAD"
    BODY = "BODY"
    ANSWER = "ANSWER"


_AGREEMENTS: Final = (_Awaits.AGREEMENT, _Awaits.LATE_AGREEMENT)


class ParkedRequests(Generic[ConversationT]):
    """``_raw`` is what has been read and not been served; of it ``_known`` bytes hold no whole head, or the whole head
    of ``_post``."""

    __slots__ = ("_awaits", "_known", "_peer", "_post", "_raw", "_yard", "fd", "out", "wants")

    def __init__(self, yard: Yard[ConversationT], peer: Peer) -> None:
        self._yard = yard
        self._peer = peer
        self._awaits = _Awaits.FIRST_HEAD
        self._raw: bytes | bytearray = b""
        self._known = 0
        self._post: PlainPost | None = None
        self.fd = -1
        self.wants = 0
        self.out: bytearray | None = None

    def begin(self, fd: int) -> None:
        """Own a non-blocking descriptor whose client has been told nothing yet."""
        self._yard.lot.park(self, fd)
        limits = self._yard.door.limits
        if self._yard.carrier.is_ready(fd):
            self._yard.door.watch(self, limits.head_timeout_ms)
        else:
            self._awaits = _Awaits.AGREEMENT
            self._yard.door.watch(self, min(limits.tls_handshake_timeout_ms, limits.head_timeout_ms))

    # -- Parked ----------------------------------------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        if self._awaits in _AGREEMENTS:
            self._awaits = _Awaits.FIRST_HEAD
            self._yard.door.watch(self, self._yard.door.limits.head_timeout_ms)
        if not self._raw:
            self._raw = data
        else:
            if isinstance(self._raw, bytes):
                self._raw = bytearray(self._raw)
            self._raw += data
        self._go_on()

    def stream_ended(self) -> None:
        self._yard.lot.hang_up(self)

    def flushed(self) -> None:
        if self.out is None:
            self._yard.lot.read_on(self, True)
            self._go_on()

    def gone(self) -> None:
        self._yard.door.forget(self)

    # -- Shell -----------------------------------------------------------------------------------------------------

    def overdue(self) -> None:
        if self._awaits is _Awaits.AGREEMENT and self._may_wait():
            return
        counters = self._yard.door.counters
        if self.out is not None:
            counters.exceed(Limit.UNREAD_ANSWER)
            self._yard.lot.close(self)
        elif self._raw:
            counters.exceed(Limit.BODY_TIMEOUT if self._awaits is _Awaits.BODY else Limit.HEAD_TIMEOUT)
            self._end_with(REQUEST_TIMEOUT)
        else:
            if self._awaits is _Awaits.FIRST_HEAD:
                counters.exceed(Limit.HEAD_TIMEOUT)
            elif self._awaits in _AGREEMENTS:
                counters.exceed(Limit.TLS_HANDSHAKE)
            self._yard.lot.close(self)  # browsers open sockets in advance; an answer to nothing would confuse them

    def drop(self) -> None:
        self._yard.lot.close(self)

    # ------------------------------------------------------------------------------------------------------------

    def _may_wait(self) -> bool:
        """The shorter of two times has passed without a byte of the client's own; nobody told whether the handshake
        ended in it. Now it shows which of the two holds."""
        head_ms, handshake_ms = (limits := self._yard.door.limits).head_timeout_ms, limits.tls_handshake_timeout_ms
        is_agreed = self._yard.carrier.is_ready(self.fd)
        self._awaits = _Awaits.FIRST_HEAD if is_agreed else _Awaits.LATE_AGREEMENT
        left_ms = (head_ms if is_agreed else handshake_ms) - min(head_ms, handshake_ms)
        if left_ms:
            self._yard.door.watch(self, left_ms)
        return left_ms > 0

    def _go_on(self) -> None:
        """Serve what there is, as long as every answer can leave and is there at once."""
        while self._raw and self.fd >= 0 and self.out is None and self._awaits is not _Awaits.ANSWER:
            post = self._post
            if self._awaits is _Awaits.HEAD and self._raw[0] in b"\r\n":
                self._raw = self._raw.lstrip(b"\r\n")  # behind a request that was served they are nothing at all
            elif post is None:
                end = find_end(self._raw, self._known)
                if not end:
                    if self._awaits is _Awaits.HEAD and not self._known:
                        self._yard.door.watch(self, self._yard.door.limits.head_timeout_ms)
                    self._known = len(self._raw)
                    return
                self._read_head(end)
            elif len(self._raw) - self._known < post.length:
                return
            else:
                self._ask(post)

    def _read_head(self, end: int | HttpResponse) -> None:
        if isinstance(end, HttpResponse):
            self._refuse(end, Limit.HEAD_BYTES)
            return
        data = bytes(self._raw[:end])
        post = plain_post(data, self._yard.desk.max_body_bytes, self._yard.conduct.longer_bodies)
        if post is None:
            self._read_other(data)
            return
        self._post, self._known = post, end
        if len(self._raw) - end < post.length:
            self._awaits = _Awaits.BODY
            self._yard.door.watch(self, self._yard.conduct.body_timeout_ms)

    def _read_other(self, data: bytes) -> None:
        """``data`` is a head, and of no plain post."""
        head = read_head(data)
        if isinstance(head, HttpResponse):
            self._refuse(head, Limit.HEAD_COUNT)
        elif wants_upgrade(head):
            self._upgrade(head, len(data))
        else:
            self._hand_over()

    def _refuse(self, why: HttpResponse, limit: Limit) -> None:
        """What was read is no request, or goes beyond ``limit``; behind one that was served, aiohttp says so in its own
        words."""
        if self._awaits is _Awaits.FIRST_HEAD:
            if why is HEAD_TOO_LARGE:
                self._yard.door.counters.exceed(limit)
            self._end_with(why)
        else:
            self._hand_over()

    def _ask(self, post: PlainPost) -> None:
        end = self._known + post.length
        body, self._raw = bytes(self._raw[self._known : end]), self._raw[end:]
        head = RequestHead("POST", post.path, "1.1", post.headers)
        client = client_of(head, self._peer, self._yard.door.trusted)
        asked = HttpRequest(
            "POST", post.path, post.query, post.headers, body, client.source_ip, post.host, client.secure
        )
        asked.knows(post.fields)
        self._awaits, self._known = _Awaits.ANSWER, 0
        answer = self._yard.desk.ask(asked, self._answered_later)
        if answer is None:
            self._yard.lot.read_on(self, False)
            self._yard.door.forget(self)
        else:
            self._answered(answer)

    def _answered_later(self, answer: HttpResponse) -> None:
        if self.fd >= 0:
            self._yard.lot.read_on(self, True)
            self._answered(answer)
            self._go_on()

    def _answered(self, answer: HttpResponse) -> None:
        yard, post = self._yard, self._post
        assert post is not None
        if not post.keep_alive:
            self._end_with(answer)
            return
        self._awaits, self._post = _Awaits.HEAD, None
        yard.door.watch(self, yard.conduct.keep_alive_ms)
        yard.lot.write(self, response(answer, yard.desk.wall_ms()))
        if self.out is not None:
            yard.lot.read_on(self, False)  # who does not read its answers is not read

    def _upgrade(self, head: RequestHead, end: int) -> None:
        yard = self._yard
        handshake = read_handshake(head, client_of(head, self._peer, yard.door.trusted))
        if isinstance(handshake, HttpResponse):
            self._end_with(handshake)
            return
        yard.door.forget(self)
        ParkedStream(yard.door, yard.lot, handshake.key).begin(self, handshake, bytes(self._raw[end:]))

    def _end_with(self, answer: HttpResponse) -> None:
        yard = self._yard
        data = response(answer, yard.desk.wall_ms(), keep_alive=False)
        ParkedFarewell(yard.door, yard.lot).say(self, data)

    def _hand_over(self) -> None:
        yard = self._yard
        yard.door.forget(self)
        yard.handover.take(self, self._peer, bytes(self._raw))
