"""What a stage's logs are told: one entry per exchange, begun before anything is decided and written when all is.

An entry exists only where the stage logs something; everybody else sees None and does nothing. Wording and format are
the engine's; where lines go is behind ``ports.StageLogs``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.engine.access_log import connection_call_values, exchange_values
from gateway.engine.connection_call import ConnectionCall
from gateway.engine.exchange import Exchange
from gateway.engine.execution_log import Line, connection_call_lines, exchange_lines
from gateway.engine.outcome import (
    Authorized,
    Integrated,
    Outcome,
    Phase,
    failure_error,
    is_handlers_own,
    refusal_error,
)
from gateway.engine.responses import Failure, ProxyResponse, Refuse
from gateway.engine.stage_logging import StageLogging
from gateway.model.backend import BackendRequest
from gateway.model.ids import ApiId
from gateway.model.invocation import FunctionResult, InvocationResult
from gateway.ports import Clock, StageLogs

SUCCESS: Final = 200  # of an exchange that no integration had a say in


class StageJournal:
    """Turns what became of exchanges into lines."""

    def __init__(self, logs: StageLogs, clock: Clock) -> None:
        self._logs = logs
        self.clock = clock

    def begin(self, logging: StageLogging | None) -> Entry | None:
        """The entry of an exchange that begins now; None where nothing is logged."""
        return None if logging is None else Entry(self, logging)

    def write(self, logging: StageLogging, exchange: Exchange, outcome: Outcome) -> None:
        """Write the lines of an exchange that has ended."""
        verbosity = logging.verbosity(exchange.route_key)
        lines: list[Line] = []
        if verbosity.errors:
            lines = exchange_lines(exchange, outcome, verbosity, self.clock.now().wall_ms)
        access = None if logging.access is None else logging.access.line(exchange_values(exchange, outcome))
        self._write(logging, exchange.connection.api_id, access, lines)

    def call(self, logging: StageLogging, call: ConnectionCall) -> None:
        """Write the lines of a management call."""
        lines = connection_call_lines(call, logging.verbosity(call.route_key))
        access = None if logging.access is None else logging.access.line(connection_call_values(call))
        self._write(logging, call.endpoint.api.api_id, access, lines)

    def _write(self, logging: StageLogging, api_id: ApiId, access: str | None, lines: list[Line]) -> None:
        stage = logging.stage.stage_name
        if access is not None:
            self._logs.access(api_id, stage, access)
        if lines:
            self._logs.execution(api_id, stage, lines)


class Entry:
    """One exchange in progress. It is written once; what is told afterwards changes nothing."""

    __slots__ = ("_answer", "_asked", "_asked_ms", "_authorizer", "_integrated", "_is_written", "_journal", "_logging")

    def __init__(self, journal: StageJournal, logging: StageLogging) -> None:
        self._journal = journal
        self._logging = logging
        self._authorizer: Authorized | None = None
        self._asked: BackendRequest | None = None
        self._asked_ms = 0
        self._integrated: Integrated | None = None
        self._answer: ProxyResponse | Failure | None = None
        self._is_written = False

    def authorized(self, result: FunctionResult, latency_ms: int, has_refused: bool) -> None:
        """The authorizer answered."""
        self._authorizer = Authorized(result, latency_ms, has_refused)

    def asks(self, request: BackendRequest) -> None:
        """The integration is about to be called."""
        self._asked, self._asked_ms = request, self._journal.clock.now().monotonic_ms

    def answered(self, result: InvocationResult) -> None:
        """It answered, or not within its time."""
        if self._asked is not None:
            latency_ms = self._journal.clock.now().monotonic_ms - self._asked_ms
            self._integrated = Integrated(self._asked, result, latency_ms)

    def reads(self, answer: ProxyResponse | Failure) -> None:
        """What all of it means."""
        self._answer = answer

    def ends(self, exchange: Exchange, refusal: Refuse | None = None) -> None:
        """Write; ``refusal`` is what the handshake was answered with instead of 101."""
        if not self._is_written:
            self._is_written = True
            self._journal.write(self._logging, exchange, self._outcome(refusal))

    def abandons(self, exchange: Exchange) -> None:
        """Write, when the client left before the handshake was answered."""
        if not self._is_written:
            self._is_written = True
            outcome = self._outcome(None)
            self._journal.write(self._logging, exchange, outcome if self._answer else replace(outcome, status=None))

    def _outcome(self, refusal: Refuse | None) -> Outcome:
        answer = self._answer
        status: int | None = SUCCESS if answer is None else answer.status
        error = failure_error(answer, self._phase()) if isinstance(answer, Failure) else None
        if refusal is not None:
            status = refusal.status
            error = None if is_handlers_own(answer) else refusal_error(refusal, self._phase())
        return Outcome(status, error, self._integrated, self._authorizer)

    def _phase(self) -> Phase:
        if self._authorizer is not None and self._authorizer.has_refused:
            return Phase.AUTHORIZER
        if isinstance(self._answer, Failure):
            return Phase.MAPPING if self._integrated is None else Phase.INTEGRATION
        return Phase.ADMISSION
