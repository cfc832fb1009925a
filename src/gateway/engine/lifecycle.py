"""The life of one connection as a state machine: inputs in, commands out.

    AUTHORIZING ──► CONNECTING ──► OPEN ──► CLOSING ──► CLOSED
         └───────────────┴── refused ────────────────────►┘

``$connect`` and the record's write run side by side; the upgrade waits for both. Rules held here and nowhere else:
``$disconnect`` at most once, and only when ``$connect`` succeeded; nothing is sent after a close; a deadline is set
while a socket is closing, and while one is open that may not stay for ever; once fenced nothing is invoked, and a
record stays whose ``$disconnect`` is owed: it is how whoever speaks for the connection from then on knows of it. It
knows no socket, no event document and no clock. Where messages come in order, each waits for the end of the one before,
and ``$disconnect`` for the end of all.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from gateway.engine import inputs as on
from gateway.engine.commands import (
    Abort,
    AcceptUpgrade,
    Authorize,
    Command,
    Forget,
    InvokeConnect,
    InvokeDisconnect,
    InvokeMessage,
    KeepInLine,
    RefuseUpgrade,
    Register,
    ReportClosed,
    SendBinary,
    SendClose,
    SendText,
    SetDeadline,
    Unregister,
)
from gateway.engine.line import Line
from gateway.model.limits import Limits

GOING_AWAY: Final = (1001, "Going away")  # idle and 2 h; parity 8
NO_STATUS: Final = (1005, "Client-side close frame status not set")  # parity 8
TOO_SLOW: Final = (1008, "Client is not reading")  # an extension: AWS's behaviour with a full buffer is not known
ABNORMAL: Final = (1006, "Connection closed abnormally")  # assumed; parity 8

Commands = tuple[Command, ...]
_NOTHING: Final[Commands] = ()
_OF_UPGRADE: Final = (  # what only the upgrade waits for: told at once from the many kinds that may come at any time
    on.Begin,
    on.Authorized,
    on.ConnectAccepted,
    on.Registered,
    on.HandshakeRefused,
    on.RegistrationFailed,
)


class State(Enum):
    """Where a connection is in its life."""

    AUTHORIZING = "AUTHORIZING"
    CONNECTING = "CONNECTING"
    OPEN = "OPEN"
    CLOSING = "CLOSING"
    CLOSED = "CLOSED"


class _Half(Enum):
    """One of the two things the upgrade waits for."""

    WAITING = 0
    DONE = 1
    FAILED = 2


class Upgrade:
    """What is known while the client still waits for its 101; dropped once the connection is open."""

    __slots__ = ("connects", "fenced", "handler", "peer_lost", "record", "subprotocol")

    def __init__(self) -> None:
        self.connects = False
        self.fenced = False
        self.handler = _Half.WAITING
        self.record = _Half.WAITING
        self.subprotocol: str | None = None
        self.peer_lost = False


class Lifecycle:
    """One connection. ``begun_ms`` (the handshake) and ``last_active_ms`` (data either way) are monotonic."""

    __slots__ = ("_limits", "_line", "_upgrade", "begun_ms", "last_active_ms", "state")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._line: Line | None = None  # in order only, and only while a message is with its handler
        self._upgrade: Upgrade | None = Upgrade()
        self.state = State.AUTHORIZING
        self.begun_ms = 0
        self.last_active_ms = 0

    def step(self, happened: on.Input) -> Commands:
        """Take one input and say what to do about it. Inputs that come too late are ignored."""
        if self._upgrade is not None and isinstance(happened, _OF_UPGRADE):
            return self._handshake(happened)
        match happened:
            case on.MessageArrived(content, at_ms):
                return self._message(content, at_ms)
            case on.Posted() | on.Reply():
                return self._send(happened)
            case on.MessageDone():
                return self._next_message()
            case on.PeerClosed() | on.PeerLost():
                return self._ended(*_end_of(happened))
            case on.CloseAsked(code, reason, at_ms):
                return self._close(code, reason, at_ms)
            case on.DeadlineReached(at_ms):
                return self._deadline(at_ms)
            case on.Fenced():
                return self._fence(happened)
            case on.Disconnected():
                return (Unregister(),)
            case _:
                return self._handshake(happened)

    # -- the upgrade -----------------------------------------------------------------------------------------------

    def _handshake(self, happened: on.Input) -> Commands:
        upgrade = self._upgrade
        if upgrade is None:
            return _NOTHING
        match happened:
            case on.Begin(authorizes, connects, at_ms):
                upgrade.connects = connects
                self.begun_ms = at_ms
                return (Authorize(),) if authorizes else self._connect(upgrade, on.Authorized(None))
            case on.Authorized():
                return self._connect(upgrade, happened)
            case on.ConnectAccepted(subprotocol, at_ms):
                upgrade.handler, upgrade.subprotocol = _Half.DONE, subprotocol
                self.last_active_ms = at_ms
                return self._settle(upgrade)
            case on.Registered(at_ms):
                upgrade.record = _Half.DONE
                self.last_active_ms = at_ms
                return self._settle(upgrade)
            case on.HandshakeRefused(refusal):
                return self._refused(upgrade, RefuseUpgrade(refusal))
            case on.RegistrationFailed(refusal):
                return self._record_failed(upgrade, RefuseUpgrade(refusal))
            case _:
                raise AssertionError(happened)

    def _connect(self, upgrade: Upgrade, authorized: on.Authorized) -> Commands:
        if upgrade.peer_lost or upgrade.fenced:
            return self._gone()
        self.state = State.CONNECTING
        register = Register(authorized.authorizer, authorized.identity)
        if upgrade.connects:
            return (register, InvokeConnect())
        upgrade.handler = _Half.DONE
        return (register,)

    def _settle(self, upgrade: Upgrade) -> Commands:
        """Both halves must have answered; what follows depends on whether the client and the record are there."""
        if upgrade.handler is _Half.WAITING or upgrade.record is _Half.WAITING:
            return _NOTHING
        if upgrade.fenced:
            return (*self._gone(), Unregister()) if upgrade.handler is _Half.FAILED else self._gone()
        if upgrade.record is _Half.FAILED:
            return self._undo(upgrade)
        if upgrade.handler is _Half.FAILED:
            return (*self._gone(), Unregister())
        if upgrade.peer_lost:
            return self._undo(upgrade)
        self._upgrade = None
        self.state = State.OPEN
        due = self._next_deadline()
        accept = AcceptUpgrade(upgrade.subprotocol)
        return (accept,) if due is None else (accept, SetDeadline(due))

    def _refused(self, upgrade: Upgrade, refuse: RefuseUpgrade) -> Commands:
        """The client hears at once; a record being written is removed when its write is over."""
        if self.state is State.AUTHORIZING:
            return self._gone() if upgrade.fenced else (refuse, *self._gone())
        upgrade.handler = _Half.FAILED
        if upgrade.fenced or upgrade.record is _Half.FAILED:  # the client has its refusal already
            return self._settle(upgrade)
        return (refuse, *self._settle(upgrade))

    def _record_failed(self, upgrade: Upgrade, refuse: RefuseUpgrade) -> Commands:
        already_refused = upgrade.fenced or upgrade.handler is _Half.FAILED
        upgrade.record = _Half.FAILED
        return self._settle(upgrade) if already_refused else (refuse, *self._settle(upgrade))

    def _undo(self, upgrade: Upgrade) -> Commands:
        """The handler believes in a connection that cannot be: its ``$disconnect`` is owed all the same."""
        believed = upgrade.handler is _Half.DONE and upgrade.connects
        forget = self._gone()
        if believed:
            return (*forget, InvokeDisconnect(*ABNORMAL))
        return (*forget, Unregister())

    def _gone(self) -> Commands:
        self._upgrade = None
        self.state = State.CLOSED
        return (Forget(),)

    # -- the open connection ---------------------------------------------------------------------------------------

    def _message(self, content: str | bytes, at_ms: int) -> Commands:
        if self.state is not State.OPEN:
            return _NOTHING
        self.last_active_ms = at_ms
        if not self._limits.ordered:
            return (InvokeMessage(content),)
        if self._line is None:
            self._line = Line()
            return (InvokeMessage(content),)
        self._line.join(content)
        return (KeepInLine(),)

    def _next_message(self) -> Commands:
        """Whoever waited goes to its handler whatever has become of the connection: it was taken from the client."""
        line = self._line
        if line is None:
            return _NOTHING
        content = line.next()
        if content is not None:
            return (InvokeMessage(content, has_waited=True),)
        self._line = None
        return _NOTHING if line.farewell is None else (InvokeDisconnect(*line.farewell),)

    def _send(self, told: on.Posted | on.Reply) -> Commands:
        """Data to the client puts the idle deadline off as data from it does (parity 8)."""
        if self.state is not State.OPEN:
            return _NOTHING
        self.last_active_ms = told.at_ms
        return (SendBinary(told.data),) if isinstance(told, on.Posted) and told.binary else (SendText(told.data),)

    def _deadline(self, at_ms: int) -> Commands:
        if self.state is State.CLOSING:
            return (*self._gone(), Abort())
        if self.state is not State.OPEN:
            return _NOTHING
        due = self._next_deadline()
        if due is None:
            return _NOTHING
        return self._close(*GOING_AWAY, at_ms) if at_ms >= due else (SetDeadline(due),)

    def _next_deadline(self) -> int | None:
        """None: it may stay for ever."""
        idle_ms, duration_ms = self._limits.idle_timeout_ms, self._limits.connection_duration_ms
        end = None if duration_ms is None else self.begun_ms + duration_ms
        if idle_ms is None:
            return end
        idle = self.last_active_ms + idle_ms
        return idle if end is None else min(idle, end)

    # -- the end ---------------------------------------------------------------------------------------------------

    def _close(self, code: int, reason: str, at_ms: int) -> Commands:
        """Ours to end: the close frame leaves, ``$disconnect`` does not wait for the client's answer (parity 7.3)."""
        if self.state is not State.OPEN:
            return _NOTHING
        self.state = State.CLOSING
        return (
            SendClose(code, reason),
            SetDeadline(at_ms + self._limits.close_timeout_ms),
            ReportClosed(code, reason),
            *self._farewell(code, reason),
        )

    def _fence(self, fenced: on.Fenced) -> Commands:
        """Ours to end, but no longer ours to tell."""
        self._line = None
        upgrade = self._upgrade
        if upgrade is not None:
            if upgrade.fenced:
                return _NOTHING
            upgrade.fenced = True
            told = upgrade.handler is _Half.FAILED or upgrade.record is _Half.FAILED
            return _NOTHING if told else (RefuseUpgrade(fenced.refusal),)
        if self.state is not State.OPEN:
            return _NOTHING
        self.state = State.CLOSING
        return (
            SendClose(fenced.code, fenced.reason),
            SetDeadline(fenced.at_ms + self._limits.close_timeout_ms),
            ReportClosed(fenced.code, fenced.reason),
        )

    def _ended(self, code: int, reason: str) -> Commands:
        """Theirs to end. Before the 101 it only is remembered: the handler's answer decides what is owed."""
        if self._upgrade is not None:
            self._upgrade.peer_lost = True
            return _NOTHING
        if self.state is State.CLOSING:
            return self._gone()
        if self.state is not State.OPEN:
            return _NOTHING
        return (*self._gone(), ReportClosed(code, reason), *self._farewell(code, reason))

    def _farewell(self, code: int, reason: str) -> Commands:
        """``$disconnect``, now or behind the messages that came before it."""
        if self._line is None:
            return (InvokeDisconnect(code, reason),)
        self._line.farewell = code, reason
        return _NOTHING


def _end_of(ended: on.PeerClosed | on.PeerLost) -> tuple[int, str]:
    if isinstance(ended, on.PeerLost):
        return ABNORMAL
    return NO_STATUS if ended.code is None else (ended.code, ended.reason)
