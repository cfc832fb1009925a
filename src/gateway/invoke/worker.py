"""One process of a function: starting, idle, busy with one event, ended.

Speaks with the runtime through its doors and with the pool through ``WorkerOwner``. Keeps the two clocks of a
process: how long it may take to initialise and how long an event may take. Decides nothing about queues.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Final, Protocol

from gateway.invoke import faults
from gateway.invoke.dialogue import RuntimeEvent
from gateway.invoke.doors import RuntimeDoors
from gateway.invoke.launch import Launch
from gateway.invoke.pending import Failure, PendingCall
from gateway.invoke.surroundings import Surroundings
from gateway.model.function import Function
from gateway.model.invocation import FunctionError, Returned, Unavailable
from gateway.model.limits import MAX_FUNCTION_OPEN_FILES
from gateway.ports import Confinement, Exit, Process

MIB: Final = 1 << 20
STOPPING: Final = Unavailable("the gateway is stopping")


class State(Enum):
    STARTING = "STARTING"  # until the runtime asks for its first event
    IDLE = "IDLE"
    BUSY = "BUSY"  # from an event until the runtime asks for the next one
    AWAY = "AWAY"  # it asked for an event and hung up
    ENDED = "ENDED"


class WorkerOwner(Protocol):
    """Who gives a worker its events. No method blocks or raises."""

    def worker_ready(self, worker: Worker) -> None:
        """It is idle: ``dispatch`` or ``kill`` it, or keep it for later."""

    def worker_lost(self, worker: Worker) -> None:
        """It was idle and is not any more."""

    def worker_broken(self, worker: Worker, failure: Failure) -> None:
        """It could not initialise."""


class Worker:
    """``run`` lasts as long as the process; everything else is called by the dialogue, the owner or a timer."""

    def __init__(self, function: Function, owner: WorkerOwner, around: Surroundings) -> None:
        self._function = function
        self._owner = owner
        self._around = around
        self._loop = asyncio.get_running_loop()
        self._doors: RuntimeDoors | None = None
        self._process: Process | None = None
        self._pending: PendingCall | None = None  # None again as soon as it is answered
        self._tag: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due: float | None = None  # time of the loop; the timer may fire before, never after
        self._condemned = False
        self._broken = False
        self._was_intruded = False
        self._failed = False  # the last event ended in an error, so it is no news when the process ends
        self.state = State.STARTING
        self.idle_since = 0.0
        self.init_overran = False

    @property
    def is_launched(self) -> bool:
        return self._process is not None

    @property
    def owes_answer(self) -> bool:
        """Somebody waits for it; it may still be busy afterwards, until the runtime asks for the next event."""
        return self._pending is not None

    async def run(self, launch: Launch, init_timeout_s: float) -> None:
        """Start the process and stay until it has ended. Raises OSError when it cannot be started."""
        doors = self._doors = await RuntimeDoors.open(self, has_channel=launch.has_channel)
        try:
            env, start = {**launch.env, **doors.env}, self._around.processes.start
            process = await start(
                launch.argv,
                env=env,
                cwd=launch.cwd,
                output=self._line,
                descriptors=doors.descriptors,
                confinement=Confinement(launch.memory_mib * MIB, MAX_FUNCTION_OPEN_FILES),
            )
            self._started(process, init_timeout_s)
            await doors.started(process)
            self._ended(await process.wait())
        finally:
            self._leave()
            doors.close()

    def dispatch(self, pending: PendingCall) -> None:
        """Give it an event. Only while idle."""
        assert self.state is State.IDLE and self._doors is not None and self._process is not None
        self._process.drain()
        self.state = State.BUSY
        self._pending = pending
        self._failed = False
        self._tag = pending.tag
        timeout_s = self._function.timeout_s
        self._arm(timeout_s)
        deadline_ms = self._around.clock.now().wall_ms + round(timeout_s * 1000)
        self._doors.offer(self._event(pending, deadline_ms))

    def _event(self, pending: PendingCall, deadline_ms: int) -> RuntimeEvent:
        call, arn = pending.call, self._function.arn
        if call.qualifier:
            arn = f"{arn}:{call.qualifier}"
        return RuntimeEvent(pending.request_id, call.payload, deadline_ms, arn, call.trace_id, call.client_context)

    def kill(self) -> None:
        """End it now. Who waits for its answer hears that the gateway is stopping."""
        if self._pending is not None:
            self._pending.finish(STOPPING)
            self._pending = None
        self._condemn()

    # What the runtime says: gateway.invoke.dialogue.Runtime

    def polled(self) -> None:
        if self._condemned or self._broken:
            return
        self._disarm()
        self.state = State.IDLE
        self._tag = None
        self.idle_since = self._loop.time()
        self._owner.worker_ready(self)

    def poll_lost(self) -> None:
        if self.state is State.IDLE:
            self.state = State.AWAY
            self._arm(self._around.limits.leave_s)
            self._owner.worker_lost(self)

    def responded(self, body: bytes) -> None:
        self._drain()
        if self._pending is not None:
            self._pending.finish(Returned(body))
            self._pending = None

    def response_too_large(self, size: int) -> None:
        self._fail(faults.ResponseTooLarge(size))

    def failed(self, error_type: str, body: bytes) -> None:
        self._fail(faults.reported(error_type, body))

    def init_failed(self, error_type: str, body: bytes) -> None:
        self._drain()
        self._break(faults.reported(error_type, body))
        self._arm(self._around.limits.leave_s)

    def intruded(self) -> None:
        if not self._was_intruded:  # once: who tries again and again shall not fill the log
            self._was_intruded = True
            self._line("stderr", "another program asked for this function's events and was refused")

    # What happens to the process

    def _started(self, process: Process, init_timeout_s: float) -> None:
        self._process = process
        if self._condemned:
            process.kill()
        else:
            self._arm(init_timeout_s)

    def _ended(self, end: Exit) -> None:
        state, self.state = self.state, State.ENDED
        if self._condemned:
            return
        if state is State.STARTING:
            self._break(faults.exited(end))
        elif self._pending is not None:
            self._fail(faults.exited(end))
        elif not self._failed:
            self._report(f"{faults.exited(end).why}, between two requests")
        if state is State.IDLE:
            self._owner.worker_lost(self)

    def _leave(self) -> None:
        """Whatever ended ``run``, nothing is left: no process, no timer, nobody waiting."""
        self.kill()
        self.state = State.ENDED
        self._cancel_timer()

    def _overdue(self) -> None:
        if self.state is State.STARTING:
            self.init_overran = not self._broken
        elif self.state is State.BUSY:
            late = faults.timed_out(self._function.timeout_s)
            if self._pending is not None:
                self._fail(late)
            else:
                self._report(f"{late.message}, after it had answered")
        else:
            self._report("Runtime stopped asking for events")
        self._condemn()

    def _break(self, failure: Failure) -> None:
        if not self._broken:
            self._broken = True
            self._owner.worker_broken(self, failure)

    def _fail(self, failure: Failure) -> None:
        self._drain()
        pending, self._pending = self._pending, None
        self._failed = True
        if pending is not None:
            pending.finish(FunctionError(failure.payload(pending.request_id)))
            self._around.log.failed(self._function.function_name, pending.request_id, failure.why)

    def _report(self, why: str) -> None:
        """A failure that no request is to blame for."""
        self._around.log.failed(self._function.function_name, "", why)

    def _condemn(self) -> None:
        self._condemned = True
        self._cancel_timer()
        if self._process is not None:
            self._process.kill()

    def _drain(self) -> None:
        """What the handler printed before it answered is shown before the answer, under its request."""
        if self._process is not None:
            self._process.drain()

    def _line(self, stream: str, line: str) -> None:
        log, name = self._around.log, self._function.function_name
        if "\r" not in line:
            log.line(name, self._tag, stream, line)
            return
        for part in line.replace("\u00a0", " ").split("\r"):  # runtimes keep a traceback in one record this way
            log.line(name, self._tag, stream, part)

    def _arm(self, delay_s: float) -> None:
        """One timer serves many events: it is not moved for each, but looks again when it fires too early."""
        self._due = due = self._loop.time() + delay_s
        if self._timer is not None and self._timer.when() > due:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self._due > self._loop.time():
            self._timer = self._loop.call_at(self._due, self._look)
        else:
            self._due = None
            self._overdue()

    def _disarm(self) -> None:
        self._due = None

    def _cancel_timer(self) -> None:
        self._due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
