"""What a JSON log calls what happened. Names are stable: people's dashboards and alarms read them."""

from __future__ import annotations

from typing import Final

CONNECT: Final = "connect"
DISCONNECT: Final = "disconnect"
REFUSED: Final = "refused"
INVOCATION_FAILED: Final = "invocation_failed"
FUNCTION_OUTPUT: Final = "function_output"
FUNCTION_FAILED: Final = "function_failed"
ACCESS_LOG: Final = "access_log"
EXECUTION_LOG: Final = "execution_log"
OUTPUT: Final = "output"  # of a program that is no function
MESSAGE: Final = "message"  # of the gateway itself
WARNING: Final = "warning"
ERROR: Final = "error"
LINES_LOST: Final = "lines_lost"
WORKER_STARTED: Final = "worker_started"
WORKER_READY: Final = "worker_ready"
WORKER_ENDED: Final = "worker_ended"
