"""What the node needs of the world, as small interfaces owned here and implemented by the adapters of layer 4.

Expected outcomes are values (``InvocationResult``); an implementation raises only what its method names.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from gateway.model.backend import ServiceRequest, UpstreamRequest
from gateway.model.connection import Connection
from gateway.model.handshake import Handshake
from gateway.model.hot_value import hot_value
from gateway.model.http import HttpRequest, HttpResponse
from gateway.model.ids import ApiId, ConnectionId, FunctionName, MessageId, NodeNumber, RequestId, StageName
from gateway.model.invocation import FunctionResult, UpstreamResult
from gateway.model.member import Member, Renewal
from gateway.model.now import Now
from gateway.model.parked import ParkedDisconnect
from gateway.model.peer import PeerAnswer, PeerRequest
from gateway.wire.prepared_message import PreparedMessage


class Clock(Protocol):
    """Both clocks, read together."""

    def now(self) -> Now: ...


class Ids(Protocol):
    """Fresh identifiers; every call returns a new one."""

    def connection_id(self, owner: NodeNumber) -> ConnectionId: ...

    def message_id(self, connection: ConnectionId) -> MessageId: ...

    def request_id(self) -> RequestId: ...

    def uuid(self) -> str:
        """A random UUID in text form, for ``x-amzn-RequestId``."""

    def trace_id(self) -> str:
        """An X-Ray header value ``Root=1-{8 hex}-{24 hex}``."""


class Socket(Protocol):
    """The shell's object for one client. No method blocks or raises; each is a no-op once the socket is gone."""

    def accept(self, subprotocol: str | None) -> None:
        """Answer 101. Called at most once, and not after ``refuse``."""

    def refuse(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """Answer the handshake with an HTTP response instead of 101."""

    def send_text(self, data: bytes) -> None:
        """Send one TEXT message; ``data`` is valid UTF-8. Long ones leave as several frames."""

    def send_prepared(self, message: PreparedMessage, most: int) -> bool:
        """``send_text`` or ``send_binary`` of what others get too, in frames that are made once for all. False, and
        nothing is sent, where more than ``most`` bytes would have to wait for the kernel."""

    def send_to_each(self, sockets: Sequence[Socket], message: PreparedMessage, most: int) -> list[Socket]:
        """``send_prepared`` for all of these, of which this is one; those to whom nothing was sent."""

    def send_binary(self, data: bytes) -> None:
        """Send one BINARY message, likewise."""

    def close(self, code: int | None, reason: str) -> None:
        """Send a close frame (empty when ``code`` is None) and end the connection once it has left."""

    def abort(self) -> None:
        """Drop the connection without a close frame."""

    def buffered_bytes(self) -> int:
        """Bytes accepted for sending that the kernel has not taken yet."""

    def pause_reading(self) -> None:
        """Leave what the client sends in the kernel, and so hold the client back, until ``resume_reading``."""

    def resume_reading(self) -> None: ...


ConversationT = TypeVar("ConversationT")


class Conversations(Protocol[ConversationT]):
    """What the socket shells tell the node, from the loop's thread. A conversation is opaque to the shell: it keeps it
    and hands it back. Of ``peer_closed`` and ``peer_lost`` exactly one call ends a conversation, and nothing follows;
    after ``refuse`` or ``abort`` neither comes. A socket may be answered inside any of these calls."""

    def handshake(self, socket: Socket, handshake: Handshake) -> ConversationT | None:
        """A client asks for the upgrade; answer it now or later. None when ``refuse`` was already called."""

    def message(self, conversation: ConversationT, text: str) -> None: ...

    def binary(self, conversation: ConversationT, data: bytes) -> None: ...

    def violated(self, conversation: ConversationT, code: int, reason: str) -> None:
        """The client broke the protocol or a limit: no message follows. Answer by ``socket.close(code, reason)``."""

    def peer_closed(self, conversation: ConversationT, code: int | None, reason: str) -> None:
        """A close frame arrived, also as the answer to ours; None when it held no code. The shell has echoed it."""

    def peer_lost(self, conversation: ConversationT) -> None:
        """TCP ended without a close frame; also while the upgrade is still being decided."""


HttpAnswer = HttpResponse | Coroutine[Any, Any, HttpResponse]
"""An answer that is there already, or what it takes to have it."""


class HttpService(Protocol):
    """Requests and responses without a framework; several run side by side."""

    @property
    def max_body_bytes(self) -> int:
        """A longer body never reaches ``handle``."""

    def handle(self, request: HttpRequest) -> HttpAnswer:
        """Whoever has to wait for nothing answers at once: a coroutine costs 5 us."""

    def too_large(self, request: HttpRequest) -> HttpResponse:
        """The answer to a body over ``max_body_bytes``; ``request.body`` is empty."""


class Registry(Protocol):
    """The connection table. ``register`` returns once the record is durable; both writes are idempotent."""

    async def register(self, connection: Connection) -> None:
        """Raises RegistryUnavailable when the record could not be made durable."""

    async def unregister(self, owner: NodeNumber, connection_id: ConnectionId) -> None:
        """Raises RegistryUnavailable; removing what is not there is a success."""

    async def find(self, owner: NodeNumber, connection_id: ConnectionId) -> Connection | None:
        """The record as it is now, None when there is none. Raises RegistryUnavailable."""

    def connections_of(self, owner: NodeNumber) -> AsyncIterator[Connection]:
        """Every record of one node, in no particular order. Raises RegistryUnavailable."""


class Members(Protocol):
    """The node records of one fleet. Every method raises RegistryUnavailable when the table cannot be asked, and then
    may or may not have written. Conditions are checked by the table itself, so of two callers one is told False."""

    async def allocate(self) -> NodeNumber:
        """A number that was never handed out before in this table."""

    async def join(self, member: Member) -> None:
        """Make a new record durable. Repeating it is a success and leaves the record as it has become meanwhile."""

    async def renew(self, renewal: Renewal) -> bool:
        """Raise the version; False when the record is gone or DEAD, or LEFT unless the renewal says so too."""

    async def all(self) -> tuple[Member, ...]:
        """Every record, read strongly consistent, by number."""

    async def claim(self, seen: Member, by: NodeNumber) -> bool:
        """Become the one who reaps a node: its state is DEAD (a LEFT one stays LEFT) and ``claimed_by`` is ``by``.

        False when version, state or ``claimed_by`` are no longer as ``seen``. Repeating one's own claim is a success.
        """

    async def progress(self, number: NodeNumber, by: NodeNumber, reaped: int) -> bool:
        """Tell how far the reaping is; False when ``by`` does not hold the claim (any more)."""

    async def remove(self, number: NodeNumber, by: NodeNumber) -> bool:
        """Delete the record; False when ``by`` does not hold the claim. Removing what is gone is a success."""

    async def ask_drain(self, number: NodeNumber) -> bool:
        """Ask a node to drain and leave; False when there is no such node, or it serves no more."""

    async def agree(self, what: str, value: str) -> str:
        """The value the fleet goes by: the first that was ever proposed for ``what``, which may be this one."""


class ParkedDisconnects(Protocol):
    """The ``$disconnect`` calls that nobody took. Raises RegistryUnavailable."""

    async def park(self, parked: ParkedDisconnect) -> None:
        """Returns once durable; a later one of the same connection takes its place."""

    def all(self) -> AsyncIterator[ParkedDisconnect]:
        """Page by page, by connection ID."""

    async def discard(self, connection_id: ConnectionId) -> None:
        """Removing what is not there is a success."""


class Peers(Protocol):
    """The other nodes, one hop away."""

    async def ask(self, member: Member, request: PeerRequest, wait_ms: int) -> PeerAnswer:
        """Ask the node that holds a connection. Never raises: without an answer within ``wait_ms`` it is UNREACHABLE.

        A request is sent at most once. Requests to one node share one connection and do not wait for each other.
        """


class PeerService(Protocol):
    """What a node answers to others."""

    def answer(self, owner: NodeNumber, request: PeerRequest) -> PeerAnswer | Coroutine[Any, Any, PeerAnswer]:
        """At once, or what it takes to have it, which does not raise; ``owner`` is the incarnation that is meant: GONE
        when this node came back as another since, but UNREACHABLE when it never was that one."""


@hot_value
class FunctionCall:
    """One call of a function by name. ``wait_ms`` bounds how long the caller waits, never how long the function runs;
    ``client_context`` is the decoded ``X-Amz-Client-Context`` of the Invoke API; ``request_tag`` is shown beside the
    function's log lines."""

    function_name: FunctionName
    payload: bytes
    wait_ms: int
    trace_id: str
    qualifier: str | None = None
    client_context: str | None = None
    request_tag: str | None = None


class Functions(Protocol):
    """Lambda functions, wherever they run."""

    async def invoke(self, call: FunctionCall) -> FunctionResult:
        """Call and wait. Never raises for anything a handler does."""

    def knows(self, function_name: FunctionName, qualifier: str | None) -> bool:
        """Whether such a function exists."""


class FunctionEvents(Protocol):
    """Functions called without anybody waiting: Lambda's asynchronous invocation."""

    def accept(self, call: FunctionCall) -> bool:
        """Take a call to be made soon, and again when it fails; False when as many as are allowed wait already."""


class Upstreams(Protocol):
    """Web servers."""

    async def send(self, request: UpstreamRequest, wait_ms: int) -> UpstreamResult:
        """One request, one answer; redirects are answers. Never raises for anything a server or network does."""


class AwsServices(Protocol):
    """AWS services by their own protocols, wherever their endpoint is."""

    async def call(self, request: ServiceRequest, wait_ms: int) -> UpstreamResult:
        """One signed request; an error of the service is an answer. Never raises for anything it does."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: ``returncode`` as in subprocess (negative: the signal), None when it could not start.

    ``held_bytes``: the memory for which it was killed, because its confinement allows less; else None.
    """

    returncode: int | None
    error: str | None = None
    held_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Confinement:
    """What a process that runs the application's code may have. ``memory_bytes``: private memory, its descendants'
    included, over which it is killed; ``open_files``: descriptors of each process."""

    memory_bytes: int
    open_files: int


Address: TypeAlias = tuple[str, int]  # of IPv4


class Process(Protocol):
    """A process started through ``Processes``."""

    @property
    def pid(self) -> int: ...

    async def wait(self) -> Exit:
        """The exit of the process; returns at once when it has ended, and may be awaited by several."""

    def kill(self) -> None:
        """SIGKILL the whole process group; a no-op once it has ended."""

    def terminate(self) -> None:
        """SIGTERM the whole process group; a no-op once it has ended."""

    def drain(self) -> None:
        """Deliver the output that was written until now, before this returns."""

    def is_at(self, far: Address, near: Address) -> bool:
        """Whether it, or what it has started, is the far end of an open TCP connection on loopback; True where the
        system does not tell."""


class FunctionLog(Protocol):
    """What functions print and how they fail. No method blocks or raises."""

    def line(self, function_name: FunctionName, request_tag: str | None, stream: str, text: str) -> None:
        """One line of ``stdout`` or ``stderr``; ``request_tag`` is of the request being handled, None between two."""

    def failed(self, function_name: FunctionName, request_id: str, why: str) -> None:
        """A call ended in an error: ``why`` is one line, ``request_id`` Lambda's; empty when no call is to blame."""


class LineSink(Protocol):
    """Takes one line of a process's output, decoded and without its line ending. Must not block."""

    def __call__(self, stream: str, line: str) -> None: ...


NO_DESCRIPTORS: Final[Mapping[str, int]] = MappingProxyType({})


class Processes(Protocol):
    """Starts processes that never outlive this gateway, not even its ``kill -9``."""

    async def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        output: LineSink,
        descriptors: Mapping[str, int] = NO_DESCRIPTORS,
        confinement: Confinement | None = None,
    ) -> Process:
        """Start ``argv`` (absolute program path) in a session of its own with exactly ``env``.

        It inherits a duplicate of each of ``descriptors``, under the number that the environment variable of that name
        then holds; the caller's own stays open. With a ``confinement`` it keeps to that, its files are this user's
        alone, and where the kernel can it neither signals nor looks into processes that are not its own. Raises OSError
        when it cannot be started.
        """


class StageLogs(Protocol):
    """Where the logs of stages go. No method blocks or raises; a line has no line break in it."""

    def access(self, api_id: ApiId, stage: StageName, line: str) -> None:
        """One line of the access log."""

    def execution(self, api_id: ApiId, stage: StageName, lines: Sequence[tuple[int, str]]) -> None:
        """Lines of the execution log that belong together, each with its Unix time in milliseconds."""


class Reporter(Protocol):
    """What a person watching should hear of. No method blocks or raises."""

    def opened(self, connection: Connection) -> None: ...

    def closed(self, connection: Connection, code: int, reason: str) -> None: ...

    def refused(self, connection_id: ConnectionId | None, status: int, why: str) -> None:
        """``connection_id`` is None when the request was refused before it would have got one."""

    def invocation_failed(self, backend: str, connection_id: ConnectionId, request_id: RequestId, why: str) -> None: ...

    def warned(self, text: str) -> None: ...

    def failed(self, text: str) -> None:
        """Something of ours went wrong; ``text`` names it and the next step."""
