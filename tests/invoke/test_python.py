"""Python handlers in real processes: AWS's own runtime client is the judge of the Runtime API."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gateway.invoke.launch import RuntimeClient
from gateway.model.invocation import FunctionError, TimedOut
from process_watch import LINUX, Watch
from real_functions import serving

APP = """
import logging, os, subprocess, sys, time

logging.getLogger().setLevel(logging.INFO)
print("initialised")

def deeper(depth):
    return deeper(depth - 1) if depth else 1 / 0

def handler(event, context):
    match event:
        case {"do": "context"}:
            return {
                "name": context.function_name,
                "version": context.function_version,
                "memory": context.memory_limit_in_mb,
                "arn": context.invoked_function_arn,
                "id": context.aws_request_id,
                "group": context.log_group_name,
                "custom": context.client_context.custom,
                "left": context.get_remaining_time_in_millis(),
                "trace": os.environ["_X_AMZN_TRACE_ID"],
            }
        case {"do": "log"}:
            print("out")
            print("err", file=sys.stderr)
            logging.info("logged")
            sys.stdout.write("no newline")
            return None
        case {"do": "raise"}:
            raise KeyError("name")
        case {"do": "set"}:
            return {1, 2}
        case {"do": "bytes"}:
            return b"not json"
        case {"do": "exit"}:
            sys.exit(4)
        case {"do": "die"}:
            os._exit(5)
        case {"do": "big"}:
            return "x" * (6 * 1024 * 1024 + 200)
        case {"do": "hang"}:
            script = "(setsid sh -c 'echo $$; exec sleep 600' &); echo $$; exec sleep 600"
            subprocess.run(["/bin/sh", "-c", script])
        case {"do": "surroundings"}:
            script = "import os; print(sorted(int(fd) for fd in os.listdir('/proc/self/fd')))"
            return {
                "argv": [os.path.basename(sys.argv[0]), *sys.argv[1:]],
                "path": sys.path[0] == os.getcwd(),
                "variables": sorted(name for name in os.environ if name.startswith("WSFLEET")),
                "api": os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")[0],
                "inherited": subprocess.check_output([sys.executable, "-c", script], text=True),
                "identity": repr(context.identity),
                "client": repr(context.client_context),
                "more": [context.log_stream_name, context.tenant_id, context.w3c(), repr(context)[:13]],
            }
        case {"do": "environment"}:
            import ctypes
            c_library = ctypes.CDLL(None)
            os.environ["OTHER"] = "set"
            found = [bool(c_library.getenv(name)) for name in (b"_X_AMZN_TRACE_ID", b"OTHER")]
            script = "import os; print(os.environ['_X_AMZN_TRACE_ID'])"
            return [*found, subprocess.check_output([sys.executable, "-c", script], env=dict(os.environ), text=True)]
        case {"do": "deep"}:
            return deeper(event["depth"])
        case {"do": "interrupt"}:
            raise KeyboardInterrupt
        case {"do": "sleep"}:
            time.sleep(event["s"])
    return event
