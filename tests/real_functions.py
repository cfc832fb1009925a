"""Functions in real processes: a test's code, run by awslambdaric, the Node bootstrap or a script of its own."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.invoke import launch as launch_module
from gateway.invoke.functions import LocalFunctions
from gateway.invoke.launch import Launch, RuntimeClient
from gateway.invoke.surroundings import Surroundings
from gateway.model.function import Folder, Function
from gateway.model.invocation import FunctionError, FunctionResult, Returned
from gateway.processes.supervisor import ProcessSupervisor
from runtime_double import DEADLINE_S, NAME, RandomIds, RecordingLog, SystemClock, call, function

NODE = shutil.which("node")
NODE_BOOTSTRAP = Path(launch_module.__file__).parent / "bootstrap" / "node.mjs"
PYTHON_BOOTSTRAP = NODE_BOOTSTRAP.with_name("python.py")


class FolderLaunches:
    """Runs what lies in the function's folder, as it is."""

    def __init__(self, client: RuntimeClient = RuntimeClient.AWS) -> None:
        self._client = client

    async def prepare(self, one: Function) -> Launch:
        assert isinstance(one.code, Folder)
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": one.code.path,
            "LAMBDA_TASK_ROOT": one.code.path,
            "_HANDLER": one.handler,
            "AWS_LAMBDA_FUNCTION_NAME": one.function_name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(one.memory_mib),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{one.function_name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
            **one.environment,
        }
        has_channel = self._client is RuntimeClient.OWN and not one.runtime.startswith("provided")
        return Launch(self._argv(one), env, one.code.path, one.memory_mib, has_channel)

    def _argv(self, one: Function) -> tuple[str, ...]:
        assert isinstance(one.code, Folder)
        if one.runtime.startswith("nodejs"):
            assert NODE is not None
            return (NODE, str(NODE_BOOTSTRAP))
        if one.runtime.startswith("python"):
            own = self._client is RuntimeClient.OWN
            return (sys.executable, *((str(PYTHON_BOOTSTRAP),) if own else ("-m", "awslambdaric")), one.handler)
        return (str(Path(one.code.path) / "bootstrap"),)

    def fingerprint(self, one: Function) -> str:
        return ""


class RealFunctions:
    """One function in real processes, and its log."""

    def __init__(self, functions: LocalFunctions, log: RecordingLog, supervisor: ProcessSupervisor) -> None:
        self._functions = functions
        self.log = log
        self.supervisor = supervisor

    async def invoke(
        self, event: object = None, *, tag: str | None = None, wait_ms: int | None = None
    ) -> FunctionResult:
        payload = json.dumps(event).encode()
        wait_ms = int(DEADLINE_S * 1000) if wait_ms is None else wait_ms
        return await self._functions.invoke(
            call(payload, tag=tag, wait_ms=wait_ms, client_context='{"custom":{"é":1}}')
        )

    async def value(self, event: object = None) -> object:
        """What the handler returned; fails the test when it did not."""
        result = await self.invoke(event)
        assert isinstance(result, Returned), result
        return json.loads(result.payload)

    async def error(self, event: object = None) -> dict[str, object]:
        """The error document of a call that must fail."""
        result = await self.invoke(event)
        assert isinstance(result, FunctionError), result
        document = json.loads(result.payload)
        assert isinstance(document, dict)
        return document

    @property
    def printed(self) -> list[str]:
        return [text for _, _, text in self.log.lines]


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)


@asynccontextmanager
async def serving(
    folder: Path,
    files: dict[str, str],
    runtime: str,
    handler: str = "app.handler",
    *,
    timeout_s: int = 10,
    client: RuntimeClient = RuntimeClient.OWN,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[RealFunctions]:
    write(folder, files)
    supervisor, log = ProcessSupervisor(), RecordingLog()
    functions = LocalFunctions(Surroundings(FolderLaunches(client), supervisor, log, SystemClock(), RandomIds()))
    one = function(runtime=runtime, handler=handler, folder=str(folder), timeout_s=timeout_s, environment=environment)
    await functions.replace({NAME: one})
    try:
        yield RealFunctions(functions, log, supervisor)
    finally:
        await functions.close()
        await supervisor.close()
