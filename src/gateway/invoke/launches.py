"""Functions of a template made ready to run on this machine: code, interpreter, packages and environment, as a Launch.

What takes long is made once and kept in the cache; what a caller hears of it is progress, warnings (each once) and
LaunchErrors that name the function. Starting the process, and everything after that, is somebody else's.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final, TypeVar
from uuid import uuid4

from gateway.invoke.code import CodeFolders, CodeStore
from gateway.invoke.entry import bootstrap_of, check_handler
from gateway.invoke.env_vars import EnvVars
from gateway.invoke.environment import LATEST, WRAPPER, Account, Endpoints, Places, handler_environment, ignored
from gateway.invoke.installs import Installs
from gateway.invoke.interpreters import Interpreters
from gateway.invoke.launch import Launch, Launches, RuntimeClient
from gateway.invoke.node_dependencies import NodeDependencies
from gateway.invoke.npm import Npm
from gateway.invoke.opt import Opt, opt_of
from gateway.invoke.pip import Pip
from gateway.invoke.programs import Programs
from gateway.invoke.python_dependencies import PythonDependencies
from gateway.invoke.python_home import PythonHomes, closure
from gateway.invoke.runtimes import Family, Runtime, runtime_of
from gateway.invoke.sdk import NodeSdk
from gateway.invoke.store import Store
from gateway.model.function import Function
from gateway.model.ids import FunctionName
from gateway.ports import Processes

T = TypeVar("T")

EXECUTOR_THREADS: Final = 2  # unpacking and reading sources; both wait for the disk
HOOKS: Final = Path(__file__).parent / "hooks"
NODE_CLIENT: Final = Path(__file__).parent / "bootstrap" / "node.mjs"
PYTHON_CLIENT: Final = NODE_CLIENT.with_name("python.py")


@dataclass(frozen=True, slots=True)
class Laptop:
    """Where functions run: ``base`` is the template's folder, ``cache`` a folder of ours (made when needed), ``env``
    the environment that tools like pip and npm get; of it, handlers get ``PATH`` alone. ``runtime_client`` is for
    functions in Python and Node without a wrapper script, which may want to stand between its runtime and the API."""

    base: Path
    cache: Path
    account: Account
    endpoints: Endpoints
    env: Mapping[str, str] = field(repr=False)
    env_vars: EnvVars = field(default_factory=EnvVars)
    runtime_client: RuntimeClient = RuntimeClient.OWN


@dataclass(frozen=True, slots=True)
class _Commands:
    """What starts a runtime: by the Runtime API, and by the channel, None where there is no such program."""

    by_api: tuple[str, ...]
    by_channel: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Prepared:
    function: Function
    fingerprint: str
    commands: _Commands
    places: Places


class LocalLaunches(Launches):
    """``say`` takes a line of progress, ``warn`` a line that a person should act on."""

    def __init__(
        self, laptop: Laptop, processes: Processes, say: Callable[[str], None], warn: Callable[[str], None]
    ) -> None:
        self._laptop = laptop
        self._warn = warn
        self._warned: set[str] = set()
        self._prepared: dict[FunctionName, _Prepared] = {}
        self._executor = ThreadPoolExecutor(EXECUTOR_THREADS, "code")
        store = self._store = Store(laptop.cache)
        self._is_tidy = False
        programs = Programs(processes, laptop.env)
        installs = Installs(store, say)
        pip, npm = Pip(programs), Npm(programs)
        self._code = CodeStore(laptop.base, store, self._executor)
        self._interpreters = Interpreters(programs, warn)
        self._homes = PythonHomes(store, pip, self._interpreters, say)
        self._python_dependencies = PythonDependencies(installs, pip, managed_versions)
        self._node_dependencies = NodeDependencies(installs, npm)
        self._sdk = NodeSdk(store, installs, npm, warn)

    async def prepare(self, function: Function) -> Launch:
        if not self._is_tidy:
            self._is_tidy = True
            await self._elsewhere(self._store.remove_unused)
        fingerprint = await self._elsewhere(lambda: self.fingerprint(function))
        known = self._prepared.get(function.function_name)
        if known is None or known.function != function or known.fingerprint != fingerprint:
            known = _Prepared(function, fingerprint, *await self._make_ready(function))
            self._prepared[function.function_name] = known
        return self._launch(known)

    def fingerprint(self, function: Function) -> str:
        return self._code.fingerprint(function)

    async def close(self) -> None:
        """Let go of the threads; whatever is being prepared must have been cancelled before."""
        await asyncio.to_thread(self._executor.shutdown, wait=True, cancel_futures=True)

    async def _make_ready(self, function: Function) -> tuple[_Commands, Places]:
        runtime = runtime_of(function)
        folders = await self._code.folders(function)
        match runtime.family:
            case Family.PYTHON:
                return await self._python(function, runtime, folders)
            case Family.NODE:
                return await self._node(function, runtime, folders)
            case Family.PROVIDED:
                return _Commands((bootstrap_of(function, folders),)), self._places(folders, opt_of(folders, runtime))

    async def _python(self, function: Function, runtime: Runtime, folders: CodeFolders) -> tuple[_Commands, Places]:
        home = await self._homes.home(runtime)
        opt = opt_of(folders, runtime)
        packages = []
        for root in (folders.task_root, *opt.unbuilt):
            packages.append(await self._python_dependencies.folder(root, home.python, _who(function)))
        search = (folders.task_root, *(folder for folder in packages if folder is not None), *opt.python)
        check_handler(function, runtime, search)
        places = self._places(folders, opt, python=search, programs=(home.program.parent,), python_hooks=HOOKS)
        program, handler = str(home.program), places.local(function.handler)
        commands = _Commands((program, "-m", "awslambdaric", handler), (program, str(PYTHON_CLIENT), handler))
        return commands, places

    async def _node(self, function: Function, runtime: Runtime, folders: CodeFolders) -> tuple[_Commands, Places]:
        node = await self._interpreters.node(runtime, function.logical_id)
        opt = opt_of(folders, runtime)
        roots = (folders.task_root, *opt.unbuilt)
        installed = [await self._node_dependencies.modules(root, node, _who(function)) for root in roots]
        packages = (*(folder for folder in installed if folder is not None), *opt.node)
        check_handler(function, runtime, (folders.task_root, *packages))
        needed = await self._elsewhere(lambda: {name for root in roots for name in self._sdk.needed(root, packages)})
        managed = await self._sdk.modules(needed, node, runtime, _who(function))
        search = (*packages, *(() if managed is None else (managed,)), folders.task_root)
        programs = (Path(node.program).parent,)
        places = self._places(folders, opt, node=search, programs=programs, node_hook=HOOKS / "hook.cjs")
        argv = (node.program, str(NODE_CLIENT))
        return _Commands(argv, argv), places

    def _places(
        self,
        folders: CodeFolders,
        opt: Opt,
        *,
        python: tuple[Path, ...] = (),
        node: tuple[Path, ...] = (),
        programs: tuple[Path, ...] = (),
        python_hooks: Path | None = None,
        node_hook: Path | None = None,
    ) -> Places:
        libraries = (folders.task_root, folders.task_root / "lib", *opt.libraries)
        return Places(
            task_root=folders.task_root,
            home=self._laptop.cache / "home",
            path=self._laptop.env.get("PATH", os.defpath),
            opt=folders.opt,
            python_hooks=python_hooks,
            node_hook=node_hook,
            python=python,
            node=node,
            programs=(*programs, *opt.programs),
            libraries=tuple(folder for folder in libraries if folder.is_dir()),
        )

    def _launch(self, prepared: _Prepared) -> Launch:
        function, places = prepared.function, prepared.places
        places.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        overrides = self._laptop.env_vars.of(function)
        for name in ignored(function, overrides):
            self._warn_once(f"{_who(function)}: {name} is reserved by Lambda and keeps its own value")
        environment = handler_environment(
            function, self._laptop.account, self._laptop.endpoints, places, overrides, _log_stream()
        )
        argv, has_channel = prepared.commands.by_api, False
        wrapper = environment.get(WRAPPER)
        if wrapper and not function.runtime.startswith("provided"):
            if os.access(wrapper, os.X_OK):
                argv = (wrapper, *argv)
            else:
                self._warn_once(f"{_who(function)}: {WRAPPER} {wrapper} is not here; it starts without")
        elif prepared.commands.by_channel and self._laptop.runtime_client is RuntimeClient.OWN:
            argv, has_channel = prepared.commands.by_channel, True
        return Launch(argv, environment, str(places.task_root), function.memory_mib, has_channel)

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self._warn(text)

    async def _elsewhere(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def managed_versions() -> dict[str, str | None]:
    """What every Python handler can import without declaring it."""
    return {name: metadata.version(name) for name in closure()}


def _who(function: Function) -> str:
    return f"function {function.logical_id}"


def _log_stream() -> str:
    return f"{datetime.now(UTC):%Y/%m/%d}/[{LATEST}]{uuid4().hex}"
