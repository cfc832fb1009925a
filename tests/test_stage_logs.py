from __future__ import annotations

import asyncio
import io
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model.api import AccessLogSettings, LoggingLevel, RouteSettings
from gateway.model.definition import Definition
from gateway.model.errors import UserError
from gateway.model.ids import ApiId, RouteKey, StageName
from gateway.report.console import Console
from gateway.report.log_files import LogOutput
from gateway.stage_logs import log_names, open_stage_logs
from node_doubles import ManualClock
from sample_definitions import api, definition, route

API, DEV = ApiId("a1b2c3d4e5"), StageName("dev")
ERROR = RouteSettings(logging_level=LoggingLevel.ERROR)


def logging(
    *, access: bool = False, default: RouteSettings | None = None, own: RouteSettings | None = None
) -> Definition:
    served = api(route("send"))
    stage = replace(
        served.stages[DEV],
        access_log_settings=AccessLogSettings("arn", "$context.requestId") if access else None,
        default_route_settings=default or RouteSettings(),
        route_settings={RouteKey("send"): own or RouteSettings()},
    )
    return definition(replace(served, stages={DEV: stage}))


@pytest.mark.parametrize(
    ("described", "files"),
    [
        (logging(), []),
        (logging(access=True), ["access.log"]),
        (logging(default=ERROR), ["execution.log"]),
        (logging(own=ERROR), ["execution.log"]),
        (logging(access=True, own=ERROR), ["access.log", "execution.log"]),
    ],
)
def test_the_files_that_there_will_be(described: Definition, files: list[str]) -> None:
    folder = Path("/logs")
    assert log_names(described, folder) == [str(folder / API / DEV / name) for name in files]
    assert log_names(described, None) == (["standard output"] if files else [])


async def test_files_are_whole_when_all_is_over(tmp_path: Path) -> None:
    console = Console(io.StringIO(), io.StringIO(), ManualClock())
    async with AsyncExitStack() as stack:
        logs = await open_stage_logs(stack, tmp_path, console, logging(access=True))
        logs.access(API, DEV, "one")
        logs.execution(API, DEV, [(0, "two")])
    assert (tmp_path / API / DEV / "access.log").read_bytes() == b"one\n"
    assert (tmp_path / API / DEV / "execution.log").read_bytes() == b"1970-01-01T00:00:00.000Z two\n"


async def test_standard_output(tmp_path: Path) -> None:
    out = io.StringIO()
    async with AsyncExitStack() as stack:
        logs = await open_stage_logs(stack, None, Console(out, out, ManualClock()), logging(access=True))
        assert isinstance(logs, LogOutput)
        logs.access(API, DEV, "one")
    assert out.getvalue() == "[a1b2c3d4e5/dev access] one\n"


async def test_a_place_that_cannot_be_is_told_before_anything_serves(tmp_path: Path) -> None:
    (tmp_path / API).touch()
    console = Console(io.StringIO(), io.StringIO(), ManualClock())
    async with AsyncExitStack() as stack:
        await open_stage_logs(stack, tmp_path, console, logging())
        with pytest.raises(UserError, match="cannot be written") as raised:
            await open_stage_logs(stack, tmp_path, console, logging(access=True))
    assert "--log-dir" in raised.value.hint


async def test_a_disk_that_fails_later_is_a_warning(tmp_path: Path) -> None:
    err = io.StringIO()
    async with AsyncExitStack() as stack:
        logs = await open_stage_logs(stack, tmp_path, Console(io.StringIO(), err, ManualClock()), logging(access=True))
        (tmp_path / API / DEV).rmdir()
        (tmp_path / API / DEV).touch()
        logs.access(API, DEV, "lost")
    await asyncio.sleep(0)  # what the thread handed to the loop
    assert err.getvalue().startswith(f"warning: {tmp_path / API / DEV / 'access.log'} cannot be written")
