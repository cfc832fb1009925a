"""A fleet's table at moto for tests of the command line: filled and read between two commands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar

from gateway.cli.main import status_of
from gateway.fleet_table import FleetTable, make_table, open_table, operators_endpoint
from gateway.settings import ServeSettings
from tables import Heard, fresh_table

T = TypeVar("T")


class FleetAtMoto:
    """One table of its own."""

    def __init__(self, url: str) -> None:
        self.settings = ServeSettings(endpoint_url=url, table=fresh_table())
        self._aws = operators_endpoint(self.settings)
        asyncio.run(make_table(self.settings, self._aws, Heard()))

    def do(self, work: Callable[[FleetTable], Awaitable[T]]) -> T:
        """What ``work`` returns, given the open table."""

        async def run() -> T:
            async with AsyncExitStack() as stack:
                return await work(await open_table(stack, self.settings, self._aws, Heard()))

        return asyncio.run(run())

    def run(self, *args: str) -> int:
        """The exit status of a command that looks at this fleet."""
        return status_of([*args, *self.flags])

    @property
    def flags(self) -> Sequence[str]:
        return "--table", self.settings.table, "--endpoint-url", str(self.settings.endpoint_url)
