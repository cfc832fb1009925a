"""What commands that look after a fleet share: how they find it, durations, and how they are run."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from gateway.cli.setting_options import TABLE_SETTINGS, effective, settings_options
from gateway.cli.telling import tell
from gateway.fleet_table import FleetTable, open_table, operators_endpoint
from gateway.settings import ServeSettings
from gateway.system.clock import SystemClock

JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
FLEET: Final = settings_options(TABLE_SETTINGS)
_DURATION: Final = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SECONDS: Final = (86_400, 3_600, 60, 1)
T = TypeVar("T")


def duration(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """A callback: ``90s``, ``5m``, ``1h30m`` or ``2d`` as seconds."""
    del ctx
    if value is None:
        return None
    found = _DURATION.fullmatch(value)
    if found is None or not value:
        raise click.BadParameter(f"{value!r} is no duration such as 90s, 5m or 1h30m.", param_hint=param.opts[0])
    return sum(int(part or 0) * size for part, size in zip(found.groups(), _SECONDS, strict=True))


class Notices:
    """What the table's adapters have to tell, on standard error."""

    def warned(self, text: str) -> None:
        tell(f"warning: {text}")

    def failed(self, text: str) -> None:
        tell(f"error: {text}")


@asynccontextmanager
async def opened(settings: ServeSettings) -> AsyncIterator[FleetTable]:
    """The fleet's table. Raises UserError when there is none."""
    async with AsyncExitStack() as stack:
        yield await open_table(stack, settings, operators_endpoint(settings), Notices())


def with_table(
    config: Path | None, flags: dict[str, Any], work: Callable[[FleetTable, ServeSettings], Coroutine[Any, Any, T]]
) -> T:
    """What ``work`` returns, given the table that settings and flags name."""
    settings = effective(config, flags).settings

    async def run() -> T:
        async with opened(settings) as table:
            return await work(table, settings)

    return asyncio.run(run())


def now_ms() -> int:
    """Unix time."""
    return SystemClock().now().wall_ms
