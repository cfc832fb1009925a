"""The composition root of ``wsfleet serve``: one node of a fleet from joining to leaving. It decides nothing.

station ──▶ functions ──▶ fleet node ──▶ doors ──▶ ready ──▶ … ──▶ drain ──▶ leave
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateway.backends import Backends
from gateway.cluster.lease import LeaseTerms
from gateway.cluster.roster import Roster
from gateway.departure import drain
from gateway.elsewhere import open_backends
from gateway.entitled import Entitled, open_entitled
from gateway.extensions.service import Extensions, longest_body
from gateway.fleet_node import FleetNode
from gateway.fleet_table import open_table, operators_endpoint
from gateway.health import Health
from gateway.invoke.env_vars import read_env_vars
from gateway.invoke.functions import LocalFunctions
from gateway.invoke.launch import LaunchError, RuntimeClient
from gateway.invoke.launches import Laptop, LocalLaunches
from gateway.invoke.surroundings import Surroundings
from gateway.journal import StageJournal
from gateway.lambda_api.service import LambdaApi
from gateway.management import Guard, IdCheck, ManagementApi
from gateway.metrics import Metrics
from gateway.model.definition import Definition
from gateway.model.errors import UserError
from gateway.model.event_source import EventSource
from gateway.model.function import Function
from gateway.model.terms import told_differences
from gateway.preparing import Preparation
from gateway.public_tls import open_certificates
from gateway.report.outlets import Outlets
from gateway.server.conduct import Conduct
from gateway.server.listener import LOOPBACK, Bound, FrontDoor, HttpDoor
from gateway.settings import ServeSettings, install_environment
from gateway.signals import heard
from gateway.sources.sources import EventSources
from gateway.stage_logs import open_stage_logs
from gateway.station import Station, agree_on_stack, build_station, load_options, own_keys
from gateway.surprises import told as surprises_told
from gateway.system.collector import spare_collector
from gateway.system.fleet_key import fleet_key
from gateway.system.ids import RandomIds
from gateway.system.open_files import raise_open_files
from gateway.system.ready_file import write_ready_file
from gateway.system.token_file import read_token
from gateway.tasks import Tasks
from gateway.tls.names import AWS_SUFFIXES
from gateway.workers.spec import WorkerSpec, parents_end

if TYPE_CHECKING:
    from gateway.tls.renewal import Renewal

HTTP_WITHIN_S: Final = 2.0  # for management calls under way when the node leaves


def serve_node(settings: ServeSettings, told: Outlets) -> None:
    """Serve until SIGINT or SIGTERM, or until an operator has it drained; SIGHUP has certificates read again, and ends
    like SIGTERM where there are none.

    Raises UserError for what a person can mend.
    """
    raise_open_files()
    asyncio.run(_serve(settings, told, is_worker=False))


def serve_worker(spec: WorkerSpec, told: Outlets) -> None:
    """The same as one of several, on shared ports; the end of standard input is a SIGTERM too.

    Raises UserError for what a person can mend.
    """
    raise_open_files()
    advertise, metrics_port = spec.settings.advertise, spec.settings.metrics_port
    own = replace(
        spec.settings,
        ready_file=spec.ready_file,
        advertise=None if advertise is None else advertise.after(spec.index),
        metrics_port=metrics_port + spec.index if metrics_port else metrics_port,
    )
    asyncio.run(_serve(own, told, is_worker=True))


async def _serve(settings: ServeSettings, told: Outlets, *, is_worker: bool) -> None:
    stop = asyncio.Event()
    if settings.ready_file is not None:
        settings.ready_file.unlink(missing_ok=True)  # whoever waits for it must not read an earlier run's
    serving = Serving(settings, told, stop, is_worker=is_worker)
    with heard(stop, told.report.said, serving.reload if settings.reloads else None), surprises_told(told.report):
        async with AsyncExitStack() as stack:
            if is_worker:
                orphaned = Tasks(told.report.failed)
                stack.push_async_callback(orphaned.close)
                orphaned.start(_follow_parent(stop, told), "watching the parent")
            await serving.open(stack)
            spare_collector()
            await stop.wait()
            await serving.close()


async def _follow_parent(stop: asyncio.Event, told: Outlets) -> None:
    await parents_end()
    told.report.warned("the process above this worker is gone: it drains and leaves")
    stop.set()


class Serving:
    """One run: ``stop`` is set when it is to end, by whomever; ``is_worker``: other processes have the same ports."""

    def __init__(self, settings: ServeSettings, told: Outlets, stop: asyncio.Event, *, is_worker: bool) -> None:
        self._settings = settings
        self._outlets = told
        self._log = told.report
        self._is_worker = is_worker
        self._stop = stop
        self._certificates: Renewal | None = None
        self._entitled = Entitled()

    def reload(self) -> None:
        """Read again what an operator may have changed; a no-op until it has been read once."""
        if self._certificates is not None:
            self._certificates.reload()
        self._entitled.reload()

    async def open(self, stack: AsyncExitStack) -> None:
        """Everything in order; closed in the opposite one. Raises UserError."""
        log = self._log
        own_keys(self._settings)  # what is wrong with settings and template is told before anybody is asked
        read_token(self._settings.metrics_token_file)
        preparation = Preparation(with_authority=True)
        stack.callback(preparation.close)
        definition = await self._read(preparation)
        self._certificates = open_certificates(stack, self._settings, log)
        call_s = LeaseTerms(self._settings.lease_ms).patience_ms / 1000
        table = await open_table(stack, self._settings, operators_endpoint(self._settings), log, call_s)
        alone, self._settings = self._settings, await agree_on_stack(table.members, self._settings)
        if load_options(alone) != load_options(self._settings):
            definition = await self._read(preparation)
        shared = self._is_worker
        station = await build_station(stack, self._settings, self._outlets, preparation, definition, shared=shared)
        preparation.close()
        for warning in station.definition.warnings:
            log.warned(str(warning))
        key = fleet_key(self._settings.key_file)
        ids = RandomIds(key)
        functions = await _functions(stack, station, ids)
        backends = await open_backends(stack, station.elsewhere, functions)
        await _serve_functions(stack, station, backends, ids)
        logs = await open_stage_logs(stack, self._settings.log_folder, log, station.definition, self._outlets.stages)
        journal = StageJournal(logs, station.clock)
        entitled = self._entitled = await open_entitled(stack, station, key)
        callers = entitled.callers
        fleet = self.fleet = FleetNode(station, table, backends, ids, journal, callers)
        sources = _LedSources(EventSources(backends.functions, station.aws, ids, log), station, fleet)
        stack.push_async_callback(sources.close)
        fleet.watchers.append(sources.see)
        fleet.fenced = sources.rest
        fleet.drain_asked = self._drain_asked
        reach = await fleet.open(stack, key)
        guard = None if callers is None else Guard(callers, station.clock)
        check = IdCheck(key)
        api = ManagementApi(fleet.node, reach, check, ids, journal, guard)
        extensions = Extensions(api, fleet.node, reach, check, ids, guard)
        service = entitled.before(extensions, station, backends.upstreams, fleet.node, ids)
        await self._open_doors(stack, station, Health(service, self._unready, self._about))
        self._tell_limits()
        self._began(station)
        fleet.began = lambda member: self._began(station)  # under another number, once it has come back

    async def _read(self, preparation: Preparation) -> Definition:
        return await preparation.read(self._settings.template, load_options(self._settings))

    async def close(self) -> None:
        """Leave in good order."""
        fleet, within_s = self.fleet, self._settings.drain_seconds
        self._log.said(f"node {fleet.tenure.number} drains {fleet.node.open_connections} connections")
        fleet.member.drain()
        left = await drain(fleet.node, fleet.crowds, within_s, random.random)
        if left:
            self._log.warned(
                f"{left} calls of handlers had not ended after {within_s:g} s and were cut off; other nodes see to the "
                "$disconnect that is owed"
            )
        self._door.stop_accepting()
        if not await fleet.leave():
            self._log.warned("the fleet could not be told that this node leaves; it finds out when the lease runs out")
        if self._settings.ready_file is not None:
            self._settings.ready_file.unlink(missing_ok=True)
        self._log.said(f"node {fleet.tenure.number} has left")

    async def _open_doors(self, stack: AsyncExitStack, station: Station, service: Health) -> None:
        settings = self._settings
        proxied = settings.proxy_protocol == "required"
        conduct = Conduct(
            holds=self._is_awake,
            trusted=settings.trusted_proxies,
            compresses=settings.compression == "on",
            most_sockets=settings.max_connections or None,
            most_per_address=settings.max_connections_per_address or None,
            counters=self.fleet.counters,
            longer_bodies=partial(longest_body, max_message_bytes=settings.limits.max_message_bytes),
        )
        door = self._door = FrontDoor(self.fleet.node, service, station.clock, self._log, settings.limits, conduct)
        stack.push_async_callback(door.close, HTTP_WITHIN_S)
        await door.serve(station.doors.public, proxied=proxied)
        secure = station.authority.server_context(station.names, AWS_SUFFIXES)
        await door.serve(station.doors.handlers, secure, strangers=False)
        await door.serve(station.doors.plain_handlers, strangers=False)
        if station.doors.public_tls is not None:
            public = secure if self._certificates is None else self._certificates.context
            await door.serve(station.doors.public_tls, public, proxied=proxied)
        if station.doors.metrics is not None:
            await self._open_metrics(stack, station, station.doors.metrics)

    async def _open_metrics(self, stack: AsyncExitStack, station: Station, bound: Bound) -> None:
        token = read_token(self._settings.metrics_token_file)
        metrics = Metrics(self.fleet.counters, lambda: self.fleet.node.open_connections, token)
        door = HttpDoor(metrics, station.clock, self._log)
        stack.push_async_callback(door.close)
        await door.serve(bound)

    def _is_awake(self) -> bool:
        """Asked before anything read is acted on: a process that was stopped fences itself here, if not before. What
        was read goes on its way even so, to closed sockets or to a 503."""
        self.fleet.node.may_act()
        return True

    def _drain_asked(self) -> None:
        self._log.said(f"node {self.fleet.tenure.number} was asked to drain")
        if self._is_worker:
            self._door.stop_accepting()  # the other processes of this port take the clients
        self._stop.set()

    def _unready(self) -> str | None:
        if not self.fleet.tenure.holds():
            return "fenced"
        return "draining" if self._stop.is_set() else None

    def _about(self) -> dict[str, Any]:
        return {"node": self.fleet.tenure.number, "connections": self.fleet.node.open_connections}

    def _began(self, station: Station) -> None:
        self._log.bind(node=self.fleet.tenure.number)
        self._tell_ready(station)

    def _tell_limits(self) -> None:
        differences = told_differences(self._settings.limits)
        if differences is not None:
            self._log.said(differences)

    def _tell_ready(self, station: Station) -> None:
        document = ready_document(station, self.fleet)
        self._log.said(f"node {document['node']} serves {document['websocket_url']}")
        if self._settings.ready_file is not None:
            write_ready_file(self._settings.ready_file, document)


class _LedSources:
    """Queues and streams are read by one node at a time: the one with the lowest number, as far as it knows."""

    def __init__(self, sources: EventSources, station: Station, fleet: FleetNode) -> None:
        self._sources = sources
        self._wanted: tuple[EventSource, ...] = station.definition.event_sources
        self._fleet = fleet
        self._leads = False
        self._changing = asyncio.Lock()
        self._tasks = Tasks(station.log.failed)

    def see(self, roster: Roster) -> None:
        if not self._wanted:
            return
        serving = [number for number in roster.sightings if roster.serves(number)]
        leads = self._fleet.tenure.holds() and min(serving, default=None) == self._fleet.tenure.number
        self._lead(leads)

    def rest(self) -> None:
        """Read nothing: this node may not act."""
        self._lead(False)

    def _lead(self, leads: bool) -> None:
        if leads != self._leads:
            self._leads = leads
            self._tasks.start(self._follow(), "reading queues and streams")

    async def _follow(self) -> None:
        """One change after the other, each to what is wanted by then."""
        async with self._changing:
            await self._sources.replace(self._wanted if self._leads else ())

    async def close(self) -> None:
        await self._tasks.close()
        await self._sources.close()


def ready_document(station: Station, fleet: FleetNode) -> dict[str, Any]:
    """What a ready file holds of one node."""
    settings, doors = station.settings, station.doors
    api = station.definition.apis[0]
    stage = next(iter(api.stages))
    host = "localhost" if settings.host in ("0.0.0.0", "::", "") else settings.host  # noqa: S104 - recognised
    host = f"[{host}]" if ":" in host else host
    secure = None if doors.public_tls is None else f"wss://{host}:{doors.public_tls.port}/{stage}"
    return {
        "api_id": api.api_id,
        "stage": stage,
        "websocket_url": f"ws://{host}:{doors.public.port}/{stage}",
        "secure_websocket_url": secure,
        "management_url": f"http://{host}:{doors.public.port}/{stage}",
        "metrics_url": None
        if doors.metrics is None
        else f"http://{settings.metrics_host}:{doors.metrics.port}/metrics",
        "ca_bundle": str(station.authority.bundle_path),
        "aws_endpoint_url": settings.endpoint_url,
        "lambda_endpoint_url": f"http://{LOOPBACK}:{doors.functions.port}",
        "region": settings.region,
        "table": settings.table,
        "pid": os.getpid(),
        "node": fleet.tenure.number,
        "workers": [{"pid": os.getpid(), "node": fleet.tenure.number}],
    }


async def _functions(stack: AsyncExitStack, station: Station, ids: RandomIds) -> LocalFunctions:
    settings, log = station.settings, station.log
    env_vars = read_env_vars(settings.env_vars)
    for name in env_vars.unknown(station.definition.functions.values()):
        log.warned(f"env_vars names {name}, which is no function of {station.definition.path}")
    laptop = Laptop(
        base=Path.cwd(),
        cache=settings.directories.cache,
        account=station.account,
        endpoints=station.endpoints,
        env=install_environment(),
        env_vars=env_vars,
        runtime_client=RuntimeClient(settings.runtime_client),
    )
    launches = LocalLaunches(laptop, station.processes, log.said, log.warned)
    stack.push_async_callback(launches.close)
    functions = LocalFunctions(Surroundings(launches, station.processes, station.outlets.functions, station.clock, ids))
    stack.push_async_callback(functions.close)
    await functions.replace(station.definition.functions)

    async def prepare(function: Function) -> None:
        try:
            await launches.prepare(function)
        except LaunchError as error:
            raise UserError(error.message, error.hint or "build the application first") from error

    await asyncio.gather(*map(prepare, station.definition.functions.values()))
    return functions


async def _serve_functions(stack: AsyncExitStack, station: Station, backends: Backends, ids: RandomIds) -> None:
    settings = station.settings
    api = LambdaApi(backends.functions, backends.events, ids, settings.region, settings.account_id)
    door = HttpDoor(api, station.clock, station.log)
    stack.push_async_callback(door.close)
    await door.serve(station.doors.functions)
    await door.serve(station.doors.secure_functions, station.authority.server_context(suffixes=AWS_SUFFIXES))
