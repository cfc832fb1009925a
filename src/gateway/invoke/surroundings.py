"""What every pool of processes works with, and the numbers it keeps to."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from gateway.invoke.launch import Launches
from gateway.ports import Clock, FunctionLog, Ids, Processes


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Numbers of one function's pool.

    ``max_processes``: at once, where the function reserves no concurrency of its own (Lambda's 1,000 are not for one
    machine). ``max_starting``: initialising at once; more would only slow each other down. ``max_waiting``: calls in
    the queue; further ones are throttled. ``grow_after_s``: how long a call waits for a warm process before another
    is started; a fraction of what starting takes. ``init_timeout_s``: Lambda's. ``idle_s``: after this a process is
    ended; Lambda's is unstated, 5-15 minutes are seen. ``leave_s``: for a runtime to end by itself after it failed to
    initialise or stopped asking for events. ``*_backoff_s``: between starts that fail to initialise.
    """

    max_processes: int = 10
    max_starting: int = field(default_factory=lambda: max(2, os.cpu_count() or 1))
    max_waiting: int = 10_000
    grow_after_s: float = 0.02
    init_timeout_s: float = 10.0
    idle_s: float = 300.0
    leave_s: float = 1.0
    first_backoff_s: float = 0.1
    max_backoff_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The ports behind a pool."""

    launches: Launches
    processes: Processes
    log: FunctionLog
    clock: Clock
    ids: Ids
    limits: PoolLimits = field(default_factory=PoolLimits)
