"""One node with everything that makes it part of a fleet, put together: table, membership, reaper, peers.

records and leases ◀──▶ member ──roster──▶ reaper, reach, sources
                          │ tenure
clients ◀──▶ node ◀───────┴──▶ peers ◀──▶ other nodes
"""

from __future__ import annotations

import random
import socket
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from hashlib import blake2s
from os import getpid, getuid
from pathlib import Path
from typing import Final

from gateway.access.principal import Principals
from gateway.admission import Admission
from gateway.backends import Backends
from gateway.calls import Outside
from gateway.cluster.retries import Retries
from gateway.cluster.roster import Roster
from gateway.counters import Counters
from gateway.crowds import Crowds
from gateway.engine.directory import Directory
from gateway.engine.lifecycle import GOING_AWAY
from gateway.fleet import Fleet, FleetMember
from gateway.fleet_table import FleetTable
from gateway.journal import StageJournal
from gateway.model.connection import Connection
from gateway.model.errors import RegistryUnavailable, UserError
from gateway.model.ids import NodeNumber
from gateway.model.limits import ACCOUNT_REQUEST_BURST, AccountLimits
from gateway.model.member import Member
from gateway.model.now import Now
from gateway.model.plan import Throttle
from gateway.node import DEADLINE_GRANULARITY_MS, SERVICE_RESTART, Node
from gateway.peers.client import PeerClient
from gateway.peers.machine import machine_identity
from gateway.peers.server import PeerServer
from gateway.reach import FleetReach
from gateway.reaper import Estates, Reaper, ReapPolicy
from gateway.registry.members import DynamoDbMembers
from gateway.server.ticker import Ticker
from gateway.settings import ServeSettings
from gateway.station import Station
from gateway.system.ids import RandomIds
from gateway.tenure import Tenure

KEY: Final = "fleet key"
_AGAIN: Final = "start again when the table can be reached"


