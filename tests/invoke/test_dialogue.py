"""Whose turn it is, without any transport; what a refusal looks like on the wire is test_runtime_api's."""

from __future__ import annotations

from http import HTTPStatus

from gateway.invoke.dialogue import Dialogue, Refusal, RuntimeEvent
from runtime_owner import EVENT, Owner


class Asker:
    """A client that keeps what it is given."""

    def __init__(self) -> None:
        self.is_open = True
        self.given: list[RuntimeEvent] = []

    def give(self, event: RuntimeEvent) -> None:
        self.given.append(event)


def asking(*events: RuntimeEvent) -> tuple[Owner, Dialogue, Asker]:
    owner, client = Owner(), Asker()
    owner.events += events
    assert owner.dialogue.next(client) is None
    return owner, owner.dialogue, client


def not_allowed(state: str, wanted: str) -> Refusal:
    text = f"State transition from {state} to {wanted} failed for runtime. Error: State transition is not allowed"
    return Refusal(HTTPStatus.FORBIDDEN, "InvalidStateTransition", text)


def test_an_event_is_given_when_asked_for_and_answered_once() -> None:
    owner, dialogue, client = asking(EVENT)
    assert client.given == [EVENT]
    assert dialogue.may_answer("id-1", "InvocationResponse") is None
    dialogue.respond(b"1")
    refusal = dialogue.may_answer("id-1", "InvocationResponse")
    assert refusal == not_allowed("RuntimeResponseSentState", "InvocationResponse")
    assert owner.heard == [("polled",), ("responded", b"1")]


def test_an_event_may_come_later() -> None:
    _, dialogue, client = asking()
    assert client.given == []
    dialogue.offer(EVENT)
    assert client.given == [EVENT]


def test_only_the_id_of_the_event_may_answer() -> None:
    _, dialogue, _ = asking(EVENT)
    assert dialogue.may_answer("id-2", "x") == Refusal(HTTPStatus.BAD_REQUEST, "InvalidRequestID", "Invalid request ID")


def test_a_second_client_is_refused_while_the_first_is_there() -> None:
    owner, dialogue, first = asking()
    second = Asker()
    assert dialogue.next(second) == not_allowed("Ready", "Ready")
    dialogue.offer(EVENT)
    assert dialogue.next(second) == not_allowed("Running", "Ready")
    assert owner.heard == [("polled",), ("intruded",), ("intruded",)]
    first.is_open = False
    assert dialogue.next(second) is None
    assert second.given == [EVENT]  # not answered yet, so it is given again


def test_who_asks_and_goes_is_told_once_of_and_not_after_the_end() -> None:
    owner, dialogue, client = asking()
    dialogue.lose(Asker())
    dialogue.lose(client)
    dialogue.lose(client)
    assert owner.heard == [("polled",), ("poll_lost",)]
    assert dialogue.next(client) is None
    dialogue.close()
    dialogue.lose(client)
    assert owner.heard[2:] == [("polled",)]


def test_initialisation_fails_only_before_the_first_event() -> None:
    owner = Owner()
    assert owner.dialogue.may_fail_init() is None
    owner.dialogue.fail_init("Boom", b"{}")
    assert owner.dialogue.may_fail_init() == not_allowed("InitError", "InitError")
    assert owner.heard == [("init_failed", "Boom", b"{}")]


def test_the_other_ends_of_an_event() -> None:
    owner, dialogue, _ = asking(EVENT, EVENT)
    dialogue.fail("Boom", b"{}")
    assert dialogue.may_answer("id-1", "x") is not None
    assert dialogue.next(Asker()) is None  # whoever held it has no say any more
    dialogue.respond_too_large(7)
    assert dialogue.may_answer("id-1", "x") is not None
    assert owner.heard == [("polled",), ("failed", "Boom", b"{}"), ("polled",), ("too_large", 7)]
