"""Bare descriptors of TCP sockets in one epoll that the event loop watches: where sockets are parked on Linux.

A parked socket costs one object of its own and eight bytes here: no transport, no socket object, no callback. This
module does everything that is done with the descriptors; what the bytes mean is the parked object's matter, and what
they look like on their way is the carrier's (``carrier``, ``secure_carrier``).

Fairness: one wake-up serves at most ``_WAKE_EVENTS`` sockets and stops behind ``_WAKE_BYTES``, each gives at most
``carrier.READ_BYTES``. The kernel puts whoever was served at the end of its list and reports again what was left over.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Final, Protocol, TypeVar

from gateway.model.limits import KIB
from gateway.server.carrier import PLAIN, Carrier, Stalled

CAN_PARK: Final = hasattr(select, "epoll")

HIGH_WATER_BYTES: Final = 64 * KIB  # unsent, above which a client that does not read is not read; asyncio's own marks
LOW_WATER_BYTES: Final = 16 * KIB
_WAKE_EVENTS: Final = 256
_WAKE_BYTES: Final = 96 * KIB
_BATCH: Final = 32  # asked of the kernel at once: what one wake-up goes over its bytes by
_GROWTH: Final = 1024

# The bits of ``Parked.wants``: two are epoll's own.
READ: Final = 0x001
WRITE: Final = 0x004
_WATCHED: Final = READ | WRITE
_STALLED: Final = 1 << 19  # reading has to write first (TLS): READ waits for WRITE
_SHUT: Final = 1 << 20  # our stream ends once everything has left
_CLOSE: Final = 1 << 21  # the connection does
_BROKEN: Final = 1 << 22  # writing failed: it is about to be closed


class Parked(Protocol):
    """What a descriptor belongs to. The three fields are the lot's to change; a new one has ``fd`` -1 and the others
    empty, and so has one whose descriptor is gone."""

    fd: int
    wants: int
    out: bytearray | None  # what the kernel has not taken yet, None when that is nothing

    def received(self, data: bytes) -> None:
        """At least one byte came."""

    def stream_ended(self) -> None:
        """The client sends no more; called once. Reading has stopped."""

    def flushed(self) -> None:
        """Something of ``out`` has left."""

    def gone(self) -> None:
        """The descriptor is closed, by whomever. The last call."""


ParkedT = TypeVar("ParkedT", bound=Parked)


class Lot:
    """To be made inside a running loop. No method raises; each is a no-op for a parked object whose socket is gone.
    ``left`` is told the number of each descriptor that is closed here, before anything can be opened under it."""

    __slots__ = ("_by_fd", "_carrier", "_count", "_epoll", "_holds", "_left", "_loop")

    def __init__(
        self, holds: Callable[[], bool], carrier: Carrier = PLAIN, left: Callable[[int], None] | None = None
    ) -> None:
        self._holds = holds
        self._carrier = carrier
        self._left = left
        self._loop = asyncio.get_running_loop()
        self._by_fd: list[Parked | None] = []
        self._count = 0
        self._epoll = select.epoll()
        self._loop.add_reader(self._epoll.fileno(), self._serve)

    def __len__(self) -> int:
        """How many sockets are parked."""
        return self._count

    def park(self, parked: Parked, fd: int) -> None:
        """Read a non-blocking descriptor for ``parked``, and own it."""
        if fd >= len(self._by_fd):
            self._by_fd.extend([None] * (fd + _GROWTH - len(self._by_fd)))
        self._by_fd[fd] = parked
        self._count += 1
        parked.fd = fd
        self._watch(parked, READ)

    def replace(self, old: Parked, new: Parked) -> None:
        """From now on the descriptor is another object's; it is being read, and nothing waits to leave."""
        new.fd, new.wants = old.fd, old.wants
        self._by_fd[new.fd] = new
        old.fd, old.wants = -1, 0
        self._watch(new, READ)

    def release(self, parked: Parked) -> int:
        """Give the descriptor away."""
        fd = parked.fd
        self._watch(parked, 0)
        self._by_fd[fd] = None
        self._count -= 1
        parked.fd, parked.out = -1, None
        return fd

    def write(self, parked: Parked, data: bytes) -> None:
        """Send now what the kernel takes, the rest later and in order."""
        if parked.fd < 0 or parked.wants & _BROKEN:
            return
        if parked.out is not None:
            parked.out += data
            return
        try:
            sent = self._carrier.send(parked.fd, data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._break(parked)
            return
        if sent < len(data):
            self._keep(parked, data, sent)

    def write_each(self, several: Sequence[ParkedT], data: bytes) -> list[ParkedT]:
        """``write`` of the same to each of these, for none of whom anything waits to leave; for whom something waits
        now. No line of Python runs between two of them: what the kernel does for one has its code forgotten by the
        processor, and 4 % of a broadcast would go to fetching it again."""
        left, size = iter([parked.fd for parked in several]), len(data)
        sent: list[int] = []
        while len(sent) < len(several):
            try:
                sent.extend(map(self._carrier.send, left, repeat(data)))  # keeps what it had when one raises
            except BlockingIOError:
                sent.append(0)
            except OSError:
                self._break(several[len(sent)])
                sent.append(size)
        if sent.count(size) == len(sent):
            return []
        return [self._keep(each, data, part) for each, part in zip(several, sent, strict=True) if part < size]

    def read_on(self, parked: Parked, on: bool) -> None:
        """Read from now on, or leave what comes in the kernel; idempotent."""
        if parked.fd >= 0 and parked.wants < _CLOSE:
            self._watch(parked, parked.wants | READ if on else parked.wants & ~READ)

    def is_read(self, parked: Parked) -> bool:
        """Whether what comes is read."""
        return parked.fd >= 0 and bool(parked.wants & READ)

    def shut_sending(self, parked: Parked) -> None:
        """End our stream once everything has left; the client's goes on."""
        if parked.fd < 0 or parked.wants & _BROKEN:
            return
        parked.wants |= _SHUT
        if parked.out is None:
            self._finish(parked)

    def hang_up(self, parked: Parked) -> None:
        """Read no more and close once everything has left."""
        if parked.fd < 0:
            return
        if parked.out is None:
            self.close(parked)
        else:
            self._watch(parked, (parked.wants & ~READ) | _CLOSE)

    def close(self, parked: Parked) -> None:
        """Close the descriptor now; what has not left is lost."""
        if parked.fd >= 0:
            if parked.out is None and not parked.wants & _BROKEN:
                self._carrier.part(parked.fd)
            fd = self.release(parked)
            self._carrier.discard(fd)
            if self._left is not None:
                self._left(fd)
            parked.gone()

    def shut_down(self) -> None:
        """Close every descriptor that is left, and take no more."""
        for parked in tuple(self._by_fd):
            if parked is not None:
                self._end(parked)
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()

    # ------------------------------------------------------------------------------------------------------------

    def _keep(self, parked: ParkedT, data: bytes, sent: int) -> ParkedT:
        """What the kernel has not taken leaves later."""
        parked.out = bytearray(memoryview(data)[sent:])
        self._watch(parked, parked.wants | WRITE)
        return parked

    def _watch(self, parked: Parked, wants: int) -> None:
        """A socket that is to be neither read nor written is not in the epoll at all, which would go on telling of its
        end."""
        before, after = _watched(parked.wants), _watched(wants)
        parked.wants = wants
        if before == after:
            return
        try:
            if not before:
                self._epoll.register(parked.fd, after)
            elif after:
                self._epoll.modify(parked.fd, after)
            else:
                self._epoll.unregister(parked.fd)
        except OSError as error:  # the system has no room for one more (fs.epoll.max_user_watches)
            parked.wants = before | _BROKEN
            self._loop.call_exception_handler({"message": "a socket cannot be watched", "exception": error})
            self._loop.call_soon(self._end, parked)

    def _serve(self) -> None:
        events, spent, holds, by_fd = 0, 0, self._holds, self._by_fd
        while events < _WAKE_EVENTS and spent < _WAKE_BYTES and not self._epoll.closed:
            batch = self._epoll.poll(0, _BATCH)
            for fd, event in batch:
                parked = by_fd[fd]  # looked up for each: the one before may have closed it
                if parked is None:
                    continue
                if not holds():
                    return
                if event & ~WRITE and parked.wants & READ:
                    spent += self._read(parked)
                if event & ~READ and _watched(parked.wants) & WRITE:
                    spent += self._write_on(parked)
            events += len(batch)
            if len(batch) < _BATCH:
                return

    def _read(self, parked: Parked) -> int:
        """Read once; how many bytes there were. An end or an error that epoll tells of shows here."""
        try:
            data = self._carrier.receive(parked.fd)
        except BlockingIOError:
            return self._carrier.vain_read_bytes
        except Stalled:
            self._watch(parked, parked.wants | _STALLED)
            return self._carrier.vain_read_bytes
        except OSError:
            self._end(parked)
            return 0
        try:
            if data:
                parked.received(data)
            else:
                self._watch(parked, parked.wants & ~READ)
                parked.stream_ended()
        except Exception as error:
            self._failed(parked, error)
        return len(data)

    def _write_on(self, parked: Parked) -> int:
        """There is room: do what waited for it. How many bytes were read."""
        read = 0
        if parked.wants & _STALLED:
            self._watch(parked, parked.wants & ~_STALLED)
            read = self._read(parked) if parked.wants & READ else 0
        if parked.out is not None:
            self._flush(parked, parked.out)
        return read

    def _flush(self, parked: Parked, out: bytearray) -> None:
        try:
            sent = self._carrier.send(parked.fd, out)
        except BlockingIOError:
            return
        except OSError:
            self._end(parked)
            return
        if sent < len(out):
            del out[:sent]
        else:
            parked.out = None
            self._watch(parked, parked.wants & ~WRITE)
            if parked.wants & (_SHUT | _CLOSE):
                self._finish(parked)
                return
        try:
            parked.flushed()
        except Exception as error:
            self._failed(parked, error)

    def _finish(self, parked: Parked) -> None:
        """Everything has left: do what was to be done then."""
        if parked.wants & _CLOSE:
            self._end(parked)
            return
        parked.wants &= ~_SHUT
        self._carrier.part(parked.fd)
        sock = socket.socket(fileno=parked.fd)
        try:
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._break(parked)
        finally:
            sock.detach()

    def _break(self, parked: Parked) -> None:
        """Writing failed, maybe in the midst of what the node does: its turn to hear of it comes later."""
        parked.out = None
        self._watch(parked, _BROKEN)
        self._loop.call_soon(self._end, parked)

    def _end(self, parked: Parked) -> None:
        try:
            self.close(parked)
        except Exception as error:
            self._failed(parked, error)

    def _failed(self, parked: Parked, error: Exception) -> None:
        """The supervised edge: whatever goes wrong with one socket ends that socket, and is the loop's to report."""
        self._loop.call_exception_handler({"message": "a parked socket failed", "exception": error})
        self._end(parked)


def _watched(wants: int) -> int:
    """What the epoll is asked for."""
    if wants & _STALLED and wants & READ:
        return WRITE
    return wants & _WATCHED
