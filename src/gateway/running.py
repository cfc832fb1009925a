"""``wsfleet run`` from its settings to its end; what is served, and how, is ``gateway.app``'s.

That module knows every adapter and takes half a second to load, so it is loaded beside the head start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from importlib import import_module
from typing import TextIO

from gateway.control.disk import stack_name
from gateway.exposure import is_loopback
from gateway.head_start import begin
from gateway.model.definition import Definition
from gateway.report.console import Console
from gateway.settings import RunSettings
from gateway.signals import heard
from gateway.surprises import told as surprises_told
from gateway.system.clock import SystemClock
from gateway.system.open_files import raise_open_files
from gateway.template.options import LoadOptions


def serve(settings: RunSettings, out: TextIO, err: TextIO) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP. Raises UserError for what a person can mend."""
    raise_open_files()
    asyncio.run(_serve(settings, Console(out, err, SystemClock())))


async def _serve(settings: RunSettings, console: Console) -> None:
    stop = asyncio.Event()
    if settings.ready_file is not None:
        settings.ready_file.unlink(missing_ok=True)  # whoever waits for it must not read an earlier run's
    with heard(stop, console.said), surprises_told(console):
        async with AsyncExitStack() as stack:
            await _first_of(asyncio.ensure_future(_start(stack, settings, console)), stop)
            await stop.wait()
            console.said("stopping: every open connection gets its $disconnect")


async def _start(stack: AsyncExitStack, settings: RunSettings, console: Console) -> None:
    options = LoadOptions(
        stack_name(settings.template),
        settings.region,
        parameters=settings.parameters,
        stage=settings.stage,
        api=settings.api,
        remote_functions=settings.lambda_endpoint_url is not None,
    )
    head_start, reading = await begin(stack, settings, console, options)
    loading = asyncio.get_running_loop().run_in_executor(None, _load)
    await asyncio.wait((loading, reading), return_when=asyncio.FIRST_COMPLETED)
    if reading.done():
        reading.result()  # what is wrong with the template is told before anything is served
    await loading
    from gateway import app

    sound = asyncio.ensure_future(_sound(reading, settings, console))
    try:
        await app.run(stack, head_start, sound)
    finally:
        sound.cancel()
        await asyncio.gather(sound, return_exceptions=True)


async def _sound(reading: Awaitable[Definition], settings: RunSettings, console: Console) -> Definition:
    """The template, once it is known to be one, and what a person should know before anything is served."""
    definition = await reading
    if not is_loopback(settings.host):
        console.warned(
            f"nobody's signature is checked: whoever reaches {settings.host} can speak to every client, and end every "
            "connection; for a network there is wsfleet serve"
        )
    return definition


def _load() -> None:
    """What will be needed, while others have not ended what they do."""
    for module in ("gateway.app", "gateway.registry.table"):
        import_module(module)


async def _first_of(starting: asyncio.Future[None], stop: asyncio.Event) -> None:
    """Wait until everything is served. A signal before that gives up starting, and ends the program with 130."""
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            raise KeyboardInterrupt
        starting.result()
    finally:
        stopping.cancel()
