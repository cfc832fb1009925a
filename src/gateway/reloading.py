"""Changes on disk taken up while serving: code by the next invocation, a template when it still loads.

Open sockets stay in any case. A template that no longer loads changes nothing, and its problems are told.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from gateway.control.disk import code_paths
from gateway.control.watch import code_changes, template_changes
from gateway.emulation.resources import ResourceCreator
from gateway.engine.directory import Directory
from gateway.invoke.functions import LocalFunctions
from gateway.invoke.launch import LaunchError
from gateway.invoke.launches import LocalLaunches
from gateway.model.definition import Definition
from gateway.model.errors import DefinitionError, UserError
from gateway.model.function import Function
from gateway.node import Node
from gateway.report.console import Console
from gateway.sources.sources import EventSources
from gateway.tasks import Tasks


class Reloading:
    """``read`` gives the definition as it is on disk now, or raises UserError."""

    def __init__(
        self,
        read: Callable[[], Awaitable[Definition]],
        creator: ResourceCreator,
        functions: LocalFunctions,
        launches: LocalLaunches,
        console: Console,
    ) -> None:
        self._read = read
        self._creator = creator
        self._functions = functions
        self._launches = launches
        self._console = console
        self._tasks = Tasks(console.failed)
        self._node: Node | None = None
        self._sources: EventSources | None = None
        self._definition: Definition | None = None
        self._code_moved = asyncio.Event()

    async def begin(self, definition: Definition) -> None:
        """Take a definition into use: its resources exist, its functions are ready to be started."""
        self._tell(definition)
        preparing = asyncio.gather(*map(self._prepare, definition.functions.values()))
        try:
            await self._create(definition)
            await self._functions.replace(definition.functions)
            await preparing
        finally:
            preparing.cancel()
        self._definition = definition
        if self._node is not None:
            self._node.redeploy(Directory(definition))
        if self._sources is not None:
            await self._sources.replace(definition.event_sources)
        self._code_moved.set()

    def follow(self, node: Node) -> None:
        """Redeploy this node from now on."""
        self._node = node

    async def feed(self, sources: EventSources) -> None:
        """Let the definition's queues and streams call its functions from now on."""
        self._sources = sources
        assert self._definition is not None, "begin comes first"
        await sources.replace(self._definition.event_sources)

    def watch(self, stack: AsyncExitStack, template: Path) -> None:
        """Watch until ``stack`` unwinds."""
        stop = asyncio.Event()
        stack.push_async_callback(self._tasks.close)
        stack.callback(stop.set)
        self._tasks.start(self._watch_template(template, stop), "watching the template")
        self._tasks.start(self._watch_code(stop), "watching the code")

    async def _watch_template(self, template: Path, stop: asyncio.Event) -> None:
        async for _ in template_changes(template, stop):
            try:
                definition = await self._read()
                await self.begin(definition)
            except DefinitionError as error:
                for problem in error.problems:
                    self._console.failed(str(problem))
                self._console.said("the template no longer loads; the one before stays in use")
            except UserError as error:
                self._console.failed(error.message)
                self._console.said("the template cannot be read; the one before stays in use")
            else:
                self._console.said("the changed template is in use")

    async def _watch_code(self, stop: asyncio.Event) -> None:
        """Anew after each change of the definition, for other folders may matter then."""
        while not stop.is_set():
            self._code_moved.clear()
            assert self._definition is not None, "begin comes first"
            ended = asyncio.Event()
            moved = asyncio.ensure_future(self._either(stop, ended))
            try:
                await self._follow_code(code_changes(code_paths(self._definition), ended))
                await ended.wait()  # at once, unless there is no code to watch
            finally:
                moved.cancel()

    async def _either(self, stop: asyncio.Event, ended: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (stop, self._code_moved)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            ended.set()

    async def _follow_code(self, batches: AsyncIterator[None]) -> None:
        async for _ in batches:
            if self._definition is not None:
                await self._functions.replace(self._definition.functions)
                self._console.said("changed code is used from the next invocation on")

    async def _create(self, definition: Definition) -> None:
        created = await self._creator.create(definition.resources)
        for note in created.notes:
            self._console.warned(str(note))
        for failure in created.failures:
            self._console.failed(str(failure))

    async def _prepare(self, function: Function) -> None:
        try:
            await self._launches.prepare(function)
        except LaunchError as error:
            hint = f"\n  hint: {error.hint}" if error.hint else ""
            self._console.warned(f"{error.message}{hint}")

    def _tell(self, definition: Definition) -> None:
        for warning in definition.warnings:
            self._console.warned(str(warning))
