"""Functions made ready on this machine, and what their processes then find: code, packages, environment, AWS."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from functions_of_laptop import function
from gateway.invoke.env_vars import EnvVars
from gateway.invoke.environment import Account, Endpoints, HostRule
from gateway.invoke.interpreters import own_python
from gateway.invoke.launch import Launch, LaunchError, RuntimeClient
from gateway.invoke.launches import NODE_CLIENT, PYTHON_CLIENT, Laptop, LocalLaunches
from gateway.invoke.programs import Ended, Programs
from gateway.model.aws import DUMMY_CREDENTIALS
from gateway.model.function import Folder, Function, Inline
from gateway.tls.authority import Authority, open_authority
from handler_process import API_HOST
from local_processes import LocalProcesses
from tls_server import TlsServer, tls_server
from wheels import wheel

PYTHON = f"python3.{own_python().minor}"
# Shared by all runs of the tests on this machine, as packages come over the network.
SHARED_CACHE = Path(__file__).parent.parent.parent / ".build" / "test-cache"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="no npm on this machine")


@dataclass(slots=True)
class Machine:
    """A template's folder, a server that plays this gateway and AWS, and what a person was told."""

    base: Path
    server: TlsServer
    laptop: Laptop
    said: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def launches(self, **changed: object) -> LocalLaunches:
        laptop = replace(self.laptop, **changed)  # type: ignore[arg-type]
        return LocalLaunches(laptop, LocalProcesses(), self.said.append, self.warnings.append)

    def file(self, path: str, text: str) -> Path:
        made = self.base / path
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(text)
        return made


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("state"))


@pytest.fixture
async def machine(tmp_path: Path, authority: Authority) -> AsyncIterator[Machine]:
    async with tls_server(authority.server_context(suffixes=("amazonaws.com",))) as server:
        endpoints = Endpoints(
            ca_bundle=str(authority.bundle_path),
            aws_url=f"https://localhost:{server.port}/aws",
            management_url=f"https://localhost:{server.port}/managed",
            hosts=(HostRule(API_HOST, "127.0.0.1", server.port),),
        )
        laptop = Laptop(
            base=tmp_path / "the app",
            cache=tmp_path / "cache",
            account=Account("us-east-1", DUMMY_CREDENTIALS),
            endpoints=endpoints,
            env={**os.environ, "PIP_NO_INDEX": "1", "SECRET_OF_MINE": "x"},
        )
        yield Machine(tmp_path / "the app", server, laptop)


async def run(launch: Launch, *args: str, env: Mapping[str, str] | None = None) -> Ended:
    """The program of a launch with other arguments, in its environment and folder."""
    argv = (launch.argv[0], *args)
    programs = Programs(LocalProcesses(), {**launch.env, **(env or {})})
    return await programs.run(argv, cwd=Path(launch.cwd), timeout_s=60)


async def prepare(launches: LocalLaunches, made: Function) -> Launch:
    try:
        return await launches.prepare(made)
    finally:
        await launches.close()


@pytest.mark.parametrize(
    ("client", "arguments"),
    [
        (RuntimeClient.OWN, (str(PYTHON_CLIENT), "app.handler")),
        (RuntimeClient.AWS, ("-m", "awslambdaric", "app.handler")),
    ],
)
async def test_how_a_python_function_is_started(
    machine: Machine, client: RuntimeClient, arguments: tuple[str, ...]
) -> None:
    machine.file("src/app.py", "")
    made = function(runtime=PYTHON, environment={"TABLE": "chat"})
    launch = await prepare(machine.launches(runtime_client=client), made)
    assert launch.argv[1:] == arguments
    assert launch.has_channel is (client is RuntimeClient.OWN)
    assert (launch.cwd, launch.memory_mib) == (str(machine.base / "src"), 128)
    assert launch.env["TABLE"] == "chat"
    assert "SECRET_OF_MINE" not in launch.env
    assert machine.said == machine.warnings == []


