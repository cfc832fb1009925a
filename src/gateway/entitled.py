"""Who may call a node, put together from its settings: its own keys, the file of principals, and IAM's word."""

from __future__ import annotations

from contextlib import AsyncExitStack

from gateway.access.keyring import Keyring
from gateway.access.principal import Principal
from gateway.callers import Callers
from gateway.principals.file import Known, PrincipalsFile
from gateway.principals.watch import PrincipalsWatch
from gateway.registry.secrets import SecretsManager
from gateway.settings import tool_environment
from gateway.station import Station


async def open_callers(stack: AsyncExitStack, station: Station) -> Callers | None:
    """Read and watched until ``stack`` unwinds; None where nobody's signature is verified. Raises UserError."""
    keys, settings = station.keys, station.settings
    if keys is None or settings.no_auth:
        return None
    arn = f"arn:aws:iam::{settings.account_id}:user/fleet"
    own = Principal(settings.account_id, arn, keys.secret_access_key, keys.session_token)
    callers = Callers(Keyring({keys.access_key_id: own}))
    if settings.principals_file is not None:
        manager = SecretsManager(station.aws)
        stack.callback(manager.close)
        file = PrincipalsFile(settings.principals_file.absolute(), tool_environment(), manager.text)

        def take(known: Known) -> None:
            callers.know(known.keys, known.grants)

        watch = PrincipalsWatch(file, take, station.clock, station.log)
        stack.push_async_callback(watch.close)
        await watch.open()
    return callers
