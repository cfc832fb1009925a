"""What a handler under ``wsfleet serve`` can see of its gateway and of other functions: nothing."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from fleet_process import Fleet, FleetNode, fleet_in
from gateway.processes.guardian import HAS_REFER, HAS_SCOPES, KEPT_CAPABILITIES, landlock_version
from gateway_process import APPLICATIONS
from private_files import open_to_others
from process_watch import LINUX

pytestmark = pytest.mark.skipif(not LINUX, reason="looks into /proc")

SECRET = "not-for-handlers"
NAMES = ("WSFLEET_REAP_RATE", "WSFLEET_DEBUG", "BILLING_SECRET", "SSH_AUTH_SOCK")
CHANNEL = re.compile(r"pipe:\[\d+\]")


class Handlers:
    """The two functions of the application, on one node."""

    def __init__(self, node: FleetNode) -> None:
        self.node = node
        self._lambda = boto3.client(
            "lambda",
            endpoint_url=node.ready["lambda_endpoint_url"],
            region_name="eu-central-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )

    def ask(self, what: str, function: str = "one", **more: Any) -> Any:
        answer = self.answer(what, function, **more)
        assert "FunctionError" not in answer[0], answer[1]
        return answer[1]

    def answer(self, what: str, function: str = "one", **more: Any) -> tuple[dict[str, Any], Any]:
        payload = json.dumps({"do": what, **more})
        response = self._lambda.invoke(FunctionName=function, Payload=payload)
        with response["Payload"] as body:
            return response, json.load(body)

    def close(self) -> None:
        self._lambda.close()


@pytest.fixture(scope="module")
def handlers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handlers]:
    with fleet_in(tmp_path_factory.mktemp("isolation")) as fleet:
        found = Handlers(_node(fleet))
        yield found
        found.close()


def _node(fleet: Fleet) -> FleetNode:
    shutil.copytree(APPLICATIONS / "isolation", fleet.application, dirs_exist_ok=True)
    values = {"WSFLEET_REAP_RATE": "201", "WSFLEET_DEBUG": "1", "BILLING_SECRET": SECRET, "SSH_AUTH_SOCK": SECRET}
    prefix = ["/usr/bin/env", *(f"{name}={value}" for name, value in values.items())]
    return fleet.start("node", prefix=prefix)[0]


def test_nothing_of_the_gateways_environment_reaches_a_handler(handlers: Handlers) -> None:
    seen = handlers.ask("look")
    first = dict(line.split("=", 1) for line in seen["first_environment"].rstrip("\0").split("\0"))
    for variables in (seen["variables"], first):
        assert not set(NAMES) & set(variables)
        assert SECRET not in str(variables)
        assert "fleet.key" not in str(variables)
    ways_in = {"WSFLEET_HOSTS", "WSFLEET_EVENTS", "WSFLEET_ANSWERS"}
    assert {name for name in first if name.startswith("WSFLEET_")} == ways_in
    assert {"PATH", "HOME", "AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "AWS_ACCESS_KEY_ID"} <= set(first)


def test_nor_is_it_to_be_read_from_the_processes_above(handlers: Handlers) -> None:
    above = handlers.ask("above")
    gateway = next(index for index, each in enumerate(above) if each["pid"] == handlers.node.pid)
    for each in above[: gateway + 1]:
        assert SECRET not in str(each["environment"])
        assert "WSFLEET" not in str(each["environment"])
    if landlock_version() >= HAS_REFER:
        assert [each["program"] for each in above[: gateway + 1]] == [None, None, None]


def test_a_handler_has_its_output_its_channel_and_no_other_descriptor(handlers: Handlers) -> None:
    seen = handlers.ask("look")
    own = seen["descriptors"]
    assert own.pop("0") == "/dev/null"
    output = {own.pop("1"), own.pop("2")}
    channel = list(own.values())
    assert len(output) == 2 and len(channel) == 2
    assert all(CHANNEL.fullmatch(each) for each in (*output, *channel))
    assert sorted(seen["of_child"].split()) == ["0", "1", "2"]


def test_a_handler_is_a_session_of_its_own_within_limits(handlers: Handlers) -> None:
    seen = handlers.ask("look")
    assert seen["session"] is True
    assert seen["open_files"] == [1024, 1024]
    assert seen["core"] == [0, 0]
    assert seen["umask"] == 0o077
    assert int(seen["oom"]) == 500
    assert "NoNewPrivs:\t1" in seen["status"]
    (capabilities,) = re.findall(r"CapEff:\t([0-9a-f]+)", seen["status"])
    assert int(capabilities, 16) & ~sum(1 << kept for kept in KEPT_CAPABILITIES) == 0


@pytest.mark.skipif(landlock_version() < HAS_SCOPES, reason="needs Linux 6.12")
def test_a_handler_cannot_signal_its_gateway(handlers: Handlers) -> None:
    assert handlers.ask("signal", pid=handlers.node.pid) == "PermissionError"


@pytest.mark.parametrize(
    "request_",
    [
        "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_a_function_is_not_heard_on_the_runtime_api_of_another(handlers: Handlers, request_: str) -> None:
    others = handlers.ask("runtime_api", "other")
    assert handlers.ask("ask", address=others, request=request_) == ""
    assert handlers.ask("echo", "other", value="still mine") == "still mine"
    handlers.node.output.shows("another program asked for this function's events and was refused")


def test_a_function_is_heard_on_its_own(handlers: Handlers) -> None:
    own = handlers.ask("runtime_api")
    assert "404" in handlers.ask("ask", address=own, request="GET / HTTP/1.1\r\nHost: x\r\n\r\n")


def test_more_memory_than_memory_size_ends_the_process_as_on_lambda(handlers: Handlers) -> None:
    response, document = handlers.answer("fill", mebibytes=200)
    assert response["FunctionError"] == "Unhandled"
    assert document["errorType"] == "Runtime.ExitError"
    assert document["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    handlers.node.output.shows(r"signal: killed \(it held \d+ MB, more than its MemorySize\)")
    assert handlers.ask("echo", value="again") == "again"


def test_whatever_a_node_creates_is_for_its_user_alone(handlers: Handlers) -> None:
    folder = handlers.node.state
    assert open_to_others(folder) == []
    assert open_to_others(folder.parent / "fleet.key") == []
