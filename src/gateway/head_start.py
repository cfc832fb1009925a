"""What takes longest when ``wsfleet run`` starts, begun before the rest of this program is loaded.

The embedded AWS loads for a second, and so does whoever reads the template: each in a process of its own, while this
one loads what it needs itself.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.emulation.embedded import EmbeddedAws
from gateway.emulation.options import EmbeddedOptions
from gateway.model.definition import Definition
from gateway.preparing import Preparation
from gateway.processes.supervisor import ProcessSupervisor
from gateway.report.console import Console
from gateway.server.listener import LOOPBACK, Bound, bind
from gateway.settings import RunSettings
from gateway.template.options import LoadOptions

EVERYWHERE: Final = ("0.0.0.0", "::", "")  # noqa: S104 - recognised, not bound


@dataclass(frozen=True, slots=True)
class Doors:
    """Every port, listening but not yet served, so that all can be told before anything is started."""

    plain: Bound
    secure: Bound
    functions: Bound
    secure_functions: Bound


class StartingAws:
    """The embedded AWS on its way; it waits for its certificate."""

    def __init__(self, processes: ProcessSupervisor, options: EmbeddedOptions, console: Console) -> None:
        self._certificate: asyncio.Future[Path] = asyncio.get_running_loop().create_future()
        self._starting = asyncio.ensure_future(
            EmbeddedAws.start(
                processes,
                options,
                on_line=lambda stream, line: console.output(stream, f"[aws] {line}"),
                on_death=lambda why: console.failed(f"{why}; tables and queues are lost: start again"),
                certificate=self._certificate,
            )
        )

    def tell(self, certificate: Path) -> None:
        """Where its certificate is."""
        if not self._certificate.done():
            self._certificate.set_result(certificate)

    async def ready(self) -> EmbeddedAws:
        """Once it answers. Raises UserError."""
        return await self._starting

    async def close(self) -> None:
        """End it, whether it answers already or not."""
        self._starting.cancel()
        (started,) = await asyncio.gather(self._starting, return_exceptions=True)
        if isinstance(started, EmbeddedAws):
            await started.close()


@dataclass(frozen=True, slots=True)
class HeadStart:
    """``reading`` is the template, as it was read first; ``emulator`` is None with an endpoint of the user's own."""

    settings: RunSettings
    console: Console
    options: LoadOptions
    preparation: Preparation
    processes: ProcessSupervisor
    doors: Doors
    emulator: StartingAws | None


async def begin(
    stack: AsyncExitStack, settings: RunSettings, console: Console, options: LoadOptions
) -> tuple[HeadStart, asyncio.Future[Definition]]:
    """Closed again when ``stack`` unwinds. Beside the head start the template, being read.

    Raises UserError for what a person can mend; what is wrong with the template is told before anything else.
    """
    preparation = Preparation()
    stack.callback(preparation.close)
    reading = asyncio.ensure_future(preparation.read(settings.template, options))
    stack.push_async_callback(_given_up, reading)
    try:
        doors = await _bind_doors(stack, settings)
    except Exception:
        await reading
        raise
    processes = ProcessSupervisor()
    stack.push_async_callback(processes.close)
    emulator = None
    if settings.endpoint_url is None:
        emulator = StartingAws(processes, _emulator_options(settings, doors, options.account_id), console)
        stack.push_async_callback(emulator.close)
    return HeadStart(settings, console, options, preparation, processes, doors, emulator), reading


def bracketed(host: str) -> str:
    """A host as URLs write it."""
    return f"[{host}]" if ":" in host else host


async def _given_up(reading: asyncio.Future[Definition]) -> None:
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


async def _bind_doors(stack: AsyncExitStack, settings: RunSettings) -> Doors:
    async def door(host: str, port: int) -> Bound:
        bound = await bind(host, port)
        stack.callback(bound.close)
        return bound

    return Doors(
        plain=await door(settings.host, settings.port),
        secure=await door(settings.host, settings.tls_port),
        functions=await door(LOOPBACK, 0),
        secure_functions=await door(LOOPBACK, 0),
    )


def _emulator_options(settings: RunSettings, doors: Doors, account_id: str) -> EmbeddedOptions:
    host = LOOPBACK if settings.host in EVERYWHERE else settings.host
    return EmbeddedOptions(
        account_id=account_id,
        lambda_url=f"http://{LOOPBACK}:{doors.functions.port}",
        management_url=f"http://{bracketed(host)}:{doors.plain.port}",
    )
