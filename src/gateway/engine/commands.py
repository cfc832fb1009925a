"""What a connection's life can ask for. Whoever holds the sockets and the handlers carries these out, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.engine.responses import Refuse


@dataclass(frozen=True, slots=True)
class Authorize:
    """Have the handshake pass the gates before ``$connect``; answer with ``Authorized`` or ``HandshakeRefused``."""


@dataclass(frozen=True, slots=True)
class InvokeConnect:
    """Call the ``$connect`` integration; answer with ``ConnectAccepted`` or ``HandshakeRefused``."""


@dataclass(frozen=True, slots=True)
class InvokeMessage:
    """Route one message and call its integration; a reply comes back as ``Send``."""

    text: str


@dataclass(frozen=True, slots=True)
class InvokeDisconnect:
    """Call the ``$disconnect`` integration, if there is one; answer with ``Disconnected``."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Register:
    """Make the record durable; answer with ``Registered`` or ``RegistrationFailed``.

    The record and all later events carry ``authorizer`` and ``identity``, as in ``inputs.Authorized``.
    """

    authorizer: Mapping[str, str] | None
    identity: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Unregister:
    """Remove the record."""


@dataclass(frozen=True, slots=True)
class AcceptUpgrade:
    """Send the 101; the connection is open and addressable from here on."""

    subprotocol: str | None


@dataclass(frozen=True, slots=True)
class RefuseUpgrade:
    """Send this HTTP response instead of the 101; the connection never was."""

    refusal: Refuse


@dataclass(frozen=True, slots=True)
class SendText:
    """Send one TEXT message."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SendClose:
    """Send a close frame; the connection is no longer addressable."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Abort:
    """Drop the TCP connection."""


@dataclass(frozen=True, slots=True)
class SetDeadline:
    """Call back with ``DeadlineReached`` at this monotonic time; replaces the earlier deadline."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Forget:
    """Nothing more will come of this connection: drop its deadline and its place among the live ones."""


@dataclass(frozen=True, slots=True)
class ReportClosed:
    """Tell whoever watches that an accepted connection ended."""

    code: int
    reason: str


Command = (
    Authorize
    | InvokeConnect
    | InvokeMessage
    | InvokeDisconnect
    | Register
    | Unregister
    | AcceptUpgrade
    | RefuseUpgrade
    | SendText
    | SendClose
    | Abort
    | SetDeadline
    | Forget
    | ReportClosed
)
