"""What a run stands on: ports, the certificate authority, processes and AWS, laid before anything is served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gateway.control.disk import read_definition
from gateway.control.hookless import with_local_domain
from gateway.elsewhere import Elsewhere
from gateway.emulation.embedded import EmbeddedAws
from gateway.emulation.options import EmbeddedOptions
from gateway.emulation.regions import region_names
from gateway.model.aws import DUMMY_CREDENTIALS, AwsEndpoint, Credentials
from gateway.model.definition import Definition
from gateway.processes.supervisor import ProcessSupervisor
from gateway.report.console import Console
from gateway.server.listener import LOCALHOST, LOOPBACK, Bound, bind
from gateway.settings import RunSettings, aws_credentials, tool_environment
from gateway.system.clock import SystemClock
from gateway.template.options import LoadOptions
from gateway.tls.authority import Authority, open_authority

EVERYWHERE: Final = ("0.0.0.0", "::", "")  # noqa: S104 - recognised, not bound


@dataclass(frozen=True, slots=True)
class Doors:
    """Every port, listening but not yet served, so that all can be told before anything is started."""

    plain: Bound
    secure: Bound
    functions: Bound
    secure_functions: Bound


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything stands on; ``names`` are those of this gateway beside its machine's usual ones."""

    settings: RunSettings
    console: Console
    clock: SystemClock
    processes: ProcessSupervisor
    authority: Authority
    doors: Doors
    aws: AwsEndpoint
    emulator_ports: tuple[int, int] | None
    options: LoadOptions
    names: tuple[str, ...]

    @property
    def key_file(self) -> Path:
        return self.settings.directories.state / "connection-ids.key"

    @property
    def own_address(self) -> str:
        """Where processes of this machine reach the front door; an IP address."""
        bound: str = self.doors.secure.sockets[0].getsockname()[0]
        return LOOPBACK if bound in EVERYWHERE else bound

    @property
    def local_domain(self) -> str:
        """The TLS door's name and port, for processes of this machine."""
        host = "localhost" if self.own_address == LOOPBACK else bracketed(self.own_address)
        return f"{host}:{self.doors.secure.port}"

    @property
    def elsewhere(self) -> Elsewhere:
        url, roots = self.settings.lambda_endpoint_url, self.authority.bundle_path
        return Elsewhere(self.aws, url, roots, tool_environment(), self.clock, self.console)

    def read_definition(self) -> Definition:
        """The template as it is on disk now. Raises UserError."""
        return with_local_domain(read_definition(self.settings.template, self.options), self.local_domain)


def _extra_roots(settings: RunSettings) -> tuple[Path, ...]:
    return () if settings.ca_bundle is None else (settings.ca_bundle,)


def own_names(host: str, definition: Definition) -> tuple[str, ...]:
    """What the certificate must name beside this machine's usual names: custom domains too."""
    own = () if host in (*EVERYWHERE, LOCALHOST) else (host,)
    return (*own, *(domain.domain_name for domain in definition.domain_names))


def bracketed(host: str) -> str:
    """A host as URLs write it."""
    return f"[{host}]" if ":" in host else host


async def lay_ground(
    stack: AsyncExitStack, settings: RunSettings, console: Console, options: LoadOptions, names: tuple[str, ...]
) -> Ground:
    """Closed again when ``stack`` unwinds. Raises UserError for what a person can mend."""
    doors = await _bind_doors(stack, settings)
    authority = open_authority(settings.directories.state / "tls", names, extra_roots=_extra_roots(settings))
    processes = ProcessSupervisor()
    stack.push_async_callback(processes.close)
    if settings.endpoint_url is None:
        embedded = _emulator_options(settings, doors, authority, options.account_id)
        emulator = await _start_emulator(stack, (processes, console), embedded)
        aws = AwsEndpoint(emulator.url, settings.region)
        ports = (emulator.port, emulator.tls_port or 0)
    else:
        trusted = str(authority.bundle_path)
        aws, ports = AwsEndpoint(settings.endpoint_url, settings.region, _user_credentials(), trusted), None
    options = replace(options, aws_endpoint_url=aws.url)
    return Ground(settings, console, SystemClock(), processes, authority, doors, aws, ports, options, names)


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


def _emulator_options(settings: RunSettings, doors: Doors, authority: Authority, account_id: str) -> EmbeddedOptions:
    host = LOOPBACK if settings.host in EVERYWHERE else settings.host
    return EmbeddedOptions(
        account_id=account_id,
        certificate=authority.leaf_file("emulator", tuple(_emulated_hosts())),
        lambda_url=f"http://{LOOPBACK}:{doors.functions.port}",
        management_url=f"http://{bracketed(host)}:{doors.plain.port}",
    )


async def _start_emulator(
    stack: AsyncExitStack, ground: tuple[ProcessSupervisor, Console], options: EmbeddedOptions
) -> EmbeddedAws:
    processes, console = ground
    emulator = await EmbeddedAws.start(
        processes,
        options,
        on_line=lambda stream, line: console.output(stream, f"[aws] {line}"),
        on_death=lambda why: console.failed(f"{why}; tables and queues are lost: start again"),
    )
    stack.push_async_callback(emulator.close)
    return emulator


def _user_credentials() -> Credentials:
    """With an endpoint of the user's own its credentials may matter; without any, an emulator takes the dummies."""
    found = aws_credentials()
    return DUMMY_CREDENTIALS if found is None else Credentials(*found)


def _emulated_hosts() -> Iterator[str]:
    """What the emulator's certificate names: a wildcard stands for one label only."""
    yield from ("localhost", "*.amazonaws.com", "*.s3.amazonaws.com")
    for region in region_names():
        yield from (f"*.{region}.amazonaws.com", f"*.s3.{region}.amazonaws.com")
