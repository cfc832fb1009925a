"""What a connection's life can ask for. Whoever holds the sockets and the handlers carries these out, in order."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.engine.responses import Refuse
from gateway.model.hot_value import hot_value


@hot_value
class Authorize:
    """Have the handshake pass the gates before ``$connect``; answer with ``Authorized`` or ``HandshakeRefused``."""


@hot_value
class InvokeConnect:
    """Call the ``$connect`` integration; answer with ``ConnectAccepted`` or ``HandshakeRefused``."""


@hot_value
class InvokeMessage:
    """Route one message and call its integration; a reply comes back as ``Reply``. ``has_waited``: it was kept in line
    before, and is counted already."""

    content: str | bytes
    has_waited: bool = False


@hot_value
class KeepInLine:
    """A message waits for its turn: count it among those in flight. ``is_enough``: hold the client back, so much waits
    with this one."""

    is_enough: bool = False


@hot_value
class GiveUp:
    """So many messages that waited for their turn will not have it: they are in flight no more."""

    count: int


@hot_value
class InvokeDisconnect:
    """Call the ``$disconnect`` integration, if there is one; answer with ``Disconnected``."""

    code: int
    reason: str


@hot_value
class Register:
    """Make the record durable; answer with ``Registered`` or ``RegistrationFailed``.

    The record and all later events carry ``authorizer`` and ``identity``, as in ``inputs.Authorized``.
    """

    authorizer: Mapping[str, str] | None
    identity: Mapping[str, str] | None = None


@hot_value
class Unregister:
    """Remove the record."""


@hot_value
class AcceptUpgrade:
    """Send the 101; the connection is open and addressable from here on."""

    subprotocol: str | None


@hot_value
class RefuseUpgrade:
    """Send this HTTP response instead of the 101; the connection never was."""

    refusal: Refuse


@hot_value
class SendText:
    """Send one TEXT message."""

    data: bytes


@hot_value
class SendBinary:
    """Send one BINARY message."""

    data: bytes


@hot_value
class SendClose:
    """Send a close frame; the connection is no longer addressable."""

    code: int
    reason: str


@hot_value
class Abort:
    """Drop the TCP connection."""


@hot_value
class SetDeadline:
    """Call back with ``DeadlineReached`` at this monotonic time; replaces the earlier deadline."""

    at_ms: int


@hot_value
class Forget:
    """Nothing more will come of this connection: drop its deadline and its place among the live ones."""


@hot_value
class ReportClosed:
    """Tell whoever watches that an accepted connection ended."""

    code: int
    reason: str


Command = (
    Authorize
    | InvokeConnect
    | InvokeMessage
    | KeepInLine
    | GiveUp
    | InvokeDisconnect
    | Register
    | Unregister
    | AcceptUpgrade
    | RefuseUpgrade
    | SendText
    | SendBinary
    | SendClose
    | Abort
    | SetDeadline
    | Forget
    | ReportClosed
)
