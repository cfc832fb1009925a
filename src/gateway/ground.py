"""What a run stands on: ports, the certificate authority, processes and AWS, laid before anything is served."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.control.hookless import with_local_domain
from gateway.elsewhere import Elsewhere
from gateway.emulation.regions import region_names
from gateway.head_start import EVERYWHERE, Doors, HeadStart, bracketed
from gateway.model.aws import DUMMY_CREDENTIALS, AwsEndpoint, Credentials
from gateway.model.definition import Definition
from gateway.preparing import Preparation
from gateway.processes.supervisor import ProcessSupervisor
from gateway.report.console import Console
from gateway.server.listener import LOCALHOST, LOOPBACK
from gateway.settings import RunSettings, aws_credentials, tool_environment
from gateway.system.clock import SystemClock
from gateway.template.options import LoadOptions
from gateway.tls.authority import Authority, open_authority


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything stands on; ``names`` are those of this gateway beside its machine's usual ones."""

    settings: RunSettings
    console: Console
    clock: SystemClock
    preparation: Preparation
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

    async def read_definition(self) -> Definition:
        """The template as it is on disk now. Raises UserError."""
        definition = await self.preparation.read(self.settings.template, self.options)
        return with_local_domain(definition, self.local_domain)


def _authority(settings: RunSettings, names: tuple[str, ...] = ()) -> Authority:
    roots = () if settings.ca_bundle is None else (settings.ca_bundle,)
    return open_authority(settings.directories.state / "tls", names, extra_roots=roots)


def own_names(host: str, definition: Definition) -> tuple[str, ...]:
    """What the certificate must name beside this machine's usual names: custom domains too."""
    own = () if host in (*EVERYWHERE, LOCALHOST) else (host,)
    return (*own, *(domain.domain_name for domain in definition.domain_names))


async def lay_ground(head_start: HeadStart, reading: Awaitable[Definition]) -> Ground:
    """``reading`` is the template as it is read first; the embedded AWS does not wait for it. Raises UserError for what
    a person can mend."""
    settings, options, doors = head_start.settings, head_start.options, head_start.doors
    authority = _authority(settings)
    if head_start.emulator is not None:
        head_start.emulator.tell(authority.leaf_file("emulator", tuple(_emulated_hosts())))
        names = own_names(settings.host, await reading)
        emulator = await head_start.emulator.ready()
        aws = AwsEndpoint(emulator.url, settings.region)
        ports = (emulator.port, emulator.tls_port or 0)
    else:
        assert settings.endpoint_url is not None, "the embedded AWS is there without one"
        names = own_names(settings.host, await reading)
        trusted = str(authority.bundle_path)
        aws, ports = AwsEndpoint(settings.endpoint_url, settings.region, _user_credentials(), trusted), None
    options = replace(options, aws_endpoint_url=aws.url)
    return Ground(
        settings,
        head_start.console,
        SystemClock(),
        head_start.preparation,
        head_start.processes,
        _authority(settings, names) if names else authority,
        doors,
        aws,
        ports,
        options,
        names,
    )


def _user_credentials() -> Credentials:
    """With an endpoint of the user's own its credentials may matter; without any, an emulator takes the dummies."""
    found = aws_credentials()
    return DUMMY_CREDENTIALS if found is None else Credentials(*found)


def _emulated_hosts() -> Iterator[str]:
    """What the emulator's certificate names: a wildcard stands for one label only."""
    yield from ("localhost", "*.amazonaws.com", "*.s3.amazonaws.com")
    for region in region_names():
        yield from (f"*.{region}.amazonaws.com", f"*.s3.{region}.amazonaws.com")
