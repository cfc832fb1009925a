"""What can happen to a connection. Times are monotonic milliseconds, taken when it happened."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.engine.responses import Refuse
from gateway.model.hot_value import hot_value


@hot_value
class Begin:
    """A valid handshake arrived. ``authorizes`` says whether there is a gate to pass first, ``connects`` whether there
    is an integration to call."""

    authorizes: bool
    connects: bool
    at_ms: int


@hot_value
class Authorized:
    """Every gate lets the connection pass. What events carry from now on: ``authorizer`` is the authorizer's context,
    None without one; ``identity`` what a signature and an API key add, None without either."""

    authorizer: Mapping[str, str] | None
    identity: Mapping[str, str] | None = None


@hot_value
class ConnectAccepted:
    """The ``$connect`` integration answered 2xx."""

    subprotocol: str | None
    at_ms: int


@hot_value
class HandshakeRefused:
    """A gate, the ``$connect`` integration or the gateway says no."""

    refusal: Refuse


@hot_value
class Registered:
    """The record is durable."""

    at_ms: int


@hot_value
class RegistrationFailed:
    """The record could not be made durable; ``refusal`` is what the client gets."""

    refusal: Refuse


@hot_value
class MessageArrived:
    """A whole message from the client: text, or bytes of a binary one."""

    content: str | bytes
    at_ms: int


@hot_value
class MessageDone:
    """The handler is through with a message, and its reply has been told, if there is one. Nothing comes of it where
    messages need not come in order. ``is_last``: this node stops, and whoever waits behind it is given up."""

    is_last: bool = False


@hot_value
class HeldBack:
    """The client is not read from now on, because so many of its messages are in flight."""


@hot_value
class ReadOn:
    """The client is read again."""

    at_ms: int


@hot_value
class Reply:
    """The reply or error frame that a message led to."""

    data: bytes
    at_ms: int


@hot_value
class Posted:
    """PostToConnection; ``data`` is valid UTF-8, unless it is to be sent as a BINARY message."""

    data: bytes
    at_ms: int
    binary: bool = False


@hot_value
class CloseAsked:
    """The gateway ends the connection: DELETE, a limit, a protocol violation, shutdown."""

    code: int
    reason: str
    at_ms: int


@hot_value
class Fenced:
    """This node has lost its right to serve: others may already speak for the connection, so nothing is invoked any
    more. An open socket is closed with ``code`` and ``reason``, a held handshake gets ``refusal``."""

    code: int
    reason: str
    refusal: Refuse
    at_ms: int


@hot_value
class PeerClosed:
    """The client's close frame; ``code`` None when it carried none."""

    code: int | None
    reason: str


@hot_value
class PeerLost:
    """TCP ended without a close frame."""


@hot_value
class DeadlineReached:
    """The deadline last set has passed."""

    at_ms: int


@hot_value
class Disconnected:
    """The ``$disconnect`` integration is done, however it ended."""


Input = (
    Begin
    | Authorized
    | ConnectAccepted
    | HandshakeRefused
    | Registered
    | RegistrationFailed
    | MessageArrived
    | MessageDone
    | HeldBack
    | ReadOn
    | Reply
    | Posted
    | CloseAsked
    | Fenced
    | PeerClosed
    | PeerLost
    | DeadlineReached
    | Disconnected
)
