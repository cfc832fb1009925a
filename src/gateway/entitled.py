"""Who may call a node, put together from its settings: its own keys, the file of principals, and IAM's word."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from gateway.access.keyring import Keyring
from gateway.access.principal import Principal
from gateway.access.session import SessionSeal
from gateway.callers import Callers, Vouched
from gateway.iams_word import IamsWord, Word
from gateway.model.aws import DUMMY_CREDENTIALS, Credentials
from gateway.node import Node
from gateway.ports import HttpService, Ids, Upstreams
from gateway.principals.file import Known, PrincipalsFile
from gateway.principals.watch import PrincipalsWatch
from gateway.registry.secrets import SecretsManager
from gateway.settings import tool_environment
from gateway.station import Station

KNOWN_KEYS: Final = (
    "the node's own keys are those that every emulator takes, so anybody may call it; set AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY"
)


@dataclass(frozen=True, slots=True)
class Entitled:
    """``callers`` None: whoever signs is believed. ``vouched`` is set where IAM's word is taken, ``watch`` where a file
    of principals is."""

    callers: Callers | None = None
    vouched: Vouched | None = None
    watch: PrincipalsWatch | None = None

    def reload(self) -> None:
        """Read the file again, if there is one."""
        if self.watch is not None:
            self.watch.reload()

    def before(self, service: HttpService, station: Station, upstreams: Upstreams, node: Node, ids: Ids) -> HttpService:
        """The service, with the path where IAM's word is taken before it."""
        if self.vouched is None:
            return service

        def audiences() -> Collection[str]:
            endpoints = (each.endpoint for each in node.directory.deployments)
            return {f"{each.api.api_id}/{each.stage.stage_name}" for each in endpoints}

        word = Word(upstreams, (station.settings.sts_origin,), audiences, station.log.said)
        return IamsWord(service, word, self.vouched, station.clock, ids)


async def open_entitled(stack: AsyncExitStack, station: Station, fleet_key: bytes) -> Entitled:
    """Read and watched until ``stack`` unwinds. Raises UserError."""
    keys, settings = station.keys, station.settings
    if keys is None or settings.no_auth:
        return Entitled()
    vouched = Vouched(SessionSeal(fleet_key), settings.trust_iam) if settings.trust_iam else None
    callers = Callers(_own(keys, settings.account_id), vouched)
    watch = None
    if settings.principals_file is not None:
        if keys == DUMMY_CREDENTIALS:
            station.log.warned(KNOWN_KEYS)
        manager = SecretsManager(station.aws)
        stack.callback(manager.close)
        file = PrincipalsFile(settings.principals_file.absolute(), tool_environment(), manager.text)

        def take(known: Known) -> None:
            if keys.access_key_id in known.keys:
                own = keys.access_key_id
                station.log.warned(f"{own} is this node's own key: what {file.path} says of it does not hold")
            callers.know(known.keys, known.grants)

        watch = PrincipalsWatch(file, take, station.clock, station.log)
        stack.push_async_callback(watch.close)
        await watch.open()
    return Entitled(callers, vouched, watch)


def _own(keys: Credentials, account_id: str) -> Keyring:
    """Handlers sign with the node's own keys, and so may whoever else holds them."""
    arn = f"arn:aws:iam::{account_id}:user/fleet"
    return Keyring({keys.access_key_id: Principal(account_id, arn, keys.secret_access_key, keys.session_token)})
