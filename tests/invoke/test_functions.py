"""Functions, pools and workers against scripted processes that speak the real Runtime API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from gateway.invoke.dialogue import MAX_RESPONSE_BYTES
from gateway.invoke.functions import LocalFunctions
from gateway.invoke.launch import LaunchError
from gateway.invoke.surroundings import PoolLimits, Surroundings
from gateway.model.function import Function
from gateway.model.invocation import (
    FunctionError,
    FunctionResult,
    Returned,
    Throttled,
    TimedOut,
    Unavailable,
)
from runtime_double import (
    DEADLINE_S,
    NAME,
    FixedLaunches,
    Program,
    RandomIds,
    RecordingLog,
    ScriptedProcess,
    ScriptedProcesses,
    Signal,
    SystemClock,
    call,
    connected,
    echo,
    function,
)

CALM = PoolLimits(max_processes=3, max_starting=3, grow_after_s=DEADLINE_S, first_backoff_s=0.0, leave_s=0.05)
GROWING = replace(CALM, grow_after_s=0.0)


class Fleet:
    """Functions over scripted processes, and everything a test looks at."""

    def __init__(self, program: Program, limits: PoolLimits) -> None:
        self.processes = ScriptedProcesses(program)
        self.launches = FixedLaunches()
        self.log = RecordingLog()
        around = Surroundings(self.launches, self.processes, self.log, SystemClock(), RandomIds(), limits)
        self.functions = LocalFunctions(around)

    async def serve(self, *functions: Function) -> None:
        await self.functions.replace({one.function_name: one for one in functions})

    async def invoke(self, payload: bytes = b"{}", wait_ms: int = int(DEADLINE_S * 1000)) -> FunctionResult:
        return await self.functions.invoke(call(payload, wait_ms=wait_ms))

    def begin(self, payload: bytes = b"{}", wait_ms: int = int(DEADLINE_S * 1000)) -> asyncio.Task[FunctionResult]:
        return asyncio.create_task(self.invoke(payload, wait_ms))


Make = Callable[..., Awaitable[Fleet]]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    fleets: list[Fleet] = []

    async def make_fleet(program: Program = echo, limits: PoolLimits = CALM, **definition: object) -> Fleet:
        fleet = Fleet(program, limits)
        fleets.append(fleet)
        await fleet.serve(replace(function(), **definition))  # type: ignore[arg-type]
        return fleet

    async with asyncio.timeout(DEADLINE_S):
        yield make_fleet
        for fleet in fleets:
            await fleet.functions.close()
            assert fleet.processes.running == []


class Handler:
    """A program whose events wait until the test lets them go on."""

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.changed = Signal()
        self._go = asyncio.Semaphore(0)

    async def __call__(self, process: ScriptedProcess) -> int:
        async with connected(process.address) as api:
            while True:
                event = await api.next()
                self.events.append(event.body)
                self.changed.tell()
                await self._go.acquire()
                await api.respond(event, event.body)

    async def busy(self, count: int) -> None:
        await self.changed.until(lambda: len(self.events) >= count)

    def go(self, count: int = 1) -> None:
        for _ in range(count):
            self._go.release()


def error_of(result: FunctionResult) -> tuple[str, str]:
    assert isinstance(result, FunctionError)
    document = json.loads(result.payload)
    return document["errorType"], document["errorMessage"].partition(" Error: ")[2]


# Calls and processes


async def test_a_process_is_started_once_and_kept(make: Make) -> None:
    fleet = await make()
    for payload in (b'"a"', b'"b"', b"not json"):
        assert await fleet.invoke(payload) == Returned(payload)
    assert len(fleet.processes.started) == 1
    assert fleet.log.failures == []


async def test_what_the_runtime_is_told(make: Make) -> None:
    async def tell(process: ScriptedProcess) -> int:
        async with connected(process.address) as api:
            while True:
                event = await api.next()
                await api.respond(event, json.dumps(dict(event.headers)).encode())

    fleet = await make(tell, aliases=("live",))
    result = await fleet.functions.invoke(call(qualifier="live", client_context='{"custom":{}}'))
    assert isinstance(result, Returned)
    headers = json.loads(result.payload)
    assert headers["lambda-runtime-invoked-function-arn"].endswith(":function:chat:live")
    assert headers["lambda-runtime-client-context"] == '{"custom": {}}'
    left_ms = int(headers["lambda-runtime-deadline-ms"]) - SystemClock().now().wall_ms
    assert 0 < left_ms <= 10_000
    assert fleet.processes.started[0].env["_HANDLER"] == "app.handler"


async def test_processes_grow_with_load_up_to_the_limit(make: Make) -> None:
    handler = Handler()
    fleet = await make(handler, GROWING)
    calls = [fleet.begin(b"%d" % number) for number in range(5)]
    await handler.busy(3)
    assert len(fleet.processes.started) == 3
    handler.go(5)
    assert [await one for one in calls] == [Returned(b"%d" % number) for number in range(5)]
    assert len(fleet.processes.started) == 3


async def test_short_calls_wait_for_the_warm_process(make: Make) -> None:
    fleet = await make()
    await fleet.invoke()
    results = await asyncio.gather(*(fleet.invoke(b"%d" % number) for number in range(20)))
    assert results == [Returned(b"%d" % number) for number in range(20)]
    assert len(fleet.processes.started) == 1


async def test_reserved_concurrency_throttles(make: Make) -> None:
    handler = Handler()
    fleet = await make(handler, reserved_concurrency=1)
    first = fleet.begin()
    await handler.busy(1)
    assert await fleet.invoke() == Throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
    handler.go()
    assert isinstance(await first, Returned)
    handler.go()
    assert isinstance(await fleet.invoke(), Returned)


async def test_no_concurrency_at_all(make: Make) -> None:
    fleet = await make(reserved_concurrency=0)
    assert isinstance(await fleet.invoke(), Throttled)
    assert fleet.processes.started == []


async def test_a_full_queue_throttles(make: Make) -> None:
    handler = Handler()
    fleet = await make(handler, replace(CALM, max_waiting=1))
    calls = [fleet.begin()]
    await handler.busy(1)
    calls.append(fleet.begin())
    await asyncio.sleep(0)
    assert await fleet.invoke() == Throttled("ConcurrentInvocationLimitExceeded")
    handler.go(2)
    assert await asyncio.gather(*calls) == [Returned(b"{}")] * 2


@pytest.mark.parity("P-191")
async def test_the_caller_stops_waiting_while_the_function_runs_on(make: Make) -> None:
    handler = Handler()
    fleet = await make(handler)
    assert await fleet.invoke(b"1", wait_ms=50) == TimedOut()
    assert await fleet.invoke(b"2", wait_ms=1) == TimedOut()  # was still in the queue: never runs
    await handler.busy(1)
    handler.go(2)
    assert await fleet.invoke(b"3") == Returned(b"3")
    assert handler.events == [b"1", b"3"]
    assert len(fleet.processes.started) == 1
    assert fleet.log.failures == []


async def test_a_cancelled_caller_leaves_the_queue(make: Make) -> None:
    handler = Handler()
    fleet = await make(handler)
    first, second = fleet.begin(b"1"), fleet.begin(b"2")
    await handler.busy(1)
    second.cancel()
    await asyncio.wait([second])
    handler.go(2)
    assert await first == Returned(b"1")
    assert await fleet.invoke(b"3") == Returned(b"3")
    assert handler.events == [b"1", b"3"]


# Failures, one per stage of a process's life


async def test_the_functions_own_error_is_handed_on(make: Make) -> None:
    async def fail(process: ScriptedProcess) -> int:
        async with connected(process.address) as api:
            while True:
                await api.fail(await api.next(), b'{"errorType":"KeyError","errorMessage":"\'name\'"}')

    fleet = await make(fail)
    expected = FunctionError(b'{"errorType":"KeyError","errorMessage":"\'name\'"}')
    assert [await fleet.invoke(), await fleet.invoke()] == [expected] * 2
    assert fleet.log.reasons == ["KeyError: 'name'"] * 2
    assert len(fleet.processes.started) == 1


async def test_a_timeout_kills_and_replaces_the_process(make: Make) -> None:
    handler = Handler()
    fleet = await make(handler, timeout_s=0.05)
    result = await fleet.invoke()
    assert error_of(result) == ("Sandbox.Timedout", "Task timed out after 0.05 seconds")
    (request_id, why) = fleet.log.failures[0]
    assert why == "Task timed out after 0.05 seconds"
    assert f"RequestId: {request_id} " in json.loads(result.payload)["errorMessage"]  # type: ignore[union-attr]
    handler.go()
    assert await fleet.invoke() == Returned(b"{}")
    assert len(fleet.processes.started) == 2
    assert (await fleet.processes.started[0].wait()).returncode == -9


async def test_a_runtime_that_answers_and_hangs_is_replaced(make: Make) -> None:
    async def hang(process: ScriptedProcess) -> int:
        async with connected(process.address) as api:
            event = await api.next()
            await api.respond(event, b"1")
            await asyncio.Event().wait()
            return 0

    fleet = await make(hang, timeout_s=0.05)
    assert await fleet.invoke() == Returned(b"1")
    assert await fleet.invoke() == Returned(b"1")
    assert fleet.log.failures == [("", "Task timed out after 0.05 seconds, after it had answered")]


@pytest.mark.parity("P-255")
async def test_a_response_over_the_limit(make: Make) -> None:
    async def shout(process: ScriptedProcess) -> int:
        async with connected(process.address) as api:
            answer = await api.respond(await api.next(), b"x" * (MAX_RESPONSE_BYTES + 1))
            return 0 if answer.status == 413 else 1

    fleet = await make(shout)
    result = await fleet.invoke()
    text = "Response payload size (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes)."
    assert isinstance(result, FunctionError)
    assert json.loads(result.payload) == {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": text}
    assert fleet.log.reasons == [text]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, "Runtime exited without providing a reason"),
        (1, "Runtime exited with error: exit status 1"),
        (-11, "Runtime exited with error: signal: segmentation fault"),
    ],
)
@pytest.mark.parametrize("stage", ["before it asks", "with an event"])
async def test_a_process_that_ends(make: Make, stage: str, code: int, text: str) -> None:
    dying = True

    async def die(process: ScriptedProcess) -> int:
        if not dying:
            return await echo(process)
        async with connected(process.address) as api:
            if stage == "with an event":
                await api.next()
            return code

    fleet = await make(die)
    assert error_of(await fleet.invoke()) == ("Runtime.ExitError", text)
    assert fleet.log.reasons == [text]
    dying = False
    assert await fleet.invoke(b"1") == Returned(b"1")


async def test_a_process_that_ends_between_two_requests(make: Make) -> None:
    fleet = await make()
    await fleet.invoke()
    fleet.processes.started[0].kill()
    await fleet.log.changed.until(lambda: bool(fleet.log.failures))
    assert fleet.log.failures == [("", "Runtime exited with error: signal: killed, between two requests")]
    assert await fleet.invoke(b"1") == Returned(b"1")
    assert len(fleet.processes.started) == 2


async def test_a_runtime_that_hangs_up_and_asks_again(make: Make) -> None:
    hung_up = asyncio.Event()

    async def reconnect(process: ScriptedProcess) -> int:
        async with connected(process.address) as api:
            await api.respond(await api.next(), b"1")
            await api.send("GET", "invocation/next")
        hung_up.set()
        return await echo(process)

    fleet = await make(reconnect)
    assert await fleet.invoke(b"1") == Returned(b"1")
    await hung_up.wait()
    assert await fleet.invoke(b"2") == Returned(b"2")


async def test_a_runtime_that_stops_asking_is_replaced(make: Make) -> None:
    async def leave(process: ScriptedProcess) -> int:
        async with connected(process.address) as api:
            await api.respond(await api.next(), b"1")
            await api.send("GET", "invocation/next")
        await asyncio.Event().wait()
        return 0

    fleet = await make(leave)
    assert await fleet.invoke() == Returned(b"1")
    await fleet.log.changed.until(lambda: bool(fleet.log.failures))
    assert fleet.log.reasons == ["Runtime stopped asking for events"]
    assert await fleet.invoke() == Returned(b"1")


# Initialisation


async def test_an_init_error_is_every_waiting_callers(make: Make) -> None:
    healthy = False

    async def init(process: ScriptedProcess) -> int:
        if healthy:
            return await echo(process)
        async with connected(process.address) as api:
            await api.post("init/error", b'{"errorType":"ImportError","errorMessage":"x"}')
            return 1

    fleet = await make(init)
    results = await asyncio.gather(*(fleet.invoke() for _ in range(4)))
    assert results == [FunctionError(b'{"errorType":"ImportError","errorMessage":"x"}', never_ran=True)] * 4
    assert fleet.log.reasons == ["ImportError: x"] * 4
    healthy = True
    assert await fleet.invoke(b"1") == Returned(b"1")


async def test_a_runtime_that_stays_after_its_init_error_is_killed(make: Make) -> None:
    async def stay(process: ScriptedProcess) -> int:
        async with connected(process.address) as api:
            await api.post("init/error", b"{}", {"Lambda-Runtime-Function-Error-Type": "Runtime.X"})
            await api.next()
            return 0

    fleet = await make(stay)
    assert isinstance(await fleet.invoke(), FunctionError)
    assert (await fleet.processes.started[0].wait()).returncode == -9


async def test_failing_starts_are_spaced(make: Make) -> None:
    async def die(process: ScriptedProcess) -> int:
        return 1

    fleet = await make(die, replace(CALM, first_backoff_s=DEADLINE_S * 2, max_backoff_s=DEADLINE_S * 2))
    assert isinstance(await fleet.invoke(), FunctionError)
    assert await fleet.invoke(wait_ms=30) == TimedOut()
    assert len(fleet.processes.started) == 1
    fleet.launches.fingerprints[NAME] = "repaired"
    fleet.processes.program = echo
    await fleet.serve(function())
    assert await fleet.invoke(b"1") == Returned(b"1")


async def test_slow_initialisation_is_tried_again_within_the_functions_time(make: Make) -> None:
    async def slow(process: ScriptedProcess) -> int:
        if process.pid == 1:
            await asyncio.Event().wait()
        return await echo(process)

    fleet = await make(slow, replace(CALM, init_timeout_s=0.02))
    assert await fleet.invoke(b"1") == Returned(b"1")
    assert fleet.log.reasons == ["Initialization timed out after 0.02 seconds"]
    assert len(fleet.processes.started) == 2


async def test_initialisation_that_is_too_slow_twice_times_out(make: Make) -> None:
    async def stuck(process: ScriptedProcess) -> int:
        await asyncio.Event().wait()
        return 0

    fleet = await make(stuck, replace(CALM, init_timeout_s=0.02), timeout_s=0.05)
    assert error_of(await fleet.invoke()) == ("Sandbox.Timedout", "Task timed out after 0.05 seconds")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (LaunchError("no such folder: src", "check CodeUri"), "no such folder: src; check CodeUri"),
        (LaunchError("no such folder: src"), "no such folder: src"),
        (ZeroDivisionError("surprise"), "ZeroDivisionError: surprise"),
    ],
)
async def test_code_that_cannot_be_made_ready(make: Make, error: Exception, text: str) -> None:
    fleet = await make()
    fleet.launches.error = error
    assert error_of(await fleet.invoke()) == ("Runtime.InvalidEntrypoint", text)
    assert fleet.log.reasons == [text]
    fleet.launches.error = None
    assert await fleet.invoke(b"1") == Returned(b"1")


async def test_a_program_that_cannot_be_started(make: Make) -> None:
    fleet = await make()
    fleet.processes.refusal = OSError(2, "No such file or directory: /usr/bin/node99")
    kind, text = error_of(await fleet.invoke())
    assert kind == "Runtime.InvalidEntrypoint" and "node99" in text
    fleet.processes.refusal = None
    assert await fleet.invoke(b"1") == Returned(b"1")


async def test_one_broken_start_fails_one_call_while_others_work(make: Make) -> None:
    handler = Handler()
    broken = asyncio.Event()

    async def second_breaks(process: ScriptedProcess) -> int:
        if process.pid == 2:
            await broken.wait()
            return 1
        return await handler(process)

    fleet = await make(second_breaks, replace(GROWING, max_processes=2))
    calls = [fleet.begin(b"%d" % number) for number in range(3)]
    await handler.busy(1)
    await fleet.processes.starting.until(lambda: len(fleet.processes.started) >= 2)
    broken.set()
    await fleet.log.changed.until(lambda: bool(fleet.log.failures))
    handler.go(3)
    results = await asyncio.gather(*calls)
    assert [type(result) for result in results].count(FunctionError) == 1
    assert [type(result) for result in results].count(Returned) == 2


# Log lines


async def test_lines_carry_the_tag_of_the_request(make: Make) -> None:
    async def talk(process: ScriptedProcess) -> int:
        process.output("stdout", "init")
        async with connected(process.address) as api:
            for number in range(2):
                event = await api.next()
                process.output("stdout", f"working {number}")
                process.output("stderr", "[ERROR] KeyError\rTraceback:\r\u00a0\u00a0File")
                await api.respond(event, b"{}")
                process.output("stdout", "after")
            await api.next()
            return 0

    fleet = await make(talk)
    await fleet.functions.invoke(call(tag="first"))
    await fleet.log.changed.until(lambda: len(fleet.log.lines) == 6)
    await fleet.functions.invoke(call())
    request_id = fleet.log.lines[-1][0]
    assert fleet.log.lines[:6] == [
        (None, "stdout", "init"),
        ("first", "stdout", "working 0"),
        ("first", "stderr", "[ERROR] KeyError"),
        ("first", "stderr", "Traceback:"),
        ("first", "stderr", "  File"),
        ("first", "stdout", "after"),
    ]
    assert fleet.log.lines[6] == (request_id, "stdout", "working 1")
    assert request_id is not None and len(request_id) == 36
    assert fleet.processes.started[0].drained >= 4


async def test_a_second_client_is_told_of(make: Make) -> None:
    handler = Handler()
    fleet = await make(handler)
    one = fleet.begin(b"1")
    await handler.busy(1)
    async with connected(fleet.processes.started[0].address) as intruder:
        assert (await intruder.next()).status == 403
    assert "was refused" in fleet.log.lines[0][2]
    handler.go()
    assert await one == Returned(b"1")


# Definitions


async def test_functions_and_qualifiers(make: Make) -> None:
    fleet = await make(aliases=("live",), versions=("1",))
    for qualifier in (None, "$LATEST", "live", "1"):
        assert fleet.functions.knows(NAME, qualifier)
        assert isinstance(await fleet.functions.invoke(call(qualifier=qualifier)), Returned)
    assert not fleet.functions.knows(NAME, "2")
    assert await fleet.functions.invoke(call(qualifier="2")) == Unavailable("function not found: chat:2")
    assert await fleet.functions.invoke(call(name="other")) == Unavailable("function not found: other")


async def test_what_did_not_change_stays_warm(make: Make) -> None:
    fleet = await make()
    await fleet.invoke()
    await fleet.serve(function(), function("other"))
    await fleet.invoke()
    assert len(fleet.processes.started) == 1
    assert fleet.processes.started[0].is_running


@pytest.mark.parametrize("change", ["code", "definition"])
async def test_what_changed_is_used_by_the_next_call(make: Make, change: str) -> None:
    handler = Handler()
    fleet = await make(handler)
    old = fleet.begin(b"old")
    await handler.busy(1)
    fleet.processes.program = echo
    if change == "code":
        fleet.launches.fingerprints[NAME] = "new"
        await fleet.serve(function())
    else:
        await fleet.serve(function(handler="app.other"))
    assert await fleet.invoke(b"new") == Returned(b"new")
    assert not old.done()
    handler.go()
    assert await old == Returned(b"old")  # the process in flight finishes, then ends
    assert (await fleet.processes.started[0].wait()).returncode == -9
    assert fleet.log.failures == []


async def test_calls_in_the_queue_move_to_the_new_code(make: Make) -> None:
    handler = Handler()
    fleet = await make(handler)
    calls = [fleet.begin(b"0"), fleet.begin(b"1"), fleet.begin(b"2")]
    await handler.busy(1)
    fleet.processes.program = echo
    await fleet.serve(function(handler="app.other"))
    assert await asyncio.gather(*calls[1:]) == [Returned(b"1"), Returned(b"2")]
    handler.go()
    assert await calls[0] == Returned(b"0")
    assert handler.events == [b"0"]


async def test_an_idle_process_with_old_code_ends_at_once(make: Make) -> None:
    fleet = await make()
    await fleet.invoke()
    await fleet.serve(function(timeout_s=11))
    assert (await fleet.processes.started[0].wait()).returncode == -9


async def test_a_removed_function_is_gone(make: Make) -> None:
    handler = Handler()
    fleet = await make(handler)
    busy, queued = fleet.begin(b"1"), fleet.begin(b"2")
    await handler.busy(1)
    await fleet.serve()
    assert await queued == Unavailable("function chat was removed")
    assert isinstance(await fleet.invoke(), Unavailable)
    handler.go()
    assert await busy == Returned(b"1")
    await fleet.processes.started[0].wait()


async def test_code_that_cannot_be_read_is_not_an_error_of_the_reload(make: Make) -> None:
    fleet = await make()

    class Unreadable(FixedLaunches):
        def fingerprint(self, function: Function) -> str:
            raise PermissionError(13, "Permission denied")

    around = Surroundings(Unreadable(), fleet.processes, fleet.log, SystemClock(), RandomIds(), CALM)
    functions = LocalFunctions(around)
    await functions.replace({NAME: function()})
    assert functions.knows(NAME, None)
    await functions.close()


# The end


async def test_idle_processes_are_reaped(make: Make) -> None:
    fleet = await make(limits=replace(CALM, idle_s=0.05))
    await fleet.invoke()
    assert (await fleet.processes.started[0].wait()).returncode == -9
    assert fleet.log.failures == []
    assert await fleet.invoke(b"1") == Returned(b"1")


async def test_busy_processes_are_not_reaped(make: Make) -> None:
    handler = Handler()
    fleet = await make(handler, replace(CALM, idle_s=0.01))
    busy = fleet.begin()
    await handler.busy(1)
    assert await fleet.invoke(wait_ms=50) == TimedOut()
    assert fleet.processes.started[0].is_running
    handler.go(2)
    assert await busy == Returned(b"{}")


async def test_close_ends_calls_and_processes(make: Make) -> None:
    handler = Handler()
    fleet = await make(handler)
    calls = [fleet.begin(), fleet.begin()]
    await handler.busy(1)
    await fleet.functions.close()
    stopping = Unavailable("the gateway is stopping")
    assert [await one for one in calls] == [stopping, stopping]
    assert fleet.processes.running == []
    assert await fleet.invoke() == stopping
    assert fleet.log.failures == []
    await fleet.serve(function())
    assert await fleet.invoke() == stopping


async def test_close_while_code_is_made_ready(make: Make) -> None:
    fleet = await make()
    preparing = asyncio.Event()

    async def forever(function: Function) -> None:
        preparing.set()
        await asyncio.Event().wait()

    fleet.launches.prepare = forever  # type: ignore[method-assign, assignment]
    one = fleet.begin()
    await preparing.wait()
    await fleet.functions.close()
    assert isinstance(await one, Unavailable)
    assert fleet.processes.started == []
