"""Runs a Python handler with ``awslambdaric``, its events from the gateway's channel: ``python python.py HANDLER``.

Everything a handler sees is done by AWS's own runtime client: finding the handler, context, logging, marshalling, error
documents. Only where it would ask the Runtime API for the next event and post the answer, this file reads and writes
frames (``gateway.invoke.runtime_channel``) on the descriptors in ``WSFLEET_EVENTS`` and ``WSFLEET_ANSWERS``. Without
these, or with a version of ``awslambdaric`` that does not let its client be replaced, it is ``python -m awslambdaric``.

Runs on every Python that Lambda knows and imports nothing that ``awslambdaric`` does not. The name of no function here
shows up in a handler's stack trace.
"""

from __future__ import annotations

import inspect
import os
import sys

from awslambdaric import __main__ as main
from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import InvocationRequest, LambdaRuntimeClient

TYPE_CHECKING = False  # what typing says, without loading it
if TYPE_CHECKING:
    from typing import Any

VARIABLES = ("WSFLEET_EVENTS", "WSFLEET_ANSWERS")
TRACE_ID = b"_X_AMZN_TRACE_ID"
MAX_RESPONSE_BYTES = 6291556  # over it only the length is sent; also where an error document is cut
LENGTH_BYTES = 4
READ_BYTES = 65536


class ChannelClient(LambdaRuntimeClient):  # type: ignore[misc]
    """An answer waits for the next question, so that both leave in one write."""

    def __init__(self, address: str, events: int, answers: int) -> None:
        super().__init__(address, False)  # the main thread gets signals while it waits here, other than in native code
        for descriptor in (events, answers):
            os.set_inheritable(descriptor, False)  # nothing that a handler starts speaks for it
        self._events = events
        self._answers = answers
        self._answer = b""
        self._rest = b""

    def wait_next_invocation(self) -> Any:
        answer, self._answer = self._answer, b""
        self._write(answer + b"\0\0\0\1N")
        frame = self._frame()
        request_id, deadline_ms, arn, trace_id, client_context, body = frame.split(b"\n", 5)
        return InvocationRequest(
            invoke_id=request_id.decode(),
            x_amzn_trace_id=trace_id.decode() or None,
            invoked_function_arn=arn.decode(),
            deadline_time_in_ms=int(deadline_ms),
            client_context=client_context.decode() or None,
            cognito_identity=None,
            tenant_id=None,
            content_type="application/json",
            event_body=body,
            invocation_id=None,
        )

    def post_invocation_result(
        self,
        invoke_id: str,
        result_data: str | bytes,
        content_type: str = "application/json",
        invocation_id: str | None = None,
    ) -> None:
        body = result_data if isinstance(result_data, bytes) else result_data.encode("utf-8")
        self._keep(b"R", invoke_id, body)
        if len(body) > MAX_RESPONSE_BYTES:
            self._keep(b"L", invoke_id, b"%d" % len(body))
            self._write(self._answer)
            self._frame()

    def post_invocation_error(
        self, invoke_id: str, error_response_data: str, xray_fault: str, invocation_id: str | None = None
    ) -> None:
        self._keep(b"F", invoke_id, b"\n" + error_response_data.encode("utf-8")[:MAX_RESPONSE_BYTES])

    def _keep(self, kind: bytes, invoke_id: str, body: bytes) -> None:
        line = invoke_id.encode() + b"\n"
        self._answer = (1 + len(line) + len(body)).to_bytes(LENGTH_BYTES, "big") + kind + line + body

    def _frame(self) -> bytes:
        """What the next event's frame holds. Raises RuntimeError for a refusal, which ends the process as on Lambda."""
        data = self._rest or self._read()
        while len(data) < LENGTH_BYTES:
            data += self._read()
        end = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "big")
        if len(data) < end:
            parts, missing = [data], end - len(data)
            while missing > 0:
                parts.append(self._read())
                missing -= len(parts[-1])
            data = b"".join(parts)
        self._rest = data[end:]
        frame = data[LENGTH_BYTES + 1 : end]
        if data[LENGTH_BYTES : LENGTH_BYTES + 1] == b"X":
            raise RuntimeError("Failed to post invocation response: " + frame.decode())
        return frame

    def _read(self) -> bytes:
        data = os.read(self._events, READ_BYTES)
        if not data:
            raise ConnectionError("the gateway has gone")
        return data

    def _write(self, data: bytes) -> None:
        sent = os.write(self._answers, data)
        while sent < len(data):
            sent += os.write(self._answers, memoryview(data)[sent:])


def keep_trace_ids_out_of_the_c_library() -> None:
    """``os.environ`` has the trace id of each event, ``setenv`` is not told: glibc's keeps every value that a variable
    ever had, 130 bytes an event for as long as the process lives."""
    put = os.putenv

    def putenv(name: Any, value: Any) -> None:
        if name != TRACE_ID:
            put(name, value)

    os.putenv = putenv  # what os.environ calls


def run() -> None:
    sys.path[0] = os.getcwd()  # as ``-m`` has it
    sys.argv[0] = str(main.__file__)
    keep_trace_ids_out_of_the_c_library()
    descriptors = [int(os.environ.pop(name, -1)) for name in VARIABLES]
    if min(descriptors) < 0 or list(inspect.signature(bootstrap.run).parameters) != [
        "handler",
        "lambda_runtime_client",
    ]:
        main.main(sys.argv)
        return
    bootstrap.run(sys.argv[1], ChannelClient(os.environ["AWS_LAMBDA_RUNTIME_API"], *descriptors))


if __name__ == "__main__":
    run()