async def test_its_process_finds_what_it_should(machine: Machine, tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "chatlib", code="WHO = 'requirements'\n")
    machine.file("src/requirements.txt", f"--find-links {tmp_path / 'wheels'}\nchatlib\n")
    machine.file(
        "src/app.py", "import chatlib, layered, simplejson; OWN = simplejson.__file__; WHO = chatlib.WHO, layered.WHO"
    )
    machine.file("src/simplejson.py", "")  # the application's own wins over the managed one
    machine.file("layer/python/layered.py", "WHO = 'layer'")
    machine.file("layer/bin/tool", "#!/bin/sh\necho tool").chmod(0o755)
    before = sorted(machine.base.rglob("*"))
    launch = await prepare(machine.launches(), function(runtime=PYTHON, layers=(Folder("layer"),)))
    code = """
import importlib.util, os, subprocess, sys
import app, boto3
print(app.WHO, os.path.dirname(app.OWN) == os.environ["LAMBDA_TASK_ROOT"], subprocess.check_output("tool"))
print([name for name in ("moto", "aiohttp", "click", "gateway", "pip") if importlib.util.find_spec(name)])
print(subprocess.check_output(["python3", "-c", "import app; print(app.WHO[0])"], text=True).strip())
"""
    ended = await run(launch, "-c", code)
    assert ended.lines == ("('requirements', 'layer') True b'tool\\n'", "[]", "requirements")
    assert sorted(machine.base.rglob("*")) == before
    assert machine.warnings == []


async def test_a_warm_function_is_ready_at_once_until_its_code_changes(machine: Machine, tmp_path: Path) -> None:
    machine.file("src/app.py", "")
    launches = machine.launches()
    made = function(runtime=PYTHON)
    first, second = await launches.prepare(made), await launches.prepare(made)
    streams = {launch.env["AWS_LAMBDA_LOG_STREAM_NAME"] for launch in (first, second)}
    assert first.argv == second.argv and len(streams) == 2
    fingerprint = launches.fingerprint(made)
    (machine.base / "src" / "app.py").unlink()
    assert launches.fingerprint(made) != fingerprint
    with pytest.raises(LaunchError, match=r"function Chat: its handler app\.handler needs app\.py"):
        await launches.prepare(made)
    with pytest.raises(LaunchError, match=r"its code .* does not exist"):
        await launches.prepare(replace(made, code=Folder("gone")))
    await launches.close()


async def test_variables_of_the_user_are_set_and_reserved_ones_told_once(machine: Machine) -> None:
    machine.file("src/app.py", "")
    launches = machine.launches(env_vars=EnvVars({"Chat": {"A": "file"}, "Parameters": {"B": "all"}}))
    made = function(runtime=PYTHON, environment={"A": "template", "AWS_REGION": "mars-1"})
    for _ in range(2):
        launch = await launches.prepare(made)
    await launches.close()
    assert (launch.env["A"], launch.env["B"], launch.env["AWS_REGION"]) == ("file", "all", "us-east-1")
    assert machine.warnings == ["function Chat: AWS_REGION is reserved by Lambda and keeps its own value"]


