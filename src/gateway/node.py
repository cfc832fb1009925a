"""One node: it holds the live connections, feeds their lifecycles and carries out what these command.

Socket shells tell it what clients did, the management API what callers want; handlers, the registry, clocks and ids
are behind ports. It decides nothing about the protocol: that is ``engine``'s, and parity's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import assert_never

from gateway.calls import Calls, Outside, connect_exchange
from gateway.conversation import Conversation, Opening
from gateway.engine import commands as do
from gateway.engine import inputs as on
from gateway.engine import responses
from gateway.engine.deadlines import Wheel
from gateway.engine.directory import Addressed, Directory
from gateway.engine.endpoint import Endpoint
from gateway.engine.exchange import Occasion
from gateway.engine.lifecycle import GOING_AWAY, Lifecycle, State
from gateway.model.connection import Connection
from gateway.model.handshake import Handshake
from gateway.model.ids import CONNECT, ConnectionId, NodeNumber
from gateway.model.limits import MAX_MESSAGES_IN_FLIGHT, MAX_SOURCE_STRING, Limits
from gateway.ports import Socket
from gateway.tasks import Tasks

DEADLINE_GRANULARITY_MS = 1000  # closes by deadline are up to this late; AWS's own came 3.9 s late (parity 8)
Call = Callable[[], Awaitable[on.Input | None]]

BINARY_NOT_SUPPORTED = (1003, "Binary is not supported")  # parity 4.3
TOO_SLOW = (1008, "Client is not reading")  # an extension: AWS's behaviour with a full buffer is not known


class PostOutcome(Enum):
    """What became of a PostToConnection."""

    SENT = "SENT"
    GONE = "GONE"
    LIMITED = "LIMITED"


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """What GetConnection tells; times are Unix milliseconds."""

    connected_at_ms: int
    last_active_at_ms: int
    source_ip: str
    user_agent: str | None


class Node:
    """``number`` is this incarnation's owner number; ``wake`` is called when a deadline is set, and ``tick`` must then
    be called until ``next_deadline_ms`` is None again."""

    def __init__(
        self,
        number: NodeNumber,
        directory: Directory,
        outside: Outside,
        limits: Limits,
        wake: Callable[[], None],
    ) -> None:
        self._number = number
        self._calls = Calls(outside, directory)
        self._outside = outside
        self._limits = limits
        self._wake = wake
        self._live: dict[ConnectionId, Conversation] = {}
        self._upgrading: set[Conversation] = set()
        self._deadlines: Wheel[ConnectionId] = Wheel(DEADLINE_GRANULARITY_MS)
        self._tasks = Tasks(outside.reporter.failed)
        self._stopping = False

    @property
    def directory(self) -> Directory:
        return self._calls.directory

    def redeploy(self, directory: Directory) -> None:
        """Serve another definition from the next event on; open connections follow it."""
        self._calls.directory = directory
        self._outside.admission.keep(directory.deployments)

    # -- what clients do (ports.Conversations) ---------------------------------------------------------------------

    def handshake(self, socket: Socket, handshake: Handshake) -> Conversation | None:
        """Begin a connection, or refuse it at once and return None."""
        addressed = self.directory.for_handshake(handshake.path, handshake.header("host"))
        if addressed is None or self._stopping:
            refusal = responses.unknown_endpoint_refusal() if addressed is None else responses.stopping_refusal()
            self._outside.reporter.refused(None, refusal.status, refusal.why)
            socket.refuse(refusal.status, refusal.headers, refusal.body)
            return None
        conversation = self._begin(socket, addressed, handshake)
        plan = addressed.deployment.plans.get(CONNECT)
        begin = on.Begin(
            authorizes=self._calls.gates.stand_before(addressed.deployment),
            connects=plan is not None and plan.integration is not None,
            at_ms=self._outside.clock.now().monotonic_ms,
        )
        self._step(conversation, begin)
        return conversation

    def message(self, conversation: Conversation, text: str) -> None:
        self._step(conversation, on.MessageArrived(text, self._outside.clock.now().monotonic_ms))

    def binary(self, conversation: Conversation, data: bytes) -> None:
        del data  # never reaches a handler (parity 4.3)
        self._close(conversation, *BINARY_NOT_SUPPORTED)

    def violated(self, conversation: Conversation, code: int, reason: str) -> None:
        self._close(conversation, code, reason)

    def peer_closed(self, conversation: Conversation, code: int | None, reason: str) -> None:
        self._step(conversation, on.PeerClosed(code, reason))

    def peer_lost(self, conversation: Conversation) -> None:
        self._step(conversation, on.PeerLost())

    # -- what the management API asks ------------------------------------------------------------------------------

    def admits_call(self) -> bool:
        """Whether the account's rate takes one more call; it counts as one."""
        return self._outside.admission.callback(self._outside.clock.now().monotonic_ms)

    def post(self, endpoint: Endpoint, connection_id: ConnectionId, data: bytes) -> PostOutcome:
        """Send ``data`` as one TEXT message; at most one outcome, never half a message."""
        conversation = self._find(endpoint, connection_id)
        if conversation is None:
            return PostOutcome.GONE
        if conversation.socket.buffered_bytes() + len(data) > self._limits.max_out_buffer_bytes:
            return PostOutcome.LIMITED
        now = self._outside.clock.now().monotonic_ms
        self._step(conversation, on.Posted(responses.as_text(data), now))
        return PostOutcome.SENT

    def get(self, endpoint: Endpoint, connection_id: ConnectionId) -> ConnectionInfo | None:
        """What is known of an open connection, None when it is gone."""
        conversation = self._find(endpoint, connection_id)
        if conversation is None:
            return None
        connection, lifecycle = conversation.connection, conversation.lifecycle
        active_for_ms = lifecycle.last_active_ms - lifecycle.begun_ms
        return ConnectionInfo(
            connection.connected_at_ms,
            connection.connected_at_ms + active_for_ms,
            connection.source_ip,
            connection.user_agent,
        )

    def delete(self, endpoint: Endpoint, connection_id: ConnectionId) -> bool:
        """Close an open connection as DeleteConnection does (parity 7.3); False when it is gone."""
        conversation = self._find(endpoint, connection_id)
        if conversation is None:
            return False
        self._close(conversation, 1000, "Connection Closed Normally")
        return True

    # -- time and the end ------------------------------------------------------------------------------------------

    def next_deadline_ms(self) -> int | None:
        """Monotonic time of the next deadline, None when nothing waits."""
        return self._deadlines.next_ms()

    def tick(self, now_ms: int) -> None:
        """Act on every deadline that has passed."""
        for connection_id in self._deadlines.due(now_ms):
            if (conversation := self._live.get(connection_id)) is not None:
                self._step(conversation, on.DeadlineReached(now_ms))

    async def stop(self, within_s: float) -> int:
        """Close every connection, give each its ``$disconnect``; how many calls were still running at the deadline."""
        self._stopping = True
        while self._upgrading and within_s > 0:  # their handlers may accept: then they are closed like the others
            within_s = await self._tasks.settle_once(within_s)
        for conversation in tuple(self._live.values()):
            self._close(conversation, *GOING_AWAY)
        left = await self._tasks.settle(within_s)
        await self._tasks.close()
        for conversation in (*self._live.values(), *self._upgrading):
            conversation.socket.abort()
        return left

    # -- carrying out ----------------------------------------------------------------------------------------------

    def _begin(self, socket: Socket, addressed: Addressed, handshake: Handshake) -> Conversation:
        ids, now, endpoint = self._outside.ids, self._outside.clock.now(), addressed.deployment.endpoint
        user_agent = handshake.header("user-agent")
        connection = Connection(
            connection_id=ids.connection_id(),
            owner=self._number,
            api_id=endpoint.api.api_id,
            stage=endpoint.stage.stage_name,
            connected_at_ms=now.wall_ms,
            source_ip=handshake.source_ip,
            domain_name=addressed.domain_name,
            user_agent=None if user_agent is None else user_agent[:MAX_SOURCE_STRING],
        )
        occasion = Occasion(ids.request_id(), ids.trace_id(), now.wall_ms)
        journal = self._outside.journal
        entry = None if journal is None else journal.begin(addressed.deployment.logging)
        opening = Opening(addressed.deployment, handshake, occasion, entry)
        conversation = Conversation(socket, connection, Lifecycle(self._limits), opening)
        self._upgrading.add(conversation)
        return conversation

    def _find(self, endpoint: Endpoint, connection_id: ConnectionId) -> Conversation | None:
        conversation = self._live.get(connection_id)
        if conversation is None or conversation.connection.api_id != endpoint.api.api_id:
            return None
        return conversation if conversation.lifecycle.state is State.OPEN else None

    def _close(self, conversation: Conversation, code: int, reason: str) -> None:
        self._step(conversation, on.CloseAsked(code, reason, self._outside.clock.now().monotonic_ms))

    def _step(self, conversation: Conversation, happened: on.Input) -> None:
        for command in conversation.lifecycle.step(happened):
            self._carry_out(conversation, command)

    def _carry_out(self, conversation: Conversation, command: do.Command) -> None:
        match command:
            case do.SendText() | do.SendClose() | do.Abort() | do.RefuseUpgrade() | do.AcceptUpgrade():
                self._to_socket(conversation, command)
            case do.SetDeadline(at_ms):
                self._deadlines.set(conversation.connection.connection_id, at_ms)
                self._wake()
            case do.ReportClosed(code, reason):
                self._outside.reporter.closed(conversation.connection, code, reason)
            case do.Forget():
                self._forget(conversation)
            case _:
                self._call(conversation, command)

    def _call(
        self,
        conversation: Conversation,
        command: do.Authorize | do.InvokeConnect | do.InvokeMessage | do.InvokeDisconnect | do.Register | do.Unregister,
    ) -> None:
        calls = self._calls
        match command:
            case do.InvokeMessage(text):
                self._start(conversation, partial(self._message, conversation, text), "message")
                conversation.in_flight += 1
                if conversation.in_flight == MAX_MESSAGES_IN_FLIGHT:
                    conversation.socket.pause_reading()
            case do.InvokeDisconnect(code, reason):
                self._start(conversation, partial(calls.disconnect, conversation, code, reason), "$disconnect")
            case do.Register():
                self._start(conversation, partial(calls.register, conversation, command), "register")
            case do.Unregister():
                self._start(conversation, partial(calls.unregister, conversation), "unregister")
            case do.Authorize():
                self._start(conversation, partial(calls.authorize, conversation), "gates")
            case do.InvokeConnect():
                self._start(conversation, partial(calls.connect, conversation), "$connect")
            case _:
                assert_never(command)

    def _to_socket(
        self,
        conversation: Conversation,
        command: do.SendText | do.SendClose | do.Abort | do.RefuseUpgrade | do.AcceptUpgrade,
    ) -> None:
        socket = conversation.socket
        match command:
            case do.SendText(data):
                socket.send_text(data)
            case do.SendClose(code, reason):
                socket.close(code, reason)
            case do.Abort():
                socket.abort()
            case do.RefuseUpgrade(refusal):
                self._outside.reporter.refused(conversation.connection.connection_id, refusal.status, refusal.why)
                self._log_connect(conversation, refusal)
                socket.refuse(refusal.status, refusal.headers, refusal.body)
            case do.AcceptUpgrade(subprotocol):
                self._open(conversation)
                socket.accept(subprotocol)
            case _:
                assert_never(command)

    def _open(self, conversation: Conversation) -> None:
        self._upgrading.discard(conversation)
        self._log_connect(conversation, None)
        conversation.opening = None
        self._live[conversation.connection.connection_id] = conversation
        self._outside.reporter.opened(conversation.connection)

    def _forget(self, conversation: Conversation) -> None:
        opening = conversation.opening
        if opening is not None and opening.entry is not None:
            opening.entry.abandons(connect_exchange(conversation, opening))
        self._upgrading.discard(conversation)
        self._live.pop(conversation.connection.connection_id, None)
        self._deadlines.cancel(conversation.connection.connection_id)

    def _log_connect(self, conversation: Conversation, refusal: responses.Refuse | None) -> None:
        opening = conversation.opening
        if opening is not None and opening.entry is not None:
            opening.entry.ends(connect_exchange(conversation, opening), refusal)

    def _start(self, conversation: Conversation, call: Call, what: str) -> None:
        name = f"{what} of {conversation.connection.connection_id}"
        self._tasks.start(self._answer(conversation, call), name)

    async def _message(self, conversation: Conversation, text: str) -> on.Input | None:
        try:
            return await self._calls.message(conversation, text)
        finally:
            conversation.in_flight -= 1
            if conversation.in_flight == MAX_MESSAGES_IN_FLIGHT // 2:
                conversation.socket.resume_reading()

    async def _answer(self, conversation: Conversation, call: Call) -> None:
        answer = await call()
        if isinstance(answer, on.Reply) and conversation.socket.buffered_bytes() > self._limits.max_out_buffer_bytes:
            self._close(conversation, *TOO_SLOW)
        elif answer is not None:
            self._step(conversation, answer)
