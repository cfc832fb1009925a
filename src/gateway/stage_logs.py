"""Where the logs of stages go in one run, and which of them there are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from gateway.engine.stage_logging import plan_logging
from gateway.model.api import Api, Stage
from gateway.model.definition import Definition
from gateway.model.errors import UserError
from gateway.ports import StageLogs
from gateway.report.log_files import ACCESS, EXECUTION, LogFiles, LogOutput, log_file
from gateway.report.report import Report


async def open_stage_logs(
    stack: AsyncExitStack,
    folder: Path | None,
    report: Report,
    definition: Definition,
    output: StageLogs | None = None,
) -> StageLogs:
    """Files in ``folder``, whole when ``stack`` unwinds; None is standard output: ``output``, or tagged lines.

    Raises UserError when there can be no files.
    """
    if folder is None:
        return output or LogOutput(report)
    for api, stage in _logging_stages(definition):
        _make(log_file(folder, api.api_id, stage.stage_name, ACCESS).parent)
    loop = asyncio.get_running_loop()

    def told(text: str) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is there to be told
            loop.call_soon_threadsafe(report.warned, text)

    files = LogFiles(folder, told)
    stack.push_async_callback(asyncio.to_thread, files.close)
    return files


def log_names(definition: Definition, folder: Path | None) -> list[str]:
    """What a person should know of the logs that will be written: their files."""
    found = list(_logging_stages(definition))
    if folder is None:
        return ["standard output"] if found else []
    return [
        str(log_file(folder, api.api_id, stage.stage_name, name))
        for api, stage in found
        for name in ((ACCESS,) if stage.access_log_settings else ()) + ((EXECUTION,) if _executes(stage) else ())
    ]


def _logging_stages(definition: Definition) -> Iterator[tuple[Api, Stage]]:
    for api in definition.apis:
        yield from ((api, stage) for stage in api.stages.values() if plan_logging(stage) is not None)


def _executes(stage: Stage) -> bool:
    planned = plan_logging(stage)
    return planned is not None and any(each.errors for each in (planned.default, *planned.routes.values()))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the logs of a stage cannot be written to {folder}: {error.strerror}", "choose another --log-dir"
        ) from error
