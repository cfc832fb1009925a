"""The composition root of ``wsfleet run``: it knows every adapter, puts them together in order, and decides nothing.

Starting and stopping are one stack: what was opened last is closed first, also when a later step fails.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TextIO

from gateway.admission import Admission
from gateway.backends import Backends
from gateway.calls import Outside
from gateway.control.disk import read_definition, stack_name
from gateway.control.hookless import with_local_domain
from gateway.elsewhere import Elsewhere, open_backends
from gateway.emulation.embedded import EmbeddedAws
from gateway.emulation.options import EmbeddedOptions
from gateway.emulation.regions import region_names
from gateway.emulation.resources import ResourceCreator
from gateway.engine.directory import Directory
from gateway.invoke.env_vars import EnvVars, parse_env_vars
from gateway.invoke.environment import Account, Endpoints, HostRule
from gateway.invoke.functions import LocalFunctions
from gateway.invoke.launches import Laptop, LocalLaunches
from gateway.invoke.surroundings import Surroundings
from gateway.journal import StageJournal
from gateway.lambda_api.service import LambdaApi
from gateway.management import IdCheck, ManagementApi
from gateway.model.aws import DUMMY_CREDENTIALS, AwsEndpoint, Credentials
from gateway.model.definition import Definition
from gateway.model.errors import RegistryUnavailable, UserError
from gateway.model.ids import NodeNumber
from gateway.model.limits import AWS, AWS_ACCOUNT, UNLIMITED
from gateway.model.now import Now
from gateway.node import DEADLINE_GRANULARITY_MS, Node
from gateway.processes.supervisor import ProcessSupervisor
from gateway.registry.dynamodb import DynamoDbRegistry
from gateway.reloading import Reloading
from gateway.report.banner import Ready, banner
from gateway.report.console import Console, FunctionConsole
from gateway.server.listener import LOCALHOST, LOOPBACK, Bound, FrontDoor, HttpDoor, bind
from gateway.server.ticker import Ticker
from gateway.settings import RunSettings, aws_credentials, tool_environment
from gateway.sources.sources import EventSources
from gateway.stage_logs import log_names, open_stage_logs
from gateway.system.clock import SystemClock
from gateway.system.fleet_key import fleet_key, fresh_node_number
from gateway.system.ids import RandomIds
from gateway.system.open_files import raise_open_files
from gateway.template.options import LoadOptions
from gateway.tls.authority import Authority, open_authority

STOP_WITHIN_S: Final = 10.0  # for the $disconnect calls of everybody who is still connected
_AWS_SUFFIXES: Final = ("amazonaws.com", "amazonaws.com.cn", "api.aws")
_EVERYWHERE: Final = ("0.0.0.0", "::", "")  # noqa: S104 - recognised, not bound


@dataclass(frozen=True, slots=True)
class Doors:
    """Every port, listening but not yet served, so that all can be told before anything is started."""

    plain: Bound
    secure: Bound
    functions: Bound
    secure_functions: Bound


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything stands on; ``names`` are those of this gateway beside its machine's usual ones."""

    settings: RunSettings
    console: Console
    clock: SystemClock
    processes: ProcessSupervisor
    authority: Authority
    doors: Doors
    aws: AwsEndpoint
    emulator_ports: tuple[int, int] | None
    options: LoadOptions
    names: tuple[str, ...]

    @property
    def key_file(self) -> Path:
        return self.settings.directories.state / "connection-ids.key"

    @property
    def local_domain(self) -> str:
        return f"localhost:{self.doors.secure.port}"

    @property
    def elsewhere(self) -> Elsewhere:
        url, roots = self.settings.lambda_endpoint_url, self.authority.bundle_path
        return Elsewhere(self.aws, url, roots, tool_environment(), self.clock, self.console)

    def read_definition(self) -> Definition:
        """The template as it is on disk now. Raises UserError."""
        return with_local_domain(read_definition(self.settings.template, self.options), self.local_domain)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this incarnation of the node is, and the secret of its connection IDs."""

    number: NodeNumber
    key: bytes = field(repr=False)


def serve(settings: RunSettings, out: TextIO, err: TextIO) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP. Raises UserError for what a person can mend."""
    raise_open_files()
    asyncio.run(_serve(settings, Console(out, err, SystemClock())))


