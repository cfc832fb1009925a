"""The composition root of ``wsfleet run``: it knows every adapter, puts them together in order, and decides nothing.

Starting and stopping are one stack: what was opened last is closed first, also when a later step fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from gateway.admission import Admission
from gateway.backends import Backends
from gateway.calls import Outside
from gateway.crowds import Crowds
from gateway.elsewhere import open_backends
from gateway.emulation.resources import ResourceCreator
from gateway.engine.directory import Directory
from gateway.extensions.service import Extensions, longest_body
from gateway.ground import Ground, lay_ground
from gateway.head_start import HeadStart
from gateway.invoke.env_vars import EnvVars, read_env_vars
from gateway.invoke.environment import Account, Endpoints, HostRule
from gateway.invoke.functions import LocalFunctions
from gateway.invoke.launches import Laptop, LocalLaunches
from gateway.invoke.surroundings import Surroundings
from gateway.journal import StageJournal
from gateway.lambda_api.service import LambdaApi
from gateway.management import IdCheck, ManagementApi
from gateway.model.definition import Definition
from gateway.model.errors import RegistryUnavailable, UserError
from gateway.model.limits import AWS_ACCOUNT, UNLIMITED
from gateway.model.now import Now
from gateway.node import DEADLINE_GRANULARITY_MS, Node
from gateway.reach import LocalReach
from gateway.ready import tell_ready
from gateway.registry.dynamodb import DynamoDbRegistry
from gateway.reloading import Reloading
from gateway.report.console import Console, FunctionConsole
from gateway.server.conduct import Conduct
from gateway.server.listener import LOOPBACK, FrontDoor, HttpDoor
from gateway.server.ticker import Ticker
from gateway.settings import RunSettings, tool_environment
from gateway.sources.sources import EventSources
from gateway.stage_logs import open_stage_logs
from gateway.system.fleet_key import fleet_key, fresh_node_number
from gateway.system.ids import RandomIds
from gateway.tenure import Tenure
from gateway.tls.names import AWS_SUFFIXES

STOP_WITHIN_S: Final = 10.0  # for the $disconnect calls of everybody who is still connected


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this incarnation of the node is, and the secret of its connection IDs."""

    tenure: Tenure
    key: bytes = field(repr=False)


async def run(stack: AsyncExitStack, head_start: HeadStart, reading: Awaitable[Definition]) -> None:
    """Returns once everything is served, until ``stack`` unwinds; ``reading`` is the template as it is read first.

    Raises UserError for what a person can mend.
    """
    ground = await lay_ground(head_start, reading)
    env_vars = read_env_vars(ground.settings.env_vars)
    registering = asyncio.ensure_future(_registry(stack, ground))
    definition = await ground.read_definition()
    for name in env_vars.unknown(definition.functions.values()):
        ground.console.warned(f"--env-vars names {name}, which is no function of {definition.path}")
    launches = _launches(ground, definition, env_vars)
    stack.push_async_callback(launches.close)
    identity = Identity(Tenure.alone(ground.clock, fresh_node_number()), fleet_key(ground.key_file))
    ids = RandomIds(identity.key)
    surroundings = Surroundings(launches, ground.processes, FunctionConsole(ground.console), ground.clock, ids)
    functions = LocalFunctions(surroundings)
    stack.push_async_callback(functions.close)
    creator = ResourceCreator(ground.aws)
    stack.push_async_callback(creator.close)
    reloading = Reloading(ground.read_definition, creator, functions, launches, ground.console)
    registry = await _both(registering, reloading.begin(definition))
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
    tell_ready(ground, definition)
    if ground.settings.watch:
        reloading.watch(stack, ground.settings.template)
    else:
        ground.preparation.close()


async def _both(
    registering: asyncio.Future[DynamoDbRegistry], beginning: Coroutine[Any, Any, None]
) -> DynamoDbRegistry:
    """Side by side, for both mostly wait. Who has no table has nothing else either: that is told first."""
    try:
        await beginning
    except UserError:
        await registering
        raise
    return await registering


def _admission(settings: RunSettings) -> Admission:
    return Admission(AWS_ACCOUNT if settings.account_limits else UNLIMITED)


def _launches(ground: Ground, definition: Definition, env_vars: EnvVars) -> LocalLaunches:
    assert ground.aws.credentials is not None, "a laptop never stands on AWS itself"
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
    own = ("*.execute-api.*", "execute-api.*", *(domain.domain_name for domain in definition.domain_names))
    rules = [
        *(HostRule(name, ground.own_address, doors.secure.port, doors.plain.port) for name in own),
        *(HostRule(f"lambda.*.{suffix}", LOOPBACK, doors.secure_functions.port) for suffix in AWS_SUFFIXES),
    ]
    if ground.emulator_ports is not None:
        plain, secure = ground.emulator_ports
        rules += (HostRule(f"*.{suffix}", LOOPBACK, secure, plain) for suffix in AWS_SUFFIXES)
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
            f"the connection table cannot be had at {ground.aws.place}: {error}",
            "start a DynamoDB there, or leave --endpoint-url out to use the embedded one",
        ) from error
    return registry


async def _serve_functions(stack: AsyncExitStack, ground: Ground, backends: Backends, ids: RandomIds) -> None:
    api = LambdaApi(backends.functions, backends.events, ids, ground.settings.region, ground.options.account_id)
    door = HttpDoor(api, ground.clock, ground.console)
    stack.push_async_callback(door.close)
    await door.serve(ground.doors.functions)
    await door.serve(ground.doors.secure_functions, ground.authority.server_context(suffixes=AWS_SUFFIXES))


async def _serve_sockets(
    stack: AsyncExitStack, ground: Ground, outside: Outside, directory: Directory, identity: Identity
) -> Node:
    wakers: list[Ticker] = []
    limits = ground.settings.limits
    node = Node(identity.tenure, directory, outside, limits, lambda: wakers[0].wake())

    def tick(now: Now) -> bool:
        node.tick(now.monotonic_ms)
        return node.next_deadline_ms() is not None

    wakers.append(Ticker(ground.clock, DEADLINE_GRANULARITY_MS, tick))
    stack.callback(wakers[0].stop)
    reach, check = LocalReach(Crowds(node)), IdCheck(identity.key)
    api = ManagementApi(node, reach, check, outside.ids, outside.journal)
    service = Extensions(api, node, reach, check, outside.ids)
    conduct = Conduct(
        compresses=ground.settings.compression,
        longer_bodies=partial(longest_body, max_message_bytes=limits.max_message_bytes),
    )
    door = FrontDoor(node, service, ground.clock, ground.console, limits, conduct)
    stack.push_async_callback(door.close)
    stack.push_async_callback(_leave, node, ground.console)
    stack.callback(door.stop_accepting)
    await door.serve(ground.doors.plain)
    context = ground.authority.server_context(ground.names, AWS_SUFFIXES)
    await door.serve(ground.doors.secure, context)
    return node


async def _leave(node: Node, console: Console) -> None:
    left = await node.stop(STOP_WITHIN_S)
    if left:
        console.warned(f"{left} calls of handlers had not ended within {STOP_WITHIN_S:.0f} s and were cut off")
