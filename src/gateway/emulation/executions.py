"""Makes moto run state machines, and serves StartSyncExecution, which it does not know.

The interpreter takes a second to load, so nobody waits for it before the first request to Step Functions.
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from uuid import uuid4

from moto.core.config import default_user_config
from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import InvalidExecutionInput
from moto.stepfunctions.responses import StepFunctionResponse

from gateway.emulation.api_calls import lead_api_calls
from gateway.emulation.surroundings import Surroundings, TaskClients

EXPRESS_WITHIN_S: Final = 300.0  # AWS's quota of an express execution
_BILLED_MS: Final = 100  # AWS rounds up to it
_BILLED_MB: Final = 64


class StateMachineTypeNotSupported(AWSError):
    TYPE = "StateMachineTypeNotSupported"
    STATUS = 400


@cache
def run_state_machines(surroundings: Surroundings) -> None:
    """From now on executions in this process run, and their tasks call what ``surroundings`` says."""
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    from moto.stepfunctions.parser.asl.utils import boto_client

    tasks: Any = boto_client
    tasks.boto3 = TaskClients(surroundings)
    _refuse_jsonata()
    if surroundings.management_url is not None:
        lead_api_calls(surroundings.management_url)
    responses: Any = StepFunctionResponse
    responses.start_execution = _start_execution(responses.start_execution)
    responses.start_sync_execution = _start_sync_execution


def _refuse_jsonata() -> None:
    """Moto has no evaluator of JSONata and would fail with a puzzle."""
    from moto.stepfunctions.parser.asl.jsonata import jsonata

    def refuse(expression: str) -> Any:
        del expression
        raise jsonata.JSONataException("UNSUPPORTED", "the embedded AWS does not evaluate JSONata; use JSONPath")

    jsonata._eval_jsonata = refuse


def _start_execution(moto: Any) -> Any:
    def start_execution(response: Any) -> ActionResult:
        """As moto's, which takes all executions without a name for one."""
        if not response._get_param("name"):
            response.body = json.dumps({**json.loads(response.body), "name": str(uuid4())})
        result: ActionResult = moto(response)
        return result

    return start_execution


def _start_sync_execution(response: Any) -> ActionResult:
    machine = response.stepfunction_backend.describe_state_machine(response._get_param("stateMachineArn"))
    if machine.type != "EXPRESS":
        raise StateMachineTypeNotSupported("This operation is not supported by this type of state machine")
    given = response._get_param("input", if_none="{}")
    try:
        json.loads(given)
    except ValueError as error:
        raise InvalidExecutionInput(f"Invalid State Machine Execution Input: '{error}'") from error
    name = response._get_param("name") or str(uuid4())
    return ActionResult(_run(machine, name, given, response))


def _run(machine: Any, name: str, given: str, response: Any) -> dict[str, Any]:
    """Runs it to its end on a thread of its own; nobody can ask for it afterwards, as on AWS."""
    from moto.stepfunctions.parser.backend.execution import Execution
    from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

    execution: Any = Execution(
        name=name,
        sm_type=machine.type,
        role_arn=machine.roleArn,
        exec_arn=f"{machine.arn.replace(':stateMachine:', ':express:')}:{name}:{uuid4()}",
        account_id=response.current_account,
        region_name=response.region,
        state_machine=machine,
        start_date=datetime.now(UTC),
        cloud_watch_logging_session=None,
        activity_store={},
        input_data=given,
    )
    worker: ExecutionWorker = execution._get_start_execution_worker()
    execution.exec_worker = worker
    thread = threading.Thread(target=worker._execution_logic, daemon=True)
    thread.start()
    thread.join(EXPRESS_WITHIN_S)
    timed_out = thread.is_alive()
    if timed_out:
        worker.stop(stop_date=datetime.now(UTC), error=None, cause=None)
    return _outcome(execution, timed_out)


def _outcome(execution: Any, timed_out: bool) -> dict[str, Any]:
    stopped = execution.stop_date or datetime.now(UTC)
    status = "TIMED_OUT" if timed_out else execution.exec_status or "FAILED"
    milliseconds = int((stopped - execution.start_date).total_seconds() * 1000)
    outcome = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "startDate": execution.start_date,
        "stopDate": stopped,
        "status": str(getattr(status, "value", status)),
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        "billingDetails": {
            "billedDurationInMilliseconds": -(-milliseconds // _BILLED_MS) * _BILLED_MS,
            "billedMemoryUsedInMB": _BILLED_MB,
        },
    }
    if outcome["status"] == "SUCCEEDED":
        output = json.dumps(execution.output, separators=(",", ":"))
        return {**outcome, "output": output, "outputDetails": {"included": True}}
    failed = not timed_out and execution.exec_status is None  # the interpreter itself; its trace is in the output
    error = "States.Runtime" if failed else execution.error
    cause = "the embedded AWS cannot run this state machine" if failed else execution.cause
    return {**outcome, **{key: value for key, value in (("error", error), ("cause", cause)) if value is not None}}