async def _serve(settings: RunSettings, console: Console) -> None:
    stop = asyncio.Event()
    options = LoadOptions(
        stack_name(settings.template),
        settings.region,
        parameters=settings.parameters,
        stage=settings.stage,
        api=settings.api,
        remote_functions=settings.lambda_endpoint_url is not None,
    )
    definition = read_definition(settings.template, options)  # what is wrong with it is told before anything starts
    env_vars = _env_vars(settings.env_vars)
    if settings.ready_file is not None:
        settings.ready_file.unlink(missing_ok=True)  # whoever waits for it must not read an earlier run's
    async with AsyncExitStack() as stack:
        with _signals(stop, console):
            names = _own_names(settings.host, definition)
            ground = await _lay_ground(stack, settings, console, options, names)
            await _run(stack, ground, env_vars, stop)


async def _lay_ground(
    stack: AsyncExitStack, settings: RunSettings, console: Console, options: LoadOptions, names: tuple[str, ...]
) -> Ground:
    doors = await _bind_doors(stack, settings)
    authority = open_authority(settings.directories.state / "tls", names, extra_roots=_extra_roots(settings))
    processes = ProcessSupervisor()
    stack.push_async_callback(processes.close)
    if settings.endpoint_url is None:
        embedded = _emulator_options(settings, doors, authority, options.account_id)
        emulator = await _start_emulator(stack, (processes, console), embedded)
        aws = AwsEndpoint(emulator.url, settings.region)
        ports = (emulator.port, emulator.tls_port or 0)
    else:
        trusted = str(authority.bundle_path)
        aws, ports = AwsEndpoint(settings.endpoint_url, settings.region, _user_credentials(), trusted), None
    options = replace(options, aws_endpoint_url=aws.url)
    return Ground(settings, console, SystemClock(), processes, authority, doors, aws, ports, options, names)


async def _bind_doors(stack: AsyncExitStack, settings: RunSettings) -> Doors:
    async def door(host: str, port: int) -> Bound:
        bound = await bind(host, port)
        stack.callback(bound.close)
        return bound

    return Doors(
        plain=await door(settings.host, settings.port),
        secure=await door(settings.host, settings.tls_port),
        functions=await door(LOOPBACK, 0),
        secure_functions=await door(LOOPBACK, 0),
    )


def _emulator_options(settings: RunSettings, doors: Doors, authority: Authority, account_id: str) -> EmbeddedOptions:
    host = LOOPBACK if settings.host in _EVERYWHERE else settings.host
    bracketed = f"[{host}]" if ":" in host else host
    return EmbeddedOptions(
        account_id=account_id,
        certificate=authority.leaf_file("emulator", tuple(_emulated_hosts())),
        lambda_url=f"http://{LOOPBACK}:{doors.functions.port}",
        management_url=f"http://{bracketed}:{doors.plain.port}",
    )


async def _start_emulator(
    stack: AsyncExitStack, ground: tuple[ProcessSupervisor, Console], options: EmbeddedOptions
) -> EmbeddedAws:
    processes, console = ground
    emulator = await EmbeddedAws.start(
        processes,
        options,
        on_line=lambda stream, line: console.output(stream, f"[aws] {line}"),
        on_death=lambda why: console.failed(f"{why}; tables and queues are lost: start again"),
    )
    stack.push_async_callback(emulator.close)
    return emulator