async def test_a_wrapper_script_of_a_layer_starts_the_runtime(machine: Machine) -> None:
    machine.file("src/app.py", "")
    wrapper = machine.file("layer/wrap", '#!/bin/sh\nexport WRAPPED=1\nexec "$@"\n')
    wrapper.chmod(0o755)
    made = function(runtime=PYTHON, layers=(Folder("layer"),), environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"})
    launch = await prepare(machine.launches(), made)
    assert launch.argv[0] == str(wrapper)
    assert launch.argv[2:4] == ("-m", "awslambdaric")  # a wrapper may lead the runtime elsewhere
    assert not launch.has_channel
    ended = await run(launch, launch.argv[1], "-c", "import os; print(os.environ['WRAPPED'])")
    assert ended.lines == ("1",)
    wrapper.chmod(0o644)
    assert (await prepare(machine.launches(), made)).argv == launch.argv[1:]
    assert machine.warnings == [f"function Chat: AWS_LAMBDA_EXEC_WRAPPER {wrapper} is not here; it starts without"]


async def test_a_provided_function_is_its_own_bootstrap(machine: Machine) -> None:
    bootstrap = machine.file("src/bootstrap", "#!/bin/sh\necho $_HANDLER ${AWS_EXECUTION_ENV-none} $PWD\n")
    bootstrap.chmod(0o755)
    launch = await prepare(machine.launches(), function(runtime="provided.al2023", handler="any"))
    assert launch.argv == (str(bootstrap),)
    assert (await run(launch)).lines == (f"any none {machine.base}/src",)


async def test_unsupported_runtimes_are_launch_errors(machine: Machine) -> None:
    with pytest.raises(LaunchError, match="the runtime java21 is not supported"):
        await prepare(machine.launches(), function(runtime="java21"))


BOTO3 = f"""
import boto3, sys
def post(**options):
    client = boto3.client("apigatewaymanagementapi", **options)
    client.post_to_connection(ConnectionId="a=", Data=b"x")
    client.close()
post(endpoint_url=sys.argv[1])
post(endpoint_url="https://{API_HOST}/prod")
post()
"""


async def test_every_form_of_endpoint_reaches_the_gateway_from_python(machine: Machine) -> None:
    machine.file("src/app.py", "")
    launch = await prepare(machine.launches(), function(runtime=PYTHON))
    ended = await run(launch, "-c", BOTO3, f"https://localhost:{machine.server.port}/prod")
    assert ended.is_success, ended.lines
    local = f"localhost:{machine.server.port}"
    assert [(request["host"], request["path"]) for request in machine.server.requests] == [
        (local, "/prod/@connections/a%3D"),
        (API_HOST, "/prod/@connections/a%3D"),
        (local, "/managed/@connections/a%3D"),
    ]


@needs_node
async def test_a_node_function_is_started_by_our_client(machine: Machine) -> None:
    machine.file("src/index.mjs", "")
    made = function(runtime="nodejs20.x", handler="index.handler")
    launch = await prepare(machine.launches(), made)
    assert launch.argv == (shutil.which("node"), str(NODE_CLIENT))
    assert launch.env["NODE_OPTIONS"].startswith("--require ")
    assert "PYTHONPATH" not in launch.env


@needs_node
async def test_inline_node_code_and_layers_are_found(machine: Machine) -> None:
    machine.file("layer/nodejs/node_modules/layered/package.json", '{"name": "layered", "main": "i.js"}')
    machine.file("layer/nodejs/node_modules/layered/i.js", "exports.who = 'layer'")
    text = "import { who } from 'layered'; export const handler = () => who; console.log(handler())"
    made = function(Inline(text), runtime="nodejs20.x", handler="index.handler", layers=(Folder("layer"),))
    launch = await prepare(machine.launches(), made)
    assert (await run(launch, "index.mjs")).lines == ("layer",)


JS_V3 = f"""
import {{ ApiGatewayManagementApiClient, PostToConnectionCommand }} from "@aws-sdk/client-apigatewaymanagementapi";
const post = options => new ApiGatewayManagementApiClient(options).send(
  new PostToConnectionCommand({{ ConnectionId: "a=", Data: "x" }}));
await post({{ endpoint: process.argv[2] }});
await post({{ endpoint: "https://{API_HOST}/prod" }});
await post({{}});
"""
JS_V2 = f"""
const AWS = require("aws-sdk");
const post = endpoint => new AWS.ApiGatewayManagementApi({{ endpoint }})
  .postToConnection({{ ConnectionId: "a=", Data: "x" }}).promise();
post(process.argv[2].replace("https://", "")).then(() => post("https://{API_HOST}/prod")).catch(e => console.log(e));
"""


@needs_npm
@pytest.mark.parametrize(
    ("name", "text", "last"), [("index.mjs", JS_V3, [("localhost", "/managed")]), ("index.js", JS_V2, [])]
)
async def test_every_form_of_endpoint_reaches_the_gateway_from_node(
    machine: Machine, name: str, text: str, last: list[tuple[str, str]]
) -> None:
    """The SDKs that managed runtimes bring are installed from the registry, once for all runs of this test."""
    machine.file(f"src/{name}", text)
    launches = machine.launches(cache=SHARED_CACHE, env=dict(os.environ))
    launch = await prepare(launches, function(runtime="nodejs20.x", handler="index.handler"))
    if any("cannot be installed" in warning for warning in machine.warnings):
        pytest.skip(f"no npm registry: {machine.warnings[-1]}")
    ended = await run(launch, name, f"https://localhost:{machine.server.port}/prod")
    assert (ended.returncode, ended.lines) == (0, ())
    seen = [(request["host"].split(":")[0], request["path"]) for request in machine.server.requests]
    forms = [("localhost", "/prod"), (API_HOST, "/prod"), *last]
    assert seen == [(host, f"{path}/@connections/a%3D") for host, path in forms]


def test_the_hosts_variable_is_what_hooks_read(machine: Machine) -> None:
    rules = [(rule.pattern, rule.address, rule.port, rule.plain_port) for rule in machine.laptop.endpoints.hosts]
    assert json.loads(json.dumps(rules)) == [[API_HOST, "127.0.0.1", machine.server.port, None]]
