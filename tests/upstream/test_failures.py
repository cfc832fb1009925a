from __future__ import annotations

from aiohttp import ClientOSError, ClientPayloadError, ServerDisconnectedError

from gateway.upstream.failures import MAX_CHARS, Lost, reason


def test_the_cause_of_a_loss_speaks() -> None:
    lost = Lost()
    lost.__cause__ = ServerDisconnectedError()
    assert reason(lost) == "it closed the connection without an answer"


def test_others_speak_for_themselves_in_one_short_line() -> None:
    assert reason(ClientPayloadError("x\ny")) == "its answer broke off"
    assert (
        reason(ClientOSError(None, "Can not write request body for http://host/?secret=1"))
        == "the connection broke off"
    )
    assert reason(ValueError("a\n  b")) == "a b"
    assert reason(OSError()) == "OSError"
    assert len(reason(ValueError("x" * 1_000))) == MAX_CHARS + 1