async def _run(stack: AsyncExitStack, ground: Ground, env_vars: EnvVars, stop: asyncio.Event) -> None:
    definition = ground.read_definition()
    for name in env_vars.unknown(definition.functions.values()):
        ground.console.warned(f"--env-vars names {name}, which is no function of {definition.path}")
    launches = _launches(ground, definition, env_vars)
    stack.push_async_callback(launches.close)
    identity = Identity(fresh_node_number(), fleet_key(ground.key_file))
    ids = RandomIds(identity.number, identity.key)
    surroundings = Surroundings(launches, ground.processes, FunctionConsole(ground.console), ground.clock, ids)
    functions = LocalFunctions(surroundings)
    stack.push_async_callback(functions.close)
    creator = ResourceCreator(ground.aws)
    stack.push_async_callback(creator.close)
    reloading = Reloading(ground.read_definition, creator, functions, launches, ground.console)
    registry = await _registry(stack, ground)
    await reloading.begin(definition)
    backends = await open_backends(stack, ground.elsewhere, functions)
    await _serve_functions(stack, ground, backends, ids)
    logs = await open_stage_logs(stack, ground.settings.log_folder, ground.console, definition)
    journal = StageJournal(logs, ground.clock)
    outside = Outside(backends, registry, ground.clock, ids, ground.console, journal, _admission(ground.settings))
    node = await _serve_sockets(stack, ground, outside, Directory(definition), identity)
    reloading.follow(node)
    sources = EventSources(backends.functions, ground.aws, ids, ground.console)
    stack.push_async_callback(sources.close)
    await reloading.feed(sources)
    _tell_ready(ground, definition)
    if ground.settings.watch:
        reloading.watch(stack, ground.settings.template)
    await stop.wait()
    ground.console.said("stopping: every open connection gets its $disconnect")


def _admission(settings: RunSettings) -> Admission:
    return Admission(AWS_ACCOUNT if settings.account_limits else UNLIMITED)


def _launches(ground: Ground, definition: Definition, env_vars: EnvVars) -> LocalLaunches:
    laptop = Laptop(
        base=Path.cwd(),
        cache=ground.settings.directories.cache,
        account=Account(ground.settings.region, ground.aws.credentials),
        endpoints=_endpoints(ground, definition),
        env=tool_environment(),
        env_vars=env_vars,
    )
    return LocalLaunches(laptop, ground.processes, ground.console.said, ground.console.warned)


def _endpoints(ground: Ground, definition: Definition) -> Endpoints:
    doors = ground.doors
    first = next(iter(definition.apis[0].stages))
    own = ("*.execute-api.*", *(domain.domain_name for domain in definition.domain_names))
    rules = [
        *(HostRule(name, LOOPBACK, doors.secure.port, doors.plain.port) for name in own),
        *(HostRule(f"lambda.*.{suffix}", LOOPBACK, doors.secure_functions.port) for suffix in _AWS_SUFFIXES),
    ]
    if ground.emulator_ports is not None:
        plain, secure = ground.emulator_ports
        rules += (HostRule(f"*.{suffix}", LOOPBACK, secure, plain) for suffix in _AWS_SUFFIXES)
    return Endpoints(
        ca_bundle=str(ground.authority.bundle_path),
        aws_url=ground.aws.url,
        lambda_url=f"http://{LOOPBACK}:{doors.functions.port}",
        management_url=f"https://{ground.local_domain}/{first}",
        hosts=tuple(rules),
    )


async def _registry(stack: AsyncExitStack, ground: Ground) -> DynamoDbRegistry:
    registry = DynamoDbRegistry(ground.aws, ground.console)
    stack.push_async_callback(registry.close)
    try:
        await registry.ensure_table()
    except RegistryUnavailable as error:
        raise UserError(
            f"the connection table cannot be had at {ground.aws.url}: {error}",
            "start a DynamoDB there, or leave --endpoint-url out to use the embedded one",
        ) from error
    return registry


async def _serve_functions(stack: AsyncExitStack, ground: Ground, backends: Backends, ids: RandomIds) -> None:
    api = LambdaApi(backends.functions, backends.events, ids, ground.settings.region, ground.options.account_id)
    door = HttpDoor(api, ground.clock, ground.console)
    stack.push_async_callback(door.close)
    await door.serve(ground.doors.functions)
    await door.serve(ground.doors.secure_functions, ground.authority.server_context(suffixes=_AWS_SUFFIXES))


