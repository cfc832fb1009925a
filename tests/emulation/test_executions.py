"""State machines that really run, seen with boto3."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from gateway.emulation.options import EmbeddedOptions
from served_aws import ACCOUNT, REGION, Served, served_aws

DEADLINE_S = 30.0
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
States = dict[str, dict[str, Any]]

BRANCH = {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": True}}}
PLAIN: States = {
    "Begin": {"Type": "Pass", "Result": [1, 2], "ResultPath": "$.items", "Next": "Choose"},
    "Choose": {
        "Type": "Choice",
        "Choices": [{"Variable": "$.go", "BooleanEquals": True, "Next": "Both"}],
        "Default": "No",
    },
    "Both": {"Type": "Parallel", "Branches": [BRANCH, BRANCH], "ResultPath": "$.both", "Next": "Each"},
    "Each": {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": BRANCH, "ResultPath": "$.each", "Next": "Rest"},
    "Rest": {"Type": "Wait", "Seconds": 0, "Next": "Yes"},
    "Yes": {"Type": "Succeed", "OutputPath": "$.each"},
    "No": {"Type": "Fail", "Error": "Stopped", "Cause": "go is false"},
}
ECHO: States = {"Echo": {"Type": "Pass", "End": True}}


def client(aws: Served) -> Any:
    """StartSyncExecution has a host name of its own at AWS, which an address cannot have."""
    make: Any = boto3.client
    return make(
        "stepfunctions",
        region_name=REGION,
        endpoint_url=aws.endpoint.url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
    )


def machine(sfn: Any, states: Mapping[str, Any], kind: str = "EXPRESS") -> str:
    definition = json.dumps({"StartAt": next(iter(states)), "States": states})
    made = sfn.create_state_machine(name=f"m-{uuid4().hex}", definition=definition, roleArn=ROLE, type=kind)
    return str(made["stateMachineArn"])


def sync(sfn: Any, arn: str, value: object) -> Any:
    return sfn.start_sync_execution(stateMachineArn=arn, input=json.dumps(value))


def ended(sfn: Any, execution_arn: str) -> Any:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        execution = sfn.describe_execution(executionArn=execution_arn)
        if execution["status"] != "RUNNING" or time.monotonic() > deadline:
            return execution


def test_plain_states_run_to_an_answer(aws: Served) -> None:
    sfn = client(aws)
    arn = machine(sfn, PLAIN)
    answer = sfn.start_sync_execution(stateMachineArn=arn, name="mine", input='{"go": true}')
    each = [1, 2]
    assert (answer["status"], json.loads(answer["output"])) == ("SUCCEEDED", each)
    assert (answer["stateMachineArn"], answer["name"], answer["input"]) == (arn, "mine", '{"go": true}')
    assert answer["inputDetails"] == answer["outputDetails"] == {"included": True}
    assert answer["executionArn"].startswith(f"{arn.replace('stateMachine', 'express')}:mine:")
    assert answer["billingDetails"]["billedDurationInMilliseconds"] % 100 == 0
    assert answer["startDate"] <= answer["stopDate"]


def test_a_failure_is_an_answer_with_error_and_cause(aws: Served) -> None:
    sfn = client(aws)
    answer = sync(sfn, machine(sfn, PLAIN), {"go": False})
    assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "Stopped", "go is false")
    assert "output" not in answer


def test_text_as_output_is_json(aws: Served) -> None:
    sfn = client(aws)
    assert sync(sfn, machine(sfn, ECHO), "a")["output"] == '"a"'


def test_a_name_may_be_used_again(aws: Served) -> None:
    sfn = client(aws)
    arn = machine(sfn, ECHO)
    answers = [sfn.start_sync_execution(stateMachineArn=arn, name="same")["executionArn"] for _ in range(2)]
    assert len(set(answers)) == 2
    assert sfn.list_executions(stateMachineArn=arn)["executions"] == []


@pytest.mark.parametrize(
    ("kind", "given", "code"),
    [("STANDARD", "{}", "StateMachineTypeNotSupported"), ("EXPRESS", "{", "InvalidExecutionInput")],
)
def test_what_cannot_run_synchronously(aws: Served, kind: str, given: str, code: str) -> None:
    sfn = client(aws)
    with pytest.raises(ClientError) as refused:
        sfn.start_sync_execution(stateMachineArn=machine(sfn, ECHO, kind), input=given)
    assert refused.value.response["Error"]["Code"] == code


def test_a_machine_that_is_not_there(aws: Served) -> None:
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        sync(client(aws), f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:nowhere", {})


def test_executions_without_a_name_are_apart(aws: Served) -> None:
    sfn = client(aws)
    arn = machine(sfn, ECHO, "STANDARD")
    started = [sfn.start_execution(stateMachineArn=arn, input='{"a":1}')["executionArn"] for _ in range(2)]
    assert len(set(started)) == 2
    assert [ended(sfn, each)["output"] for each in started] == ['{"a": 1}'] * 2


def test_a_task_finds_the_queue_next_door(aws: Served) -> None:
    sfn, sqs, name = client(aws), aws.client("sqs"), f"q-{uuid4().hex}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    task = {"Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"QueueUrl": url, "MessageBody.$": "$.text"}}
    assert sync(sfn, machine(sfn, {"Send": {"Type": "Task", "End": True, **task}}), {"text": "hello"})["status"] == (
        "SUCCEEDED"
    )
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hello"


def call(function: str) -> States:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
    return {"Call": {"Type": "Task", "Resource": arn, "End": True}}


def test_without_a_gateway_a_function_is_a_clear_failure(aws: Served) -> None:
    sfn = client(aws)
    answer = sync(sfn, machine(sfn, call("nobody")), {})
    assert answer["status"] == "FAILED"
    assert "nobody" in answer["cause"]


def test_jsonata_is_a_clear_failure(aws: Served) -> None:
    sfn = client(aws)
    output = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.input.a %}", "End": True}
    answer = sync(sfn, machine(sfn, {"Ask": output}), {"a": 1})
    assert answer["status"] == "FAILED"
    assert "does not evaluate JSONata" in answer["cause"]


Asked = list[tuple[str, Mapping[str, str], bytes]]


@contextmanager
def web(answer: Callable[[str], bytes]) -> Iterator[tuple[str, Asked]]:
    """A web server that remembers what it was asked."""
    asked: Asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.path, dict(self.headers), body))
            content = answer(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_tasks_reach_functions_and_connections_of_the_gateway(tmp_path: Path) -> None:
    def answer(path: str) -> bytes:
        return b'{"id": "c="}' if path.startswith("/2015-03-31/functions/") else b""

    post = {
        "ApiEndpoint": "abc.execute-api.eu-central-1.amazonaws.com",
        "Method": "POST",
        "Stage": "api",
        "Path.$": "States.Format('/@connections/{}', $.id)",
        "RequestBody": {"Message": "hello"},
        "AuthType": "IAM_ROLE",
    }
    states: States = call("f")
    states["Call"] = {"Type": "Task", "Resource": states["Call"]["Resource"], "Next": "Post"}
    states["Post"] = {
        "Type": "Task",
        "Resource": "arn:aws:states:::apigateway:invoke",
        "Parameters": post,
        "OutputPath": "$.StatusCode",
        "End": True,
    }
    with web(answer) as (url, asked), served_aws(tmp_path, EmbeddedOptions(lambda_url=url, management_url=url)) as aws:
        sfn = client(aws)
        result = sync(sfn, machine(sfn, states), {"a": 1})
    assert (result["status"], result.get("output")) == ("SUCCEEDED", "200"), result
    (invoked, _, payload), (posted, headers, body) = asked
    assert invoked.endswith("/invocations") and json.loads(payload) == {"a": 1}
    assert posted == "/api/@connections/c="
    assert headers["Host"] == "abc.execute-api.eu-central-1.amazonaws.com"
    assert headers["Authorization"].startswith("AWS4-HMAC-SHA256 ")
    assert json.loads(body) == {"Message": "hello"}


def test_a_refused_api_call_is_a_failure_with_the_status(tmp_path: Path) -> None:
    parameters = {"ApiEndpoint": "abc.execute-api.x.amazonaws.com", "Method": "GET", "Path": "/gone"}
    states = {
        "Get": {
            "Type": "Task",
            "Resource": "arn:aws:states:::apigateway:invoke",
            "Parameters": parameters,
            "Catch": [{"ErrorEquals": ["ApiGateway.501"], "Next": "Caught"}],
            "End": True,
        },
        "Caught": {"Type": "Pass", "Result": "caught", "End": True},
    }
    with web(lambda _: b"") as (url, _), served_aws(tmp_path, EmbeddedOptions(management_url=url)) as aws:
        sfn = client(aws)
        assert sync(sfn, machine(sfn, states), {}).get("output") == '"caught"'
