"""Playbooks: this input, then exactly these commands. And whatever the order of inputs, the invariants hold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine import commands as do
from gateway.engine import inputs as on
from gateway.engine.lifecycle import Lifecycle, State
from gateway.engine.responses import Refuse
from gateway.model.limits import MAX_IN_LINE_BYTES, Limits

LIMITS = Limits(idle_timeout_ms=1_000, connection_duration_ms=10_000, close_timeout_ms=50)
REFUSAL = Refuse(403, (), b"no", "test")
AWAY = Refuse(500, (), b"away", "test")
SET_AT_OPEN = do.SetDeadline(1_007)


def begun(*, authorizes: bool = False, connects: bool = True) -> Lifecycle:
    lifecycle = Lifecycle(LIMITS)
    lifecycle.step(on.Begin(authorizes, connects, at_ms=0))
    return lifecycle


def opened() -> Lifecycle:
    lifecycle = begun()
    assert lifecycle.step(on.ConnectAccepted(None, at_ms=5)) == ()
    assert lifecycle.step(on.Registered(at_ms=7)) == (do.AcceptUpgrade(None), SET_AT_OPEN)
    return lifecycle


@pytest.mark.parity("P-034", "P-432")
def test_connect_and_record_run_side_by_side() -> None:
    lifecycle = Lifecycle(LIMITS)
    assert lifecycle.step(on.Begin(False, True, 0)) == (do.Register(None), do.InvokeConnect())
    assert lifecycle.step(on.Registered(at_ms=5)) == ()
    assert lifecycle.step(on.ConnectAccepted("graphql-ws", at_ms=7)) == (do.AcceptUpgrade("graphql-ws"), SET_AT_OPEN)
    assert lifecycle.state is State.OPEN


@pytest.mark.parity("P-037")
def test_no_connect_route_waits_for_the_record_only() -> None:
    lifecycle = Lifecycle(LIMITS)
    assert lifecycle.step(on.Begin(False, False, 0)) == (do.Register(None),)
    assert lifecycle.step(on.Registered(at_ms=7)) == (do.AcceptUpgrade(None), SET_AT_OPEN)


@pytest.mark.parity("P-034", "P-315")
def test_the_authorizer_comes_first_and_its_context_is_recorded() -> None:
    lifecycle = Lifecycle(LIMITS)
    context, identity = {"principalId": "u"}, {"apiKeyId": "k"}
    assert lifecycle.step(on.Begin(True, True, 0)) == (do.Authorize(),)
    assert lifecycle.step(on.Authorized(context, identity)) == (do.Register(context, identity), do.InvokeConnect())


def test_gates_that_find_out_nothing_record_nothing() -> None:
    lifecycle = begun(authorizes=True)
    assert lifecycle.step(on.Authorized(None)) == (do.Register(None), do.InvokeConnect())


def test_a_refusing_gate_leaves_nothing_behind() -> None:
    lifecycle = begun(authorizes=True)
    assert lifecycle.step(on.HandshakeRefused(REFUSAL)) == (do.RefuseUpgrade(REFUSAL), do.Forget())
    assert lifecycle.state is State.CLOSED


def test_a_refusal_leaves_at_once_and_the_record_when_it_is_written() -> None:
    lifecycle = begun()
    assert lifecycle.step(on.HandshakeRefused(REFUSAL)) == (do.RefuseUpgrade(REFUSAL),)
    assert lifecycle.step(on.Registered(at_ms=7)) == (do.Forget(), do.Unregister())


def test_a_refusal_after_the_record() -> None:
    lifecycle = begun()
    lifecycle.step(on.Registered(at_ms=7))
    assert lifecycle.step(on.HandshakeRefused(REFUSAL)) == (do.RefuseUpgrade(REFUSAL), do.Forget(), do.Unregister())


def test_without_a_record_there_is_no_connection_and_an_accepting_handler_is_told() -> None:
    lifecycle = begun()
    assert lifecycle.step(on.RegistrationFailed(AWAY)) == (do.RefuseUpgrade(AWAY),)
    assert lifecycle.step(on.ConnectAccepted(None, 9)) == (
        do.Forget(),
        do.InvokeDisconnect(1006, "Connection closed abnormally"),
    )
    assert lifecycle.step(on.Disconnected()) == (do.Unregister(),)


def test_a_client_is_refused_only_once() -> None:
    lifecycle = begun()
    assert lifecycle.step(on.RegistrationFailed(AWAY)) == (do.RefuseUpgrade(AWAY),)
    assert lifecycle.step(on.HandshakeRefused(REFUSAL)) == (do.Forget(), do.Unregister())


@pytest.mark.parity("P-438")
def test_a_client_that_left_while_connect_ran_gets_its_disconnect() -> None:
    lifecycle = begun()
    assert lifecycle.step(on.PeerLost()) == ()
    lifecycle.step(on.Registered(at_ms=5))
    assert lifecycle.step(on.ConnectAccepted(None, at_ms=7)) == (
        do.Forget(),
        do.InvokeDisconnect(1006, "Connection closed abnormally"),
    )


def test_a_client_that_left_while_the_gates_decided_never_was() -> None:
    lifecycle = begun(authorizes=True)
    lifecycle.step(on.PeerLost())
    assert lifecycle.step(on.Authorized(None)) == (do.Forget(),)


@pytest.mark.parity("P-351", "P-354", "P-416")
def test_message_and_reply() -> None:
    lifecycle = opened()
    assert lifecycle.step(on.MessageArrived("hi", 500)) == (do.InvokeMessage("hi"),)
    assert lifecycle.last_active_ms == 500
    assert lifecycle.step(on.Reply(b"yo", 520)) == (do.SendText(b"yo"),)
    assert lifecycle.last_active_ms == 520


@pytest.mark.parity("P-352", "P-361", "P-439")
def test_a_post_counts_as_traffic_and_a_reply_to_a_closed_one_is_dropped() -> None:
    lifecycle = opened()
    assert lifecycle.step(on.Posted(b"x", 600)) == (do.SendText(b"x"),)
    assert lifecycle.last_active_ms == 600
    lifecycle.step(on.PeerLost())
    assert lifecycle.step(on.Reply(b"late", 700)) == ()
    assert lifecycle.step(on.Posted(b"late", 700)) == ()


@pytest.mark.parity("P-407")
def test_the_client_closes() -> None:
    lifecycle = opened()
    assert lifecycle.step(on.PeerClosed(4001, "bye")) == (
        do.Forget(),
        do.ReportClosed(4001, "bye"),
        do.InvokeDisconnect(4001, "bye"),
    )
    assert lifecycle.step(on.PeerLost()) == ()


@pytest.mark.parity("P-408")
def test_a_close_without_code_is_1005() -> None:
    assert do.InvokeDisconnect(1005, "Client-side close frame status not set") in opened().step(on.PeerClosed(None, ""))


@pytest.mark.parity("P-415")
def test_a_vanished_client_is_1006() -> None:
    assert do.InvokeDisconnect(1006, "Connection closed abnormally") in opened().step(on.PeerLost())


@pytest.mark.parity("P-207", "P-434")
def test_our_close_does_not_wait_for_the_clients_answer() -> None:
    lifecycle = opened()
    assert lifecycle.step(on.CloseAsked(1000, "Connection Closed Normally", 100)) == (
        do.SendClose(1000, "Connection Closed Normally"),
        do.SetDeadline(150),
        do.ReportClosed(1000, "Connection Closed Normally"),
        do.InvokeDisconnect(1000, "Connection Closed Normally"),
    )
    assert lifecycle.step(on.MessageArrived("late", 101)) == ()
    assert lifecycle.step(on.PeerClosed(1000, "")) == (do.Forget(),)


@pytest.mark.parity("P-419")
def test_a_client_that_does_not_answer_our_close_is_dropped() -> None:
    lifecycle = opened()
    lifecycle.step(on.CloseAsked(1000, "", 100))
    assert lifecycle.step(on.DeadlineReached(150)) == (do.Forget(), do.Abort())


@pytest.mark.parity("P-410", "P-416")
def test_idle_is_measured_from_the_last_data() -> None:
    lifecycle = opened()
    lifecycle.step(on.MessageArrived("hi", 500))
    assert lifecycle.step(on.DeadlineReached(1_007)) == (do.SetDeadline(1_500),)
    commands = lifecycle.step(on.DeadlineReached(1_500))
    assert commands[0] == do.SendClose(1001, "Going away")
    assert commands[-1] == do.InvokeDisconnect(1001, "Going away")


@pytest.mark.parity("P-394", "P-411")
def test_two_hours_are_counted_from_the_handshake() -> None:
    lifecycle = opened()
    lifecycle.step(on.Posted(b"x", 9_900))
    assert lifecycle.step(on.DeadlineReached(9_901)) == (do.SetDeadline(10_000),)
    assert lifecycle.step(on.DeadlineReached(10_000))[0] == do.SendClose(1001, "Going away")


def test_binary_goes_the_way_of_text() -> None:
    lifecycle = opened()
    assert lifecycle.step(on.MessageArrived(b"\x00", 500)) == (do.InvokeMessage(b"\x00"),)
    assert lifecycle.step(on.Posted(b"\xff", 600, binary=True)) == (do.SendBinary(b"\xff"),)
    assert lifecycle.last_active_ms == 600


def in_order(max_in_line_bytes: int = MAX_IN_LINE_BYTES) -> Lifecycle:
    lifecycle = Lifecycle(Limits(ordered=True, max_in_line_bytes=max_in_line_bytes))
    lifecycle.step(on.Begin(False, False, at_ms=0))
    lifecycle.step(on.Registered(at_ms=7))
    return lifecycle


def test_in_order_one_message_is_with_its_handler_at_a_time() -> None:
    lifecycle = in_order()
    assert lifecycle.step(on.MessageArrived("a", 10)) == (do.InvokeMessage("a"),)
    assert lifecycle.step(on.MessageArrived("b", 11)) == (do.KeepInLine(),)
    assert lifecycle.step(on.MessageArrived(b"c", 12)) == (do.KeepInLine(),)
    assert lifecycle.step(on.Reply(b"A", 13)) == (do.SendText(b"A"),)
    assert lifecycle.step(on.MessageDone()) == (do.InvokeMessage("b", has_waited=True),)
    assert lifecycle.step(on.MessageArrived("d", 14)) == (do.KeepInLine(),)
    assert lifecycle.step(on.MessageDone()) == (do.InvokeMessage(b"c", has_waited=True),)
    assert lifecycle.step(on.MessageDone()) == (do.InvokeMessage("d", has_waited=True),)
    assert lifecycle.step(on.MessageDone()) == ()
    assert lifecycle._line is None, "a dormant connection has none"
    assert lifecycle.step(on.MessageArrived("e", 20)) == (do.InvokeMessage("e"),)


def test_without_an_order_all_are_with_their_handlers() -> None:
    lifecycle = opened()
    assert lifecycle.step(on.MessageArrived("a", 500)) == (do.InvokeMessage("a"),)
    assert lifecycle.step(on.MessageArrived("b", 500)) == (do.InvokeMessage("b"),)
    assert lifecycle.step(on.MessageDone()) == ()


@pytest.mark.parametrize(
    ("end", "left"),
    [
        pytest.param(on.PeerClosed(4000, "bye"), do.InvokeDisconnect(4000, "bye"), id="the client closes"),
        pytest.param(on.PeerLost(), do.InvokeDisconnect(1006, "Connection closed abnormally"), id="it is lost"),
        pytest.param(on.CloseAsked(1000, "end", 13), do.InvokeDisconnect(1000, "end"), id="we close"),
    ],
)
def test_in_order_the_disconnect_comes_behind_what_was_said_before(end: on.Input, left: do.Command) -> None:
    lifecycle = in_order()
    lifecycle.step(on.MessageArrived("a", 10))
    lifecycle.step(on.MessageArrived("b", 11))
    assert not any(isinstance(command, do.InvokeDisconnect) for command in lifecycle.step(end))
    assert lifecycle.step(on.MessageArrived("late", 14)) == ()
    assert lifecycle.step(on.Reply(b"A", 15)) == ()
    assert lifecycle.step(on.MessageDone()) == (do.InvokeMessage("b", has_waited=True),)
    assert lifecycle.step(on.MessageDone()) == (left,)
    assert lifecycle.step(on.MessageDone()) == ()


def test_in_order_without_a_message_the_disconnect_comes_at_once() -> None:
    lifecycle = in_order()
    lifecycle.step(on.MessageArrived("a", 10))
    lifecycle.step(on.MessageDone())
    assert lifecycle.step(on.PeerClosed(4000, "bye"))[-1] == do.InvokeDisconnect(4000, "bye")


def test_in_order_as_many_bytes_wait_as_may() -> None:
    lifecycle = in_order(max_in_line_bytes=10_000)
    text = "x" * 4_000
    lifecycle.step(on.MessageArrived(text, 10))
    assert lifecycle.in_line_bytes == 0, "it does not wait"
    enough = [lifecycle.step(on.MessageArrived(text, 11)) for _ in range(3)]
    assert enough == [(do.KeepInLine(),), (do.KeepInLine(),), (do.KeepInLine(is_enough=True),)]
    assert 12_000 <= lifecycle.in_line_bytes < 13_000
    lifecycle.step(on.MessageDone())
    assert 8_000 <= lifecycle.in_line_bytes < 9_000


@pytest.mark.parametrize("end", [on.PeerClosed(4000, "bye"), on.CloseAsked(4000, "bye", 12)])
def test_in_order_what_waits_is_given_up_where_the_node_stops_and_the_disconnect_is_not(end: on.Input) -> None:
    lifecycle = in_order()
    for text in ("a", "b", "c"):
        lifecycle.step(on.MessageArrived(text, 10))
    lifecycle.step(end)
    assert lifecycle.step(on.MessageDone(is_last=True)) == (do.GiveUp(2), do.InvokeDisconnect(4000, "bye"))
    assert lifecycle.step(on.MessageDone(is_last=True)) == ()


def test_in_order_where_nobody_waits_nobody_is_given_up() -> None:
    lifecycle = in_order()
    lifecycle.step(on.MessageArrived("a", 10))
    lifecycle.step(on.PeerClosed(4000, "bye"))
    assert lifecycle.step(on.MessageDone(is_last=True)) == (do.InvokeDisconnect(4000, "bye"),)


@settings(max_examples=200)
@given(st.lists(st.sampled_from(["say", "say", "done", "post", "stop", "end"]), max_size=30))
def test_in_order_each_message_is_handled_or_given_up_and_the_end_comes_last(happens: list[str]) -> None:
    """Whatever comes in between, and whenever the client goes and the node stops."""
    lifecycle, seen, stops = in_order(), list[do.Command](), False
    said = 0
    for what in [*happens, "end"]:
        stops |= what == "stop"
        if what == "say" and lifecycle.state is State.OPEN and not stops:  # who stops has closed everybody
            seen += lifecycle.step(on.MessageArrived(str(said), 10))
            said += 1
        elif what == "done" and lifecycle._line is not None:
            seen += lifecycle.step(on.MessageDone(stops))
        elif what == "post":
            lifecycle.step(on.Posted(b"p", 10))
        elif what == "end":
            seen += lifecycle.step(on.PeerClosed(4000, "bye"))
    while lifecycle._line is not None:
        seen += lifecycle.step(on.MessageDone(stops))
    handled = [each.content for each in seen if isinstance(each, do.InvokeMessage)]
    given_up = sum(each.count for each in seen if isinstance(each, do.GiveUp))
    assert handled == [str(number) for number in range(said - given_up)]
    assert stops or not given_up
    assert [each for each in seen if isinstance(each, do.InvokeDisconnect)] == [do.InvokeDisconnect(4000, "bye")]
    assert isinstance(seen[-1], do.InvokeDisconnect)
    assert lifecycle.in_line_bytes == 0


def test_nobody_is_idle_who_is_not_read() -> None:
    lifecycle = opened()
    lifecycle.step(on.MessageArrived("a", 500))
    assert lifecycle.step(on.HeldBack()) == ()
    assert lifecycle.step(on.DeadlineReached(1_500)) == (do.SetDeadline(10_000),), "two hours go on"
    assert lifecycle.step(on.ReadOn(3_000)) == (do.SetDeadline(4_000),)
    assert lifecycle.last_active_ms == 500, "what is told of it is not changed by that"
    assert lifecycle.step(on.DeadlineReached(3_900)) == (do.SetDeadline(4_000),)
    lifecycle.step(on.MessageArrived("b", 3_950))
    assert lifecycle.step(on.DeadlineReached(4_000)) == (do.SetDeadline(4_950),)
    assert lifecycle.step(on.DeadlineReached(4_950))[0] == do.SendClose(1001, "Going away")


def test_two_hours_end_also_for_who_is_not_read() -> None:
    lifecycle = opened()
    lifecycle.step(on.HeldBack())
    assert lifecycle.step(on.DeadlineReached(10_000))[0] == do.SendClose(1001, "Going away")
    assert lifecycle.step(on.ReadOn(10_001)) == ()


def test_idle_time_alone_begins_anew_with_reading() -> None:
    lifecycle = Lifecycle(Limits(idle_timeout_ms=1_000, connection_duration_ms=None))
    lifecycle.step(on.Begin(False, False, at_ms=0))
    lifecycle.step(on.Registered(at_ms=7))
    lifecycle.step(on.HeldBack())
    assert lifecycle.step(on.DeadlineReached(1_007)) == ()
    assert lifecycle.step(on.ReadOn(5_000)) == (do.SetDeadline(6_000),)


def test_where_nothing_ends_reading_on_sets_no_deadline() -> None:
    lifecycle = Lifecycle(Limits(idle_timeout_ms=None, connection_duration_ms=None))
    lifecycle.step(on.Begin(False, False, at_ms=0))
    lifecycle.step(on.Registered(at_ms=7))
    lifecycle.step(on.HeldBack())
    assert lifecycle.step(on.ReadOn(5_000)) == ()


@pytest.mark.parametrize("closes_first", [False, True])
def test_in_order_nothing_that_waits_is_invoked_once_fenced(closes_first: bool) -> None:
    lifecycle = in_order()
    lifecycle.step(on.MessageArrived("a", 10))
    lifecycle.step(on.MessageArrived("b", 11))
    if closes_first:
        lifecycle.step(on.CloseAsked(1000, "end", 12))
    lifecycle.step(on.Fenced(1012, "Service restart", REFUSAL, 13))
    assert lifecycle.step(on.MessageDone()) == ()


@pytest.mark.parametrize(
    ("idle_ms", "duration_ms", "due_ms"),
    [
        pytest.param(1_000, None, 1_007, id="idle alone"),
        pytest.param(None, 10_000, 10_000, id="duration alone"),
        pytest.param(None, None, None, id="for ever"),
    ],
)
def test_a_limit_that_is_lifted_sets_no_deadline(
    idle_ms: int | None, duration_ms: int | None, due_ms: int | None
) -> None:
    lifecycle = Lifecycle(Limits(idle_timeout_ms=idle_ms, connection_duration_ms=duration_ms))
    lifecycle.step(on.Begin(False, False, at_ms=0))
    deadlines = () if due_ms is None else (do.SetDeadline(due_ms),)
    assert lifecycle.step(on.Registered(at_ms=7)) == (do.AcceptUpgrade(None), *deadlines)
    if due_ms is None:
        assert lifecycle.step(on.DeadlineReached(10_000_000)) == ()
        assert lifecycle.state is State.OPEN
    else:
        assert lifecycle.step(on.DeadlineReached(due_ms))[0] == do.SendClose(1001, "Going away")


AT = st.integers(0, 20_000)
AFTER_BEGIN = st.one_of(
    st.builds(on.MessageArrived, st.just("m"), AT),
    st.builds(on.Reply, st.just(b"r"), AT),
    st.builds(on.Posted, st.just(b"p"), AT),
    st.builds(on.CloseAsked, st.just(1000), st.just(""), AT),
    st.builds(on.PeerClosed, st.sampled_from([None, 1000, 4000]), st.just("")),
    st.builds(on.PeerLost),
    st.builds(on.DeadlineReached, AT),
)
ANSWERS: dict[type, list[on.Input]] = {
    do.Authorize: [on.Authorized(None), on.HandshakeRefused(REFUSAL)],
    do.InvokeConnect: [on.ConnectAccepted(None, 5), on.HandshakeRefused(REFUSAL)],
    do.Register: [on.Registered(7), on.RegistrationFailed(AWAY)],
    do.InvokeDisconnect: [on.Disconnected()],
}


class Play:
    """One life: every call that is asked for is answered once, whenever; the shell reports one end of the peer."""

    def __init__(self) -> None:
        self.lifecycle = Lifecycle(LIMITS)
        self.seen: list[do.Command] = []
        self.pending: list[type] = []
        self.peer_ended = False
        self.handler_accepted = False

    def happen(self, happened: on.Input) -> None:
        if self.peer_ended and isinstance(happened, on.PeerClosed | on.PeerLost | on.MessageArrived):
            return
        self.handler_accepted |= isinstance(happened, on.ConnectAccepted)
        self.peer_ended |= isinstance(happened, on.PeerClosed | on.PeerLost)
        commands = self.lifecycle.step(happened)
        self.seen += commands
        self.pending += [type(command) for command in commands if type(command) in ANSWERS]


@pytest.mark.parity("P-207", "P-420", "P-435")
@settings(max_examples=300)
@given(st.data(), st.booleans(), st.booleans())
def test_invariants_whatever_the_order(data: st.DataObject, authorizes: bool, connects: bool) -> None:
    play = Play()
    play.happen(on.Begin(authorizes, connects, 0))
    for _ in range(data.draw(st.integers(3, 20))):
        answers: bool = data.draw(st.booleans())
        if play.pending and answers:
            asked = play.pending.pop(data.draw(st.integers(0, len(play.pending) - 1)))
            play.happen(data.draw(st.sampled_from(ANSWERS[asked])))
        else:
            play.happen(data.draw(AFTER_BEGIN))
    while play.pending:
        play.happen(ANSWERS[play.pending.pop(0)][0])
    check(play.seen, play.lifecycle, play.handler_accepted)


def check(seen: list[do.Command], lifecycle: Lifecycle, handler_accepted: bool) -> None:
    kinds = [type(command) for command in seen]
    assert kinds.count(do.InvokeDisconnect) <= 1
    assert kinds.count(do.AcceptUpgrade) + kinds.count(do.RefuseUpgrade) <= 1
    assert kinds.count(do.Unregister) <= 1
    accepted = do.AcceptUpgrade in kinds
    if lifecycle.state is State.OPEN:
        assert accepted and do.SetDeadline in kinds and do.InvokeDisconnect not in kinds
    else:
        assert (do.InvokeDisconnect in kinds) == (accepted or handler_accepted)
        if do.Register in kinds:
            assert do.Unregister in kinds, "a record stays for ever"
    if do.InvokeDisconnect in kinds or do.Abort in kinds or do.SendClose in kinds:
        end = min(kinds.index(kind) for kind in (do.InvokeDisconnect, do.Abort, do.SendClose) if kind in kinds)
        assert not {do.SendText, do.InvokeMessage, do.AcceptUpgrade} & set(kinds[end + 1 :])
    if lifecycle.state is State.CLOSING:
        assert isinstance(next(c for c in reversed(seen) if isinstance(c, do.SetDeadline)), do.SetDeadline)


FENCED = on.Fenced(1012, "Service restart", AWAY, at_ms=20)


def test_a_fenced_connection_is_closed_and_nobody_is_called() -> None:
    lifecycle = opened()
    closing = (do.SendClose(1012, "Service restart"), do.SetDeadline(70), do.ReportClosed(1012, "Service restart"))
    assert lifecycle.step(FENCED) == closing
    assert lifecycle.step(FENCED) == ()
    assert lifecycle.step(on.MessageArrived("late", 21)) == ()
    assert lifecycle.step(on.Reply(b"late", 21)) == ()
    assert lifecycle.step(on.PeerClosed(1012, "")) == (do.Forget(),)


def test_a_fenced_client_that_does_not_answer_is_dropped() -> None:
    lifecycle = opened()
    lifecycle.step(FENCED)
    assert lifecycle.step(on.DeadlineReached(70)) == (do.Forget(), do.Abort())


def test_a_connection_that_was_closing_when_fenced_goes_its_way() -> None:
    lifecycle = opened()
    lifecycle.step(on.CloseAsked(1000, "", 10))
    assert lifecycle.step(FENCED) == ()
    assert lifecycle.step(on.Disconnected()) == (do.Unregister(),), "its $disconnect was called: its record may go"


def test_a_held_handshake_is_refused_when_fenced_and_its_record_stays() -> None:
    lifecycle = begun()
    assert lifecycle.step(FENCED) == (do.RefuseUpgrade(AWAY),)
    assert lifecycle.step(FENCED) == ()
    assert lifecycle.step(on.Registered(21)) == ()
    assert lifecycle.step(on.ConnectAccepted(None, 22)) == (do.Forget(),), "its handler believes in it: it is owed"


def test_a_handler_that_refuses_after_the_fence_leaves_no_record() -> None:
    lifecycle = begun()
    lifecycle.step(FENCED)
    assert lifecycle.step(on.HandshakeRefused(REFUSAL)) == ()
    assert lifecycle.step(on.Registered(21)) == (do.Forget(), do.Unregister())


def test_gates_that_open_after_the_fence_lead_nowhere() -> None:
    lifecycle = begun(authorizes=True)
    assert lifecycle.step(FENCED) == (do.RefuseUpgrade(AWAY),)
    assert lifecycle.step(on.Authorized(None)) == (do.Forget(),)


@settings(max_examples=300)
@given(st.data(), st.booleans(), st.booleans())
def test_after_a_fence_nothing_is_invoked_and_what_is_owed_stays_recorded(
    data: st.DataObject, authorizes: bool, connects: bool
) -> None:
    play = Play()
    play.happen(on.Begin(authorizes, connects, 0))
    fence_after = data.draw(st.integers(0, 12))
    fenced_at = 0
    for turn in range(data.draw(st.integers(fence_after + 1, 20))):
        answers: bool = data.draw(st.booleans())
        if turn == fence_after:
            fenced_at = len(play.seen)
            play.happen(FENCED)
        elif play.pending and answers:
            asked = play.pending.pop(data.draw(st.integers(0, len(play.pending) - 1)))
            play.happen(data.draw(st.sampled_from(ANSWERS[asked])))
        else:
            play.happen(data.draw(AFTER_BEGIN))
    while play.pending:
        play.happen(ANSWERS[play.pending.pop(0)][0])
    kinds = [type(command) for command in play.seen]
    after = set(kinds[fenced_at:])
    assert not after & {do.InvokeConnect, do.InvokeMessage, do.InvokeDisconnect, do.SendText, do.AcceptUpgrade}
    assert kinds.count(do.AcceptUpgrade) + kinds.count(do.RefuseUpgrade) <= 1
    if do.AcceptUpgrade in kinds:
        assert (do.Unregister in kinds) == (do.InvokeDisconnect in kinds), "what is owed stays, what is paid goes"
    assert play.lifecycle.state in (State.CLOSING, State.CLOSED)