async def _serve_sockets(
    stack: AsyncExitStack, ground: Ground, outside: Outside, directory: Directory, identity: Identity
) -> Node:
    wakers: list[Ticker] = []
    node = Node(identity.number, directory, outside, AWS, lambda: wakers[0].wake())

    def tick(now: Now) -> bool:
        node.tick(now.monotonic_ms)
        return node.next_deadline_ms() is not None

    wakers.append(Ticker(ground.clock, DEADLINE_GRANULARITY_MS, tick))
    stack.callback(wakers[0].stop)
    api = ManagementApi(node, IdCheck(identity.key), outside.ids, outside.journal)
    door = FrontDoor(node, api, ground.clock, ground.console)
    stack.push_async_callback(door.close)
    stack.push_async_callback(_leave, node, ground.console)
    stack.callback(door.stop_accepting)
    await door.serve(ground.doors.plain)
    context = ground.authority.server_context(ground.names, _AWS_SUFFIXES)
    await door.serve(ground.doors.secure, context)
    return node


async def _leave(node: Node, console: Console) -> None:
    left = await node.stop(STOP_WITHIN_S)
    if left:
        console.warned(f"{left} calls of handlers had not ended after {STOP_WITHIN_S:.0f} s and were cut off")


def _tell_ready(ground: Ground, definition: Definition) -> None:
    settings, doors = ground.settings, ground.doors
    host = "localhost" if settings.host in _EVERYWHERE else settings.host
    bracketed = f"[{host}]" if ":" in host else host
    plain, secure = f"{bracketed}:{doors.plain.port}", f"{bracketed}:{doors.secure.port}"
    paths = [(api.api_id, stage) for api in definition.apis for stage in api.stages]
    api_id, stage = paths[0]
    ready = Ready(
        api_id=api_id,
        stage=stage,
        websocket_url=f"ws://{plain}/{stage}",
        secure_websocket_url=f"wss://{secure}/{stage}",
        management_url=f"http://{plain}/{stage}",
        ca_bundle=str(ground.authority.bundle_path),
        aws_endpoint_url=ground.aws.url,
        lambda_endpoint_url=f"http://{LOOPBACK}:{doors.functions.port}",
        region=settings.region,
        pid=os.getpid(),
    )
    others = [f"ws://{plain}/{other}" for other in dict.fromkeys(other for _, other in paths) if other != stage]
    for line in banner(definition, ready, others, "wsfleet", log_names(definition, settings.log_folder)):
        ground.console.said(line)
    if settings.ready_file is not None:
        _write_whole(settings.ready_file, json.dumps(ready.document(), indent=2) + "\n")


def _extra_roots(settings: RunSettings) -> tuple[Path, ...]:
    return () if settings.ca_bundle is None else (settings.ca_bundle,)


def _own_names(host: str, definition: Definition) -> tuple[str, ...]:
    """What the certificate must name beside this machine's usual names: custom domains too."""
    own = () if host in (*_EVERYWHERE, LOCALHOST) else (host,)
    return (*own, *(domain.domain_name for domain in definition.domain_names))


def _write_whole(path: Path, text: str) -> None:
    """Whoever waits for the file never reads half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}", "choose another --ready-file") from error


def _env_vars(path: Path | None) -> EnvVars:
    if path is None:
        return EnvVars()
    try:
        return parse_env_vars(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}", "name a JSON file with --env-vars") from error


def _user_credentials() -> Credentials:
    """With an endpoint of the user's own its credentials may matter; without any, an emulator takes the dummies."""
    found = aws_credentials()
    return DUMMY_CREDENTIALS if found is None else Credentials(*found)


def _emulated_hosts() -> Iterator[str]:
    """What the emulator's certificate names: a wildcard stands for one label only."""
    yield from ("localhost", "*.amazonaws.com", "*.s3.amazonaws.com")
    for region in region_names():
        yield from (f"*.{region}.amazonaws.com", f"*.s3.{region}.amazonaws.com")


@contextmanager
def _signals(stop: asyncio.Event, console: Console) -> Iterator[None]:
    """The first signal stops in good order, the second at once; processes end with this one in any case."""
    loop = asyncio.get_running_loop()
    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def on_signal() -> None:
        if stop.is_set():
            console.said("stopping at once")
            os._exit(130)
        stop.set()

    for number in asked:
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number in asked:
            loop.remove_signal_handler(number)
