"""The fleet's one table, opened: for a node, and for the commands that look after a fleet."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from gateway.model.aws import DUMMY_CREDENTIALS, AwsEndpoint, Credentials
from gateway.model.errors import RegistryUnavailable, UserError
from gateway.registry.dynamodb import DynamoDbRegistry, Notices
from gateway.registry.members import DynamoDbMembers
from gateway.registry.parked import DynamoDbParked
from gateway.registry.table_settings import TableSettings
from gateway.settings import ServeSettings, aws_credentials

CALL_TIMEOUT_S: Final = 5.0  # for somebody who waits at a command line; DynamoDB answers in 10 ms
_REACH: Final = "check --endpoint-url, --region and the credentials, then try again"


@dataclass(frozen=True, slots=True)
class FleetTable:
    """Its three kinds of records."""

    registry: DynamoDbRegistry
    members: DynamoDbMembers
    parked: DynamoDbParked


async def open_table(
    stack: AsyncExitStack,
    settings: ServeSettings,
    aws: AwsEndpoint,
    notices: Notices,
    call_timeout_s: float = CALL_TIMEOUT_S,
) -> FleetTable:
    """Closed when ``stack`` unwinds. ``call_timeout_s`` is for each call about nodes.

    Raises UserError when there is no such table, or nobody answers for it.
    """
    table = TableSettings(settings.table)
    registry = DynamoDbRegistry(aws, notices, table)
    stack.push_async_callback(registry.close)
    members = DynamoDbMembers(aws, call_timeout_s, table)
    stack.push_async_callback(members.close)
    parked = DynamoDbParked(aws, table)
    stack.push_async_callback(parked.close)
    try:
        if await registry.exists():
            return FleetTable(registry, members, parked)
    except RegistryUnavailable as error:
        raise unreachable(settings, aws, error) from error
    raise UserError(
        f"there is no table {settings.table} at {aws.place}", "make it with: wsfleet init, or name another: --table"
    )


async def make_table(settings: ServeSettings, aws: AwsEndpoint, notices: Notices) -> bool:
    """Create the table unless it is there, and wait until it serves; True when it was created. Raises UserError."""
    registry = DynamoDbRegistry(aws, notices, TableSettings(settings.table))
    try:
        return await registry.ensure_table()
    except RegistryUnavailable as error:
        raise unreachable(settings, aws, error) from error
    finally:
        await registry.close()


def unreachable(settings: ServeSettings, aws: AwsEndpoint, error: RegistryUnavailable) -> UserError:
    """What a person is told of a table that nobody answers for."""
    return UserError(f"the connection table {settings.table} cannot be reached at {aws.place}: {error}", _REACH)


def operators_endpoint(settings: ServeSettings) -> AwsEndpoint:
    """Where the table is for somebody at a command line: the keys of the environment, else dummies for an emulator,
    else what the SDK's chain finds."""
    found = aws_credentials()
    if found is not None:
        keys: Credentials | None = Credentials(*found)
    else:
        keys = None if settings.endpoint_url is None else DUMMY_CREDENTIALS
    roots = None if settings.ca_bundle is None or settings.endpoint_url is None else str(settings.ca_bundle)
    return AwsEndpoint(settings.endpoint_url, settings.region, keys, roots)
