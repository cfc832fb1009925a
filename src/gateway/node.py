"""One node: it holds the live connections, feeds their lifecycles and carries out what these command.

Socket shells tell it what clients did, the management API what callers want; handlers, the registry, clocks and ids
are behind ports. It decides nothing about the protocol: that is ``engine``'s, and parity's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar, assert_never

from gateway.calls import Calls, Outside, connect_exchange
from gateway.conversation import Conversation, Opening
from gateway.counters import Limit
from gateway.early_posts import EarlyPost, EarlyPosts
from gateway.engine import commands as do
from gateway.engine import inputs as on
from gateway.engine import responses
from gateway.engine.deadlines import Wheel
from gateway.engine.directory import Addressed, Directory
from gateway.engine.exchange import Occasion
from gateway.engine.lifecycle import GOING_AWAY, TOO_SLOW, State
from gateway.groups import Groups
from gateway.model.connection import Connection
from gateway.model.group import Group
from gateway.model.handshake import Handshake
from gateway.model.ids import CONNECT, ApiId, ConnectionId, NodeNumber
from gateway.model.limits import MAX_SOURCE_STRING, Limits
from gateway.model.now import Now
from gateway.model.peer import (
    ConnectionInfo,
    DeleteIt,
    EarlyRequest,
    GetGroups,
    GetInfo,
    OneAnswer,
    OneRequest,
    Outcome,
    PostTo,
)
from gateway.ports import Socket
from gateway.sharing import shared_text
from gateway.tasks import Tasks
from gateway.tenure import Tenure
from gateway.wire.prepared_message import PreparedMessage

LAST_CALLS_S = 2.0  # of a stop, twice: for calls that are still at work, then for the $disconnect behind them
DEADLINE_GRANULARITY_MS = 1000  # closes by deadline are up to this late; AWS's own came 3.9 s late (parity 8)
Call = Callable[..., Awaitable[on.Input | None]]
T = TypeVar("T")

BINARY_NOT_SUPPORTED = (1003, "Binary is not supported")  # parity 4.3
SERVICE_RESTART = (1012, "Service restart")  # RFC 6455 and IANA's registry: reconnect; an extension, AWS has only 1001


class Node:
    """``tenure`` says who this is and whether it may act: before every step it is asked, and a node that may not act
    any more closes everything (``fence``). ``wake`` is called when a deadline is set, and ``tick`` must then be called
    until ``next_deadline_ms`` is None again. ``fenced_close`` is what open sockets are closed with when it is fenced.
    ``limits`` are those of one connection.
    """

    def __init__(
        self,
        tenure: Tenure,
        directory: Directory,
        outside: Outside,
        limits: Limits,
        wake: Callable[[], None],
        fenced_close: tuple[int, str] = SERVICE_RESTART,
    ) -> None:
        self._tenure = tenure
        self._fenced_close = fenced_close
        self._calls = Calls(outside, directory)
        self._outside = outside
        self._counters = outside.counters
        self.limits = limits
        self.groups = Groups(limits, outside.counters, outside.reporter)
        self._wake = wake
        self._live: dict[ConnectionId, Conversation] = {}
        self._upgrading: dict[ConnectionId, Conversation] = {}
        self._deadlines: Wheel[ConnectionId] = Wheel(DEADLINE_GRANULARITY_MS)
        self._tasks = Tasks(outside.reporter.failed)
        self._leaving = False
        self._stopping = False  # whoever opens is closed
        self._gives_up = False  # what waits in line has no time left
        self._given_up = 0  # messages
        self._stopped = False
        self._fenced: NodeNumber | None = None  # the incarnation that was fenced last

    @property
    def directory(self) -> Directory:
        return self._calls.directory

    def redeploy(self, directory: Directory) -> None:
        """Serve another definition from the next event on; open connections follow it."""
        self._calls.directory = directory
        self._outside.admission.keep(directory.deployments)

    @property
    def open_connections(self) -> int:
        """How many sockets are open, those that are closing included."""
        return len(self._live)

    # -- what clients do (ports.Conversations) ---------------------------------------------------------------------

    def handshake(self, socket: Socket, handshake: Handshake) -> Conversation | None:
        """Begin a connection, or refuse it at once and return None."""
        addressed = self.directory.for_handshake(handshake.path, handshake.header("host"))
        now = self._outside.clock.now()
        refusal = self._refusal(addressed, handshake, now.monotonic_ms)
        if addressed is None or refusal is not None:
            refusal = refusal or responses.unknown_endpoint_refusal()
            self._counters.refuse(refusal.status)
            self._outside.reporter.refused(None, refusal.status, refusal.why)
            socket.refuse(refusal.status, refusal.headers, refusal.body)
            return None
        conversation = self._begin(socket, addressed, handshake, now)
        plan = addressed.deployment.plans.get(CONNECT)
        begin = on.Begin(
            authorizes=self._calls.gates.stand_before(addressed.deployment),
            connects=plan is not None and plan.integration is not None,
            at_ms=now.monotonic_ms,
        )
        self._tasks.soon(
            partial(self._step, conversation, begin), "handshake"
        )  # whoever asks has the conversation by then
        return conversation

    def message(self, conversation: Conversation, text: str) -> None:
        self._counters.messages += 1
        self._step(conversation, on.MessageArrived(text, self._outside.clock.now().monotonic_ms))

    def binary(self, conversation: Conversation, data: bytes) -> None:
        """Reaches a handler only where the limits let it (parity 4.3)."""
        if self.limits.binary:
            self._counters.messages += 1
            self._step(conversation, on.MessageArrived(data, self._outside.clock.now().monotonic_ms))
            return
        self._counters.exceed(Limit.PROTOCOL)
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
        admission = self._outside.admission
        if not admission.bounds_requests or admission.callback(self._outside.clock.now().monotonic_ms):
            return True
        self._counters.exceed(Limit.REQUEST_RATE)
        return False

    def refusal_of(self, owner: NodeNumber) -> Outcome | None:
        """Why nothing can be asked of what ``owner`` holds: GONE when that was an earlier incarnation of this node,
        UNREACHABLE when it is somebody else, who may well be alive, FENCED; None when it can."""
        if owner != self._tenure.number:
            return Outcome.GONE if self._tenure.was(owner) else Outcome.UNREACHABLE
        return None if self.may_act() else Outcome.FENCED

    def answer(self, owner: NodeNumber, request: OneRequest) -> OneAnswer | Coroutine[Any, Any, Outcome]:
        """Carry out what the management API, or another node, asks of a connection that ``owner`` holds."""
        refusal = self.refusal_of(owner)
        if refusal is not None:
            return refusal
        conversation = self._find(request.api_id, request.connection_id)
        if conversation is None:
            return self._early(request)
        match request:
            case GetInfo():
                return _info(conversation)
            case GetGroups():
                return self.groups.told(conversation, request)
            case DeleteIt(code=code, reason=reason):
                self._close(conversation, code, reason)
                return Outcome.DONE
            case _:
                return self._carried_out(conversation, request)

    def _carried_out(self, conversation: Conversation, request: EarlyRequest) -> Outcome:
        return (
            self._post(conversation, request)
            if isinstance(request, PostTo)
            else self.groups.change(conversation, request)
        )

    def _post(self, conversation: Conversation, post: PostTo) -> Outcome:
        """One message; never half a message. That this node may act has been asked at this moment."""
        self._counters.posts += 1
        if conversation.socket.buffered_bytes() + len(post.data) > self.limits.max_out_buffer_bytes:
            self._counters.exceed(Limit.OUT_BUFFER)
            return Outcome.LIMITED
        now = self._outside.clock.now().monotonic_ms
        data = post.data if post.binary else responses.as_text(post.data)
        self._advance(conversation, on.Posted(data, now, post.binary))
        return Outcome.DONE

    def exceed(self, limit: Limit) -> None:
        """Count that somebody has gone beyond it."""
        self._counters.exceed(limit)

    def found(self, api_id: ApiId, connection_ids: Sequence[ConnectionId]) -> list[Conversation | None]:
        """Those who are connected to an API, in the order of their IDs; None is one who is not."""
        everybody = map(self._live.get, connection_ids)
        return [None if each is None or each.connection.api_id != api_id else each for each in everybody]

    def conversations(self, group: Group | None = None) -> tuple[Conversation, ...]:
        """Everybody who is connected now, those who are closing included; or the members of a group."""
        return tuple(self._live.values()) if group is None else self.groups.members_of(group)

    def start(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run it until it ends; ``stop`` waits for it."""
        return self._tasks.start(work, name)

    def tell_each(self, conversations: Sequence[Conversation | None], message: PreparedMessage) -> list[Outcome]:
        """``_post`` of one message to each of these, in their order, None being one who is gone: nothing is made for
        each, and little is done. Whether anything may be asked is known (``refusal_of``)."""
        now_ms, most = self._outside.clock.now().monotonic_ms, self.limits.max_out_buffer_bytes
        is_open = State.OPEN
        listed = [each for each in conversations if each is not None and each.state is is_open]
        sockets = [each.socket for each in listed]
        full = set(map(id, sockets[0].send_to_each(sockets, message, most))) if sockets else set()
        reached = [each for each in listed if id(each.socket) not in full] if full else listed
        for each in reached:
            each.last_active_ms = now_ms
        self._counters.posts += len(listed)
        self._counters.exceeded[Limit.OUT_BUFFER] += len(full)
        if len(reached) == len(conversations):
            return [Outcome.DONE] * len(reached)
        outcomes = dict.fromkeys(map(id, listed), Outcome.LIMITED) | dict.fromkeys(map(id, reached), Outcome.DONE)
        return [outcomes.get(id(each), Outcome.GONE) for each in conversations]

    @property
    def number(self) -> NodeNumber:
        """Of this incarnation."""
        return self._tenure.number

    def _early(self, request: OneRequest) -> Outcome | Coroutine[Any, Any, Outcome]:
        """What is not open is gone, unless it may still open and posts wait for that."""
        conversation, wait_ms = self._upgrading.get(request.connection_id), self.limits.early_post_ms
        opening = None if conversation is None else conversation.opening
        if wait_ms is None or conversation is None or opening is None or not isinstance(request, EarlyRequest):
            return Outcome.GONE
        if conversation.connection.api_id != request.api_id:
            return Outcome.GONE
        if opening.early is None:
            opening.early = EarlyPosts(self.limits.max_message_bytes)
        early = opening.early.hold(request)
        if early is None:
            self._counters.exceed(Limit.OUT_BUFFER)
            return Outcome.LIMITED
        return self._wait_for_upgrade(opening.early, early, wait_ms)

    async def _wait_for_upgrade(self, posts: EarlyPosts, early: EarlyPost, wait_ms: int) -> Outcome:
        try:
            async with asyncio.timeout(wait_ms / 1000):
                return await early.outcome
        except TimeoutError:
            return Outcome.GONE
        finally:
            posts.withdraw(early)

    def _give_up_early(self, conversation: Conversation, outcome: Outcome) -> None:
        """The connection will not open: whoever waits to post to it is told so."""
        opening = conversation.opening
        if opening is not None and opening.early is not None:
            for early in opening.early.take():
                early.outcome.set_result(outcome)

    # -- time and the end ------------------------------------------------------------------------------------------

    def next_deadline_ms(self) -> int | None:
        """Monotonic time of the next deadline, None when nothing waits."""
        return self._deadlines.next_ms()

    def tick(self, now_ms: int) -> None:
        """Act on every deadline that has passed."""
        self.may_act()
        for connection_id in self._deadlines.due(now_ms):
            if (conversation := self._live.get(connection_id)) is not None:
                self._step(conversation, on.DeadlineReached(now_ms))

    async def stop(self, within_s: float) -> int:
        """Close every connection, give each its ``$disconnect``; how many calls had to be cut off for want of time.

        Messages in line go on to their handlers until the time that is left is for those at work already; these are cut
        off when it is for the ``$disconnect`` calls behind them. How many were given up is warned of."""
        self._leaving = self._stopping = True
        for conversation in tuple(self._live.values()):
            self._close(conversation, *GOING_AWAY)
        last_s = min(LAST_CALLS_S, within_s / 2)
        await self._tasks.settle(within_s - 2 * last_s)
        self._gives_up = True
        await self._tasks.settle(last_s)
        cut_off = self._tasks.cut_off("message") if self.limits.ordered else 0
        left = cut_off + await self._tasks.settle(last_s)
        if self._given_up:
            self._outside.reporter.warned(
                f"{self._given_up} messages that waited for their turn were given up: this node stops"
            )
        self._stopped = True
        await self._tasks.close()
        for conversation in (*self._live.values(), *self._upgrading.values()):
            conversation.socket.abort()
        return left

    def begin_leaving(self) -> Iterator[Callable[[bool], bool]]:
        """Accept nobody any more. What is returned gives, one by one, a way to close each open connection: called with
        whether it may wait for calls in flight, it says whether the connection is closing or has closed."""
        self._leaving = True
        return (partial(self._let_go, conversation) for conversation in tuple(self._live.values()))

    async def speak_for(self, connection: Connection, code: int, reason: str) -> str | None:
        """Call ``$disconnect`` for a connection that no node holds; None when it was delivered, else why it was not."""
        if self.directory.get(connection.api_id, connection.stage) is None:
            return f"API {connection.api_id} has no stage {connection.stage} on this node"
        failure = await self._calls.disconnect(connection, code, reason)
        return None if failure is None else failure.why

    @property
    def is_leaving(self) -> bool:
        return self._leaving

    def fence(self) -> None:
        """Close every socket and serve nobody until the tenure begins anew. Nothing is invoked and no record removed:
        whoever speaks for these connections now finds them in the table. Once for each incarnation: after that there is
        nobody left to close."""
        if self._fenced == self._tenure.number:
            return
        self._fenced = self._tenure.number
        refusal = responses.fenced_refusal()
        fenced = on.Fenced(*self._fenced_close, refusal, self._outside.clock.now().monotonic_ms)
        for conversation in (*self._live.values(), *self._upgrading.values()):
            self._give_up_early(conversation, Outcome.FENCED)
            self._advance(conversation, fenced)

    def may_act(self) -> bool:
        """Asked before anything is done: a process that was stopped for a while does not know it."""
        if self._tenure.holds():
            return True
        self.fence()
        return False

    def _refusal(self, addressed: Addressed | None, handshake: Handshake, now_ms: int) -> responses.Refuse | None:
        """Why nobody can be let in now; None when somebody can."""
        if not self.may_act():
            return responses.fenced_refusal()
        if addressed is None:
            return None
        if self._leaving:
            return responses.stopping_refusal()
        ids, origins = self._outside.ids, self._outside.origins
        if origins is not None and not origins.allow(handshake.all_of("origin")):
            self._counters.exceed(Limit.ORIGIN)
            return responses.origin_refusal(ids.connection_id(self._tenure.number), ids.request_id())
        if self._outside.admission.arrival(now_ms):
            return None
        self._counters.exceed(Limit.CONNECT_RATE)
        return responses.storm_refusal(ids.connection_id(self._tenure.number), ids.request_id(), now_ms)

    def _let_go(self, conversation: Conversation, may_wait: bool) -> bool:
        if may_wait and conversation.in_flight and conversation.state is State.OPEN:
            return False
        self._close(conversation, *GOING_AWAY)
        return True

    # -- carrying out ----------------------------------------------------------------------------------------------

    def _begin(self, socket: Socket, addressed: Addressed, handshake: Handshake, now: Now) -> Conversation:
        ids, endpoint = self._outside.ids, addressed.deployment.endpoint
        user_agent = handshake.header("user-agent")
        connection = Connection(
            connection_id=ids.connection_id(self._tenure.number),
            owner=self._tenure.number,
            api_id=endpoint.api.api_id,
            stage=endpoint.stage.stage_name,
            connected_at_ms=now.wall_ms,
            source_ip=shared_text(handshake.source_ip),
            domain_name=addressed.domain_name,
            user_agent=None if user_agent is None else shared_text(user_agent[:MAX_SOURCE_STRING]),
        )
        occasion = Occasion(ids.request_id(), ids.trace_id(), now.wall_ms)
        journal = self._outside.journal
        entry = None if journal is None else journal.begin(addressed.deployment.logging)
        opening = Opening(addressed.deployment, handshake, occasion, entry)
        conversation = Conversation(socket, connection, self.limits, opening)
        self._upgrading[connection.connection_id] = conversation
        return conversation

    def _find(self, api_id: ApiId, connection_id: ConnectionId) -> Conversation | None:
        conversation = self._live.get(connection_id)
        if conversation is None or conversation.connection.api_id != api_id:
            return None
        return conversation if conversation.state is State.OPEN else None

    def _close(self, conversation: Conversation, code: int, reason: str) -> None:
        self._step(conversation, on.CloseAsked(code, reason, self._outside.clock.now().monotonic_ms))

    def _step(self, conversation: Conversation, happened: on.Input) -> None:
        self.may_act()  # when not, the conversation is fenced by now and ignores whatever it must
        self._advance(conversation, happened)

    def _advance(self, conversation: Conversation, happened: on.Input) -> None:
        for command in conversation.step(happened):
            self._carry_out(conversation, command)

    def _carry_out(self, conversation: Conversation, command: do.Command) -> None:
        """The commonest first: a post and a reply are one ``SendText``, a message is one ``InvokeMessage``."""
        match command:
            case do.SendText(data):
                conversation.socket.send_text(data)
            case do.InvokeMessage(content, has_waited):
                self._take(conversation, content, has_waited)
            case do.KeepInLine() | do.GiveUp():
                self._in_line(conversation, command)
            case do.SendBinary(data):
                conversation.socket.send_binary(data)
            case do.SetDeadline(at_ms):
                self._deadlines.set(conversation.connection.connection_id, at_ms)
                self._wake()
            case do.AcceptUpgrade() | do.RefuseUpgrade() | do.SendClose() | do.Abort():
                self._to_socket(conversation, command)
            case do.ReportClosed(code, reason):
                self.groups.leave_all(conversation)
                self._outside.reporter.closed(conversation.connection, code, reason)
            case do.Forget():
                self._forget(conversation)
            case _:
                self._call(conversation, command)

    def _take(self, conversation: Conversation, content: str | bytes, has_waited: bool) -> None:
        """Have a message answered."""
        if has_waited:
            self._read_on(conversation)
        else:
            self._count(conversation)
        work = self._message(conversation, content)
        if self.limits.ordered:
            work = self._in_turn(conversation, work)
        self._tasks.begin(work, "message", conversation.connection.connection_id)

    def _in_line(self, conversation: Conversation, command: do.KeepInLine | do.GiveUp) -> None:
        if isinstance(command, do.GiveUp):
            conversation.in_flight -= command.count
            self._given_up += command.count
            return
        self._count(conversation)
        if command.is_enough:
            self._hold_back(conversation, Limit.IN_LINE)

    def _count(self, conversation: Conversation) -> None:
        """One more message is in flight; its client is held back once too many are."""
        conversation.in_flight += 1
        if conversation.in_flight == self.limits.max_messages_in_flight:
            self._hold_back(conversation, Limit.IN_FLIGHT)

    def _hold_back(self, conversation: Conversation, limit: Limit) -> None:
        if conversation.read_since_ms is not None:
            self._counters.exceed(limit)
            self._advance(conversation, on.HeldBack())
            conversation.socket.pause_reading()

    def _read_on(self, conversation: Conversation) -> None:
        """Read a client again that was held back, once half of what it was held back for is over."""
        limits = self.limits
        if (
            conversation.read_since_ms is None
            and conversation.in_flight <= limits.max_messages_in_flight // 2
            and conversation.in_line_bytes <= limits.max_in_line_bytes // 2
        ):
            self._advance(conversation, on.ReadOn(self._outside.clock.now().monotonic_ms))
            conversation.socket.resume_reading()

    def _call(
        self,
        conversation: Conversation,
        command: do.Authorize | do.InvokeConnect | do.InvokeDisconnect | do.Register | do.Unregister,
    ) -> None:
        calls = self._calls
        match command:
            case do.Register():
                self._begin_call(conversation, command, "register", calls.register, command)
            case do.InvokeConnect():
                self._begin_call(conversation, command, "$connect", calls.connect)
            case do.InvokeDisconnect(code, reason):
                work = self._answer(conversation, command, self._disconnect, (code, reason))
                # Not now: whoever ends the connection, by a management call for one, is to be through with it first.
                self._tasks.start(work, f"$disconnect of {conversation.connection.connection_id}")
            case do.Unregister():
                self._begin_call(conversation, command, "unregister", calls.unregister)
            case do.Authorize():
                self._begin_call(conversation, command, "gates", calls.authorize)
            case _:
                assert_never(command)

    def _to_socket(
        self,
        conversation: Conversation,
        command: do.SendClose | do.Abort | do.RefuseUpgrade | do.AcceptUpgrade,
    ) -> None:
        socket = conversation.socket
        match command:
            case do.AcceptUpgrade(subprotocol):
                opening = conversation.opening
                self._open(conversation)
                socket.accept(subprotocol)
                if opening is not None and opening.early is not None:
                    for early in opening.early.take():
                        early.outcome.set_result(self._carried_out(conversation, early.request))
                if self._stopping:  # its handler has only just accepted it: it is closed like the others
                    self._tasks.soon(partial(self._close, conversation, *GOING_AWAY), "close")
            case do.SendClose(code, reason):
                socket.close(code, reason)
            case do.Abort():
                socket.abort()
            case do.RefuseUpgrade(refusal):
                self._give_up_early(conversation, Outcome.GONE)
                self._counters.refuse(refusal.status)
                self._outside.reporter.refused(conversation.connection.connection_id, refusal.status, refusal.why)
                self._log_connect(conversation, refusal)
                socket.refuse(refusal.status, refusal.headers, refusal.body)
            case _:
                assert_never(command)

    def _open(self, conversation: Conversation) -> None:
        self._decided(conversation)
        self._log_connect(conversation, None)
        if conversation.opening is not None and conversation.opening.groups:
            self.groups.enter(conversation, conversation.opening.groups)
        conversation.opening = None
        self._live[conversation.connection.connection_id] = conversation
        self._counters.opened += 1
        self._outside.reporter.opened(conversation.connection)

    def _forget(self, conversation: Conversation) -> None:
        self._give_up_early(conversation, Outcome.GONE)
        opening = conversation.opening
        if opening is not None and opening.entry is not None:
            opening.entry.abandons(connect_exchange(conversation, opening))
        self._decided(conversation)
        self._live.pop(conversation.connection.connection_id, None)
        self._deadlines.cancel(conversation.connection.connection_id)

    def _decided(self, conversation: Conversation) -> None:
        self._upgrading.pop(conversation.connection.connection_id, None)
        if not self._upgrading:
            self._upgrading.clear()  # gives the room of a crowd back, which an empty set keeps

    def _log_connect(self, conversation: Conversation, refusal: responses.Refuse | None) -> None:
        opening = conversation.opening
        if opening is not None and opening.entry is not None:
            opening.entry.ends(connect_exchange(conversation, opening), refusal)

    def _begin_call(
        self, conversation: Conversation, command: do.Command, what: str, call: Call, *more: object
    ) -> None:
        work = self._answer(conversation, command, call, more)
        self._tasks.begin(work, what, conversation.connection.connection_id)

    async def _message(self, conversation: Conversation, content: str | bytes) -> None:
        """As ``_answer``; to a message that this node may not act on any more there is no answer."""
        reply: on.Reply | None = None
        try:
            if self._tenure.is_still(conversation.connection.owner):
                reply = await self._calls.message(conversation, content)
        finally:
            conversation.in_flight -= 1
            if conversation.read_since_ms is None:
                self._read_on(conversation)
        if reply is None:
            return
        if conversation.socket.buffered_bytes() > self.limits.max_out_buffer_bytes:
            self._counters.exceed(Limit.SLOW_CLIENT)
            self._close(conversation, *TOO_SLOW)
        else:
            self._step(conversation, reply)

    async def _in_turn(self, conversation: Conversation, message: Coroutine[Any, Any, None]) -> None:
        """One message of several that come in order. The next one begins in a turn of the loop's own: a hundred that
        are answered at once would otherwise begin inside each other."""
        try:
            await message
        finally:
            if not self._stopped:
                done = partial(self._turn_over, conversation)
                self._tasks.soon(done, f"next message of {conversation.connection.connection_id}")

    def _turn_over(self, conversation: Conversation) -> None:
        self._step(conversation, on.MessageDone(is_last=self._gives_up))

    async def _disconnect(self, conversation: Conversation, code: int, reason: str) -> on.Disconnected | None:
        """None when somebody else has taken over to deliver it, who removes the record then."""
        connection = conversation.connection
        failure = await self._calls.disconnect(connection, code, reason)
        undelivered = self._outside.undelivered
        if failure is None or undelivered is None or not failure.never_arrived:
            return on.Disconnected()
        return None if undelivered(connection, code, reason, failure.why) else on.Disconnected()

    async def _answer(
        self, conversation: Conversation, command: do.Command, call: Call, more: tuple[object, ...]
    ) -> None:
        """Whether this node may act is asked again: the process may have been stopped since the command was given."""
        if isinstance(command, do.Unregister) or self._tenure.is_still(conversation.connection.owner):
            answer = await call(conversation, *more)
        else:
            answer = _unsaid(command)
        if answer is not None:
            self._step(conversation, answer)


def _unsaid(command: do.Command) -> on.Input | None:
    """The answer to a call that was not made, because this node may not act any more."""
    match command:
        case do.Register():
            return on.RegistrationFailed(responses.fenced_refusal())
        case do.Authorize() | do.InvokeConnect():
            return on.HandshakeRefused(responses.fenced_refusal())
        case _:
            return None


def _info(conversation: Conversation) -> ConnectionInfo:
    connection = conversation.connection
    return ConnectionInfo(
        connection.connected_at_ms, conversation.last_active_at_ms, connection.source_ip, connection.user_agent
    )