class FleetNode:
    """``principals`` may sign, None: anybody. ``drain_asked`` is called when an operator wants this node to leave,
    ``began`` with each record of its own, ``fenced`` when it must do nothing any more. ``counters`` are everybody's on
    this node."""

    def __init__(
        self,
        station: Station,
        table: FleetTable,
        backends: Backends,
        ids: RandomIds,
        journal: StageJournal,
        principals: Principals | None = None,
    ) -> None:
        self._station = station
        self._table = table
        settings, log, clock = station.settings, station.log, station.clock
        self.tenure = Tenure(clock)
        self.drain_asked: Callable[[], None] = lambda: None
        self.began: Callable[[Member], None] = lambda member: None
        self.fenced: Callable[[], None] = lambda: None
        self.watchers: list[Callable[[Roster], None]] = []
        self.counters = Counters()
        outside = Outside(
            backends,
            table.registry,
            clock,
            ids,
            log,
            journal,
            _admission(settings),
            principals,
            undelivered=self._undelivered,
            counters=self.counters,
            origins=settings.origins,
        )
        close = GOING_AWAY if settings.fence_close_code == GOING_AWAY[0] else SERVICE_RESTART
        directory = Directory(station.definition)
        self._ticker = Ticker(clock, DEADLINE_GRANULARITY_MS, self._tick)
        self.node = Node(self.tenure, directory, outside, settings.limits, self._ticker.wake, close)
        self.crowds = Crowds(self.node)
        estates = Estates(table.members, table.registry, table.parked)
        policy = ReapPolicy(settings.reap_rate, Retries(settings.reap_attempts))
        self.reaper = Reaper(estates, self.node.speak_for, self.tenure, (clock, log, random.random), policy)

    async def open(self, stack: AsyncExitStack, key: bytes) -> FleetReach:
        """Join the fleet; everything is closed when ``stack`` unwinds, but only ``leave`` tells the others.

        Raises UserError for what a person can mend.
        """
        settings, log, clock = self._station.settings, self._station.log, self._station.clock
        stack.callback(self._ticker.stop)
        await _agree(self._table.members, key)
        machine = f"{machine_identity()}-{getuid()}"
        peers = PeerClient(key, machine, log)
        stack.push_async_callback(peers.close)
        card = await self._card(stack, key, machine)
        fleet = Fleet(
            self._table.members,
            clock,
            log,
            random.random,
            seen=self._seen,
            drain_asked=lambda: self.drain_asked(),
            began=lambda member: self.began(member),
            fenced=lambda: self.fenced(),
        )
        self.member = FleetMember(card, self.tenure, self.node, fleet)
        wait_ms = round(settings.peer_timeout_seconds * 1000)
        hold_ms = settings.limits.early_post_ms or 0
        reach = FleetReach(self.crowds, peers, self.tenure, self.member.look, wait_ms, hold_ms)
        self.watchers += [reach.see, self.reaper.see, _Forgetting(peers)]
        stack.push_async_callback(self.member.close)
        stack.push_async_callback(self.reaper.close)
        try:
            await self.member.join()
        except RegistryUnavailable as error:
            raise UserError(f"the fleet cannot be joined: {error}", _AGAIN) from error
        return reach

    async def leave(self) -> bool:
        """After the drain: hand over what is left, if anything. False when nobody could be told."""
        await self.reaper.close()
        return await self.member.leave(self._is_empty)

    async def _is_empty(self, number: NodeNumber) -> bool:
        async for _ in self._table.registry.connections_of(number):
            return False
        return True

    async def _card(self, stack: AsyncExitStack, key: bytes, machine: str) -> Member:
        """What others need to reach this node, listening by then."""
        settings = self._station.settings
        server = PeerServer(self.crowds, key, self._station.log)
        stack.push_async_callback(server.close)
        path = await server.open_unix(Path(tempfile.gettempdir()) / f"wsfleet-{getuid()}")
        address = None
        if settings.advertise is not None:
            await server.open_tcp(_listening_host(settings.advertise.host), settings.advertise.port)
            address = str(settings.advertise)
        return Member(
            number=NodeNumber(0),
            lease_ms=settings.lease_ms,
            machine=machine,
            host=socket.gethostname(),
            pid=getpid(),
            started_at_ms=0,
            address=address,
            socket_path=path,
        )

    def _seen(self, roster: Roster) -> None:
        for watcher in self.watchers:
            watcher(roster)

    def _undelivered(self, connection: Connection, code: int, reason: str, why: str) -> bool:
        return self.reaper.take_over(connection, code, reason, why)

    def _tick(self, now: Now) -> bool:
        self.node.tick(now.monotonic_ms)
        return self.node.next_deadline_ms() is not None


class _Forgetting:
    """Lets go of connections to nodes that are no more."""

    def __init__(self, peers: PeerClient) -> None:
        self._peers = peers
        self._known: frozenset[NodeNumber] = frozenset()

    def __call__(self, roster: Roster) -> None:
        serving = frozenset(number for number in roster.sightings if roster.serves(number))
        for gone in self._known - serving:
            self._peers.forget(gone)
        self._known = serving


async def _agree(members: DynamoDbMembers, key: bytes) -> None:
    """Nodes with another key would take each other's connection IDs for inventions."""
    mine = blake2s(key, digest_size=8, person=b"fleetkey").hexdigest()
    try:
        agreed = await members.agree(KEY, mine)
    except RegistryUnavailable as error:
        raise UserError(f"the fleet cannot be joined: {error}", _AGAIN) from error
    if agreed != mine:
        raise UserError(
            "this node has another fleet key than the nodes of this table",
            "copy the key file of one of them here (--fleet-key-file), or use another --table",
        )


def _admission(settings: ServeSettings) -> Admission:
    requests = settings.request_rate or None
    account = AccountLimits(requests, ACCOUNT_REQUEST_BURST, connections_per_s=None)
    rate = settings.connect_rate
    return Admission(account, Throttle(rate, max(1, round(rate))) if rate else None)


def _listening_host(advertised: str) -> str:
    """Only the advertised address where it is one of this machine's, every one where it is a name or a balancer's."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in advertised else socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((advertised, 0))
    except (OSError, ValueError):
        return "0.0.0.0"  # noqa: S104 - whoever has not the fleet's key is dropped
    return advertised