"""


async def test_a_handler_and_its_context(tmp_path: Path, client: RuntimeClient) -> None:
    async with serving(tmp_path, {"app.py": APP}, "python3.11", client=client) as functions:
        assert await functions.value({"a": "é", "b": [1.5, None]}) == {"a": "é", "b": [1.5, None]}
        context = await functions.value({"do": "context"})
        assert isinstance(context, dict)
        assert 0 < context.pop("left") <= 10_000
        assert len(context.pop("id")) == 36
        assert context == {
            "name": "chat",
            "version": "$LATEST",
            "memory": "128",
            "arn": "arn:aws:lambda:us-east-1:123456789012:function:chat",
            "group": "/aws/lambda/chat",
            "custom": {"é": 1},
            "trace": "Root=1-67891233-abcdef012345678912345678",
        }
        assert functions.printed == ["initialised"]


async def test_what_changes_with_every_event_does_not_pile_up_in_the_c_library(tmp_path: Path) -> None:
    async with serving(tmp_path, {"app.py": APP}, "python3.11", client=RuntimeClient.OWN) as functions:
        for _ in range(2):
            found = await functions.value({"do": "environment"})
            assert found == [False, True, "Root=1-67891233-abcdef012345678912345678\n"]


async def test_lines_are_shown_before_the_answer_with_their_tag(tmp_path: Path, client: RuntimeClient) -> None:
    async with serving(tmp_path, {"app.py": APP}, "python3.11", client=client) as functions:
        await functions.invoke({"do": "log"}, tag="t")
        lines = functions.log.lines
        assert ("t", "stdout", "out") in lines and ("t", "stderr", "err") in lines
        assert any(tag == "t" and text.startswith("[INFO]\t") and text.endswith("\tlogged") for tag, _, text in lines)


async def test_errors_of_a_handler_keep_the_process(tmp_path: Path, client: RuntimeClient) -> None:
    async with serving(tmp_path, {"app.py": APP}, "python3.11", client=client) as functions:
        error = await functions.error({"do": "raise"})
        assert (error["errorType"], error["errorMessage"]) == ("KeyError", "'name'")
        assert "[ERROR] KeyError: 'name'" in functions.printed
        assert (await functions.error({"do": "set"}))["errorType"] == "Runtime.MarshalError"
        result = await functions.invoke({"do": "bytes"})
        assert result.payload == b"not json"  # type: ignore[union-attr]
        assert functions.printed.count("initialised") == 1
        assert [why.partition(":")[0] for why in functions.log.reasons] == ["KeyError", "Runtime.MarshalError"]


@pytest.mark.skipif(not LINUX, reason="descriptors are listed from /proc")
async def test_what_a_handler_finds_around_it(tmp_path: Path, client: RuntimeClient) -> None:
    async with serving(tmp_path, {"app.py": APP}, "python3.11", client=client) as functions:
        found = await functions.value({"do": "surroundings"})
        assert isinstance(found, dict)
        assert len(json.loads(found.pop("inherited"))) == 4  # its output, and the folder that it lists
        assert found == {
            "argv": ["__main__.py", "app.handler"],
            "path": True,
            "variables": [],
            "api": "127.0.0.1",
            "identity": "CognitoIdentity([cognito_identity_id=None,cognito_identity_pool_id=None])",
            "client": "ClientContext([custom={'é': 1},env=None,client=None])",
            "more": ["stream", None, {}, "LambdaContext"],
        }


async def test_the_error_document_and_what_is_logged_of_it(tmp_path: Path, client: RuntimeClient) -> None:
    async with serving(tmp_path, {"app.py": APP}, "python3.11", client=client) as functions:
        error = await functions.error({"do": "deep", "depth": 1})
        trace = error.pop("stackTrace")
        request_id = error.pop("requestId")
        assert error == {"errorMessage": "division by zero", "errorType": "ZeroDivisionError"}
        assert [line.split(", ")[1:] for line in trace] == [  # type: ignore[attr-defined]
            [f"line {line}", f"in {text}"]
            for line, text in (
                (line_of("deeper(event"), 'handler\n    return deeper(event["depth"])\n'),
                (line_of("else 1 / 0"), "deeper\n    return deeper(depth - 1) if depth else 1 / 0\n"),
                (line_of("else 1 / 0"), "deeper\n    return deeper(depth - 1) if depth else 1 / 0\n"),
            )
        ]
        assert functions.log.failures == [(request_id, "ZeroDivisionError: division by zero")]
        printed = [text.strip() for text in functions.printed]
        assert printed[1:3] == ["[ERROR] ZeroDivisionError: division by zero", "Traceback (most recent call last):"]


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(APP.splitlines(), 1) if text in line)


async def test_logs_as_json(tmp_path: Path, client: RuntimeClient) -> None:
    asked = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}
    async with serving(tmp_path, {"app.py": APP}, "python3.11", client=client, environment=asked) as functions:
        await functions.invoke({"do": "log"})
        (record,) = [json.loads(line) for line in functions.printed if line.startswith("{")]
        assert (record["level"], record["message"], len(record["requestId"])) == ("INFO", "logged", 36)


@pytest.mark.parametrize("size", [100_000, 5_900_000])
async def test_large_events_and_results(tmp_path: Path, client: RuntimeClient, size: int) -> None:
    async with serving(tmp_path, {"app.py": APP}, "python3.11", client=client) as functions:
        event = {"text": "x" * size}
        assert await functions.value(event) == event
        assert await functions.value("again") == "again"


@pytest.mark.parametrize(
    ("do", "error_type", "why"),
    [
        ("interrupt", "Runtime.ExitError", "Runtime exited with error: signal: interrupt"),
        ("exit", "Runtime.ExitError", "Runtime exited with error: exit status 4"),
        ("die", "Runtime.ExitError", "Runtime exited with error: exit status 5"),
        ("big", "Function.ResponseSizeTooLarge", "Response payload size (6291658 bytes) exceeded"),
    ],
)
async def test_what_ends_the_process_is_reported_and_it_is_replaced(
    tmp_path: Path, client: RuntimeClient, do: str, error_type: str, why: str
) -> None:
    async with serving(tmp_path, {"app.py": APP}, "python3.11", client=client) as functions:
        assert (await functions.error({"do": do}))["errorType"] == error_type
        assert functions.log.reasons[0].startswith(why)
        assert await functions.value("again") == "again"


@pytest.mark.skipif(not LINUX, reason="needs sub-reapers and pidfds")
async def test_a_timeout_takes_everything_the_handler_started_along(tmp_path: Path, client: RuntimeClient) -> None:
    async with serving(tmp_path, {"app.py": APP}, "python3.11", client=client, timeout_s=1) as functions:
        hanging = asyncio.create_task(functions.invoke({"do": "hang"}))
        await functions.log.changed.until(lambda: len(functions.log.lines) == 3)
        with Watch(int(text) for text in functions.printed[1:]) as watch:
            result = await hanging
            assert isinstance(result, FunctionError) and b"Task timed out after 1.00 seconds" in result.payload
            assert not watch.left_after(10)


async def test_the_caller_gives_up_before_the_function_does(tmp_path: Path, client: RuntimeClient) -> None:
    async with serving(tmp_path, {"app.py": APP}, "python3.11", client=client) as functions:
        assert await functions.value("warm") == "warm"
        assert await functions.invoke({"do": "sleep", "s": 0.1}, wait_ms=20) == TimedOut()
        assert functions.log.failures == []


@pytest.mark.parametrize(
    ("files", "handler", "error_type", "text"),
    [
        ({"app.py": "import nowhere"}, "app.handler", "Runtime.ImportModuleError", "No module named 'nowhere'"),
        ({"app.py": "def ("}, "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ({"app.py": "1 / 0"}, "app.handler", "ZeroDivisionError", "division by zero"),
        ({"app.py": ""}, "app.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ({"app.py": "import os; os._exit(9)"}, "app.handler", "Runtime.ExitError", "exit status 9"),
    ],
)
async def test_initialisation_errors(
    tmp_path: Path, client: RuntimeClient, files: dict[str, str], handler: str, error_type: str, text: str
) -> None:
    async with serving(tmp_path, files, "python3.11", handler, client=client) as functions:
        error = await functions.error()
        assert error["errorType"] == error_type
        assert text in str(error["errorMessage"])
        assert text in functions.log.reasons[0]
