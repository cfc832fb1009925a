"""Asynchronous invocations: retried as on Lambda, bounded, and none is lost unsaid."""

from __future__ import annotations

from gateway.lambda_api.event_queue import MAX_CONCURRENT_EVENTS, MAX_EVENT_BYTES, MAX_EVENTS, EventQueue, Retries
from gateway.model.ids import FunctionName
from gateway.model.invocation import FunctionError, Returned, Throttled, TimedOut, Unavailable
from gateway.ports import FunctionCall
from lambda_doubles import DEADLINE_S, Outcome, RecordingReporter, ScriptedFunctions

AT_ONCE = Retries(error_delays_s=(0, 0), busy_delay_s=0, max_busy_delay_s=0)
ERROR = FunctionError(b'{"errorType":"E","errorMessage":"no"}')
OK = Returned(b"null")


def call(name: str = "f", payload: bytes = b"{}") -> FunctionCall:
    return FunctionCall(FunctionName(name), payload, 900_000, "Root=1-a-b")


async def run(functions: ScriptedFunctions, reporter: RecordingReporter, retries: Retries = AT_ONCE) -> None:
    queue = EventQueue(functions, reporter, retries)
    assert queue.accept(call())
    await queue.close(DEADLINE_S)
    assert len(queue) == 0


async def test_an_event_that_succeeds_runs_once() -> None:
    functions, reporter = ScriptedFunctions(f=OK), RecordingReporter()
    await run(functions, reporter)
    assert functions.calls == [call()]
    assert reporter.lines == []


async def test_an_error_is_tried_twice_more() -> None:
    functions, reporter = ScriptedFunctions(f=[ERROR, ERROR, OK]), RecordingReporter()
    await run(functions, reporter)
    assert len(functions.calls) == 3
    assert reporter.lines == []


async def test_after_the_third_error_it_is_given_up_and_said() -> None:
    functions, reporter = ScriptedFunctions(f=ERROR), RecordingReporter()
    await run(functions, reporter)
    assert len(functions.calls) == 3
    [line] = reporter.lines
    assert line.startswith("warned an asynchronous invocation of f failed 3 times: ")
    assert '"errorMessage":"no"' in line


async def test_waiting_for_concurrency_counts_as_no_attempt() -> None:
    busy: list[Outcome] = [Throttled(), Unavailable("later"), TimedOut(), Throttled()]
    functions, reporter = ScriptedFunctions(f=[*busy, ERROR, *busy, ERROR, OK]), RecordingReporter()
    await run(functions, reporter)
    assert len(functions.calls) == 11
    assert reporter.lines == []


async def test_an_event_that_is_too_old_is_given_up_and_said() -> None:
    functions, reporter = ScriptedFunctions(f=Throttled()), RecordingReporter()
    await run(functions, reporter, Retries(busy_delay_s=1, max_age_s=0))
    assert len(functions.calls) == 1
    assert reporter.lines == [
        "warned an asynchronous invocation of f found no way to run before it was too old (Throttled)"
    ]


def test_the_delays_are_seconds() -> None:
    retries = Retries()
    assert retries.error_delays_s == (1.0, 2.0)
    assert (retries.busy_delay_s, retries.max_busy_delay_s, retries.max_age_s) == (1.0, 30.0, 21_600)


async def test_one_function_takes_no_more_than_its_share() -> None:
    functions, reporter = ScriptedFunctions(slow=OK, quick=OK), RecordingReporter()
    functions.gate.clear()
    queue = EventQueue(functions, reporter, AT_ONCE)
    for _ in range(3 * MAX_CONCURRENT_EVENTS):
        assert queue.accept(call("slow"))
    assert queue.accept(call("quick"))
    await functions.until(
        lambda: functions.running["quick"] == 1 and functions.running["slow"] == MAX_CONCURRENT_EVENTS
    )
    functions.gate.set()
    await queue.close(DEADLINE_S)
    assert functions.most_running["slow"] == MAX_CONCURRENT_EVENTS
    assert len(functions.calls) == 3 * MAX_CONCURRENT_EVENTS + 1


async def test_the_queue_is_bounded_in_bytes_and_takes_again_when_done() -> None:
    functions, reporter = ScriptedFunctions(f=OK), RecordingReporter()
    functions.gate.clear()
    queue = EventQueue(functions, reporter, AT_ONCE)
    half = b"x" * (MAX_EVENT_BYTES // 2)
    assert queue.accept(call(payload=half))
    assert queue.accept(call(payload=half))
    assert not queue.accept(call(payload=b"x"))
    functions.gate.set()
    await queue.close(DEADLINE_S)
    assert queue.accept(call(payload=half))
    await queue.close(DEADLINE_S)
    assert len(functions.calls) == 3
    assert reporter.lines == []


async def test_the_queue_is_bounded_in_number() -> None:
    functions, reporter = ScriptedFunctions(f=OK), RecordingReporter()
    functions.gate.clear()
    queue = EventQueue(functions, reporter, AT_ONCE)
    taken = sum(queue.accept(call()) for _ in range(MAX_EVENTS + 5))
    assert taken == MAX_EVENTS
    await queue.close(0)
    assert reporter.lines == [
        f"warned {MAX_EVENTS} asynchronous invocations were still waiting or running and are lost"
    ]
    assert len(queue) == 0


async def test_close_lets_what_runs_finish() -> None:
    functions, reporter = ScriptedFunctions(f=OK), RecordingReporter()
    queue = EventQueue(functions, reporter, AT_ONCE)
    queue.accept(call())
    await queue.close(DEADLINE_S)
    assert len(functions.calls) == 1
    assert reporter.lines == []
