from __future__ import annotations

import json
import signal

import pytest

from gateway.invoke import faults
from gateway.ports import Exit


@pytest.mark.parametrize(
    ("fault", "error_type", "message"),
    [
        (faults.timed_out(3), "Sandbox.Timedout", "RequestId: id Error: Task timed out after 3.00 seconds"),
        (faults.exited(Exit(0)), "Runtime.ExitError", "RequestId: id Error: Runtime exited without providing a reason"),
        (
            faults.exited(Exit(1)),
            "Runtime.ExitError",
            "RequestId: id Error: Runtime exited with error: exit status 1",
        ),
        (
            faults.exited(Exit(-signal.SIGKILL)),
            "Runtime.ExitError",
            "RequestId: id Error: Runtime exited with error: signal: killed",
        ),
        (
            faults.exited(Exit(-signal.SIGSEGV)),
            "Runtime.ExitError",
            "RequestId: id Error: Runtime exited with error: signal: segmentation fault",
        ),
        (
            faults.exited(Exit(None, "lost")),
            "Runtime.ExitError",
            "RequestId: id Error: Runtime exited with error: lost",
        ),
        (faults.not_launched("no zip"), "Runtime.InvalidEntrypoint", "RequestId: id Error: no zip"),
        (faults.reported("Boom", b""), "Boom", "RequestId: id Error: Boom"),
        (
            faults.ResponseTooLarge(7_000_000),
            "Function.ResponseSizeTooLarge",
            "Response payload size (7000000 bytes) exceeded maximum allowed payload size (6291556 bytes).",
        ),
    ],
)
def test_documents(fault: faults.Fault | faults.ResponseTooLarge, error_type: str, message: str) -> None:
    assert json.loads(fault.payload("id")) == {"errorType": error_type, "errorMessage": message}
    assert fault.why in message


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"errorType":"ValueError","errorMessage":"a\\n  b"}', "ValueError: a b"),
        (b'{"errorMessage":"only"}', "only"),
        (b'{"other":1}', "Boom"),
        (b"plain\ntext", "plain text"),
        (b'["a"]', "['a']"),
        (b"\xff", "\ufffd"),
        (b"x" * 1000, "x" * 500),
    ],
)
def test_what_the_runtime_reported_is_handed_on_and_summed_up(body: bytes, why: str) -> None:
    fault = faults.reported("Boom", body)
    assert fault.payload("id") == body
    assert fault.why == why


def test_a_report_without_anything() -> None:
    assert json.loads(faults.reported("", b"").payload("id"))["errorType"] == "Runtime.Unknown"


def test_that_it_was_the_memory_is_for_the_person_only() -> None:
    fault = faults.exited(Exit(-signal.SIGKILL, held_bytes=140 << 20))
    assert fault.why == "Runtime exited with error: signal: killed (it held 140 MB, more than its MemorySize)"
    assert b"140" not in fault.payload("id")
