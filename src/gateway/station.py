"""What a node of a fleet stands on: ports, the authority that its handlers trust, processes, and where AWS is.

The counterpart of ``ground`` for ``wsfleet serve``: nothing is emulated, created or watched.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Final

from gateway.control.disk import stack_name
from gateway.control.hookless import with_local_domain
from gateway.elsewhere import Elsewhere, leads_elsewhere
from gateway.invoke.environment import Account, Endpoints, HostRule
from gateway.model.aws import DUMMY_CREDENTIALS, AwsEndpoint, Credentials
from gateway.model.definition import Definition
from gateway.model.errors import RegistryUnavailable, UserError
from gateway.ports import Clock, Members
from gateway.preparing import Preparation
from gateway.processes.supervisor import ProcessSupervisor
from gateway.report.outlets import Outlets
from gateway.report.report import Report
from gateway.server.listener import LOOPBACK, Bound, bind
from gateway.settings import ServeSettings, aws_credentials, tool_environment
from gateway.system.clock import SystemClock
from gateway.template.options import LoadOptions
from gateway.tls.names import AWS_SUFFIXES
from gateway.tls.prepared import PreparedAuthority

STACK: Final = "stack name"
_CHAIN: Final = (  # of the SDKs, for whoever has no keys in the environment
    "AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_EC2_METADATA_DISABLED",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Doors:
    """``public`` and ``public_tls`` (None without) are for clients and callers, and for balancers with their PROXY
    headers; the others for handlers of this node, on loopback."""

    public: Bound
    public_tls: Bound | None
    handlers: Bound
    plain_handlers: Bound
    functions: Bound
    secure_functions: Bound


@dataclass(frozen=True, slots=True)
class Station:
    """``definition`` is as served. ``keys`` are this node's own, None when the SDK's chain finds them."""

    settings: ServeSettings
    outlets: Outlets
    clock: Clock
    processes: ProcessSupervisor
    authority: PreparedAuthority
    doors: Doors
    aws: AwsEndpoint
    keys: Credentials | None
    options: LoadOptions
    definition: Definition

    @property
    def log(self) -> Report:
        return self.outlets.report

    @property
    def names(self) -> tuple[str, ...]:
        """What the certificate for clients names beside this machine's usual names."""
        return _names(self.settings, self.definition)

    @property
    def elsewhere(self) -> Elsewhere:
        url, roots, at_once = (
            self.settings.lambda_endpoint_url,
            self.authority.bundle_path,
            leads_elsewhere(self.definition),
        )
        return Elsewhere(self.aws, url, roots, tool_environment(), self.clock, self.log, at_once)

    @property
    def account(self) -> Account:
        """Whose account handlers run in: the node's own."""
        environ = tool_environment()
        chain = {name: environ[name] for name in _CHAIN if name in environ}
        return Account(self.settings.region, self.keys, chain)

    @property
    def endpoints(self) -> Endpoints:
        """Handlers find the management API and each other here, everything else where the SDK finds it."""
        doors, first = self.doors, next(iter(self.definition.apis[0].stages))
        own = ("*.execute-api.*", "execute-api.*", *(each.domain_name for each in self.definition.domain_names))
        rules = (
            *(HostRule(name, LOOPBACK, doors.handlers.port, doors.plain_handlers.port) for name in own),
            *(HostRule(f"lambda.*.{suffix}", LOOPBACK, doors.secure_functions.port) for suffix in AWS_SUFFIXES),
        )
        return Endpoints(
            ca_bundle=str(self.authority.bundle_path),
            aws_url=self.settings.endpoint_url,
            lambda_url=f"http://{LOOPBACK}:{doors.functions.port}",
            management_url=f"https://{_local_domain(doors)}/{first}",
            hosts=rules,
        )


async def build_station(
    stack: AsyncExitStack,
    settings: ServeSettings,
    outlets: Outlets,
    preparation: Preparation,
    definition: Definition,
    *,
    shared: bool,
) -> Station:
    """Closed again when ``stack`` unwinds; ``shared``: other processes have the same ports for clients. The settings
    name the stack that ``definition`` is of.

    Raises UserError for what a person can mend.
    """
    keys = own_keys(settings)
    options = load_options(settings)
    doors = await _bind(stack, settings, shared)
    authority = await _authority(preparation, settings, definition)
    processes = ProcessSupervisor()
    stack.push_async_callback(processes.close)
    aws = AwsEndpoint(settings.endpoint_url, settings.region, keys, _roots(settings, authority))
    served = with_local_domain(definition, _local_domain(doors))
    return Station(settings, outlets, SystemClock(), processes, authority, doors, aws, keys, options, served)


async def agree_on_stack(members: Members, settings: ServeSettings) -> ServeSettings:
    """The settings with the fleet's stack name, which the first to ask has given it: API IDs are made of it, and nodes
    whose APIs had other IDs would not know each other's connections. Raises UserError."""
    mine = settings.stack_name or stack_name(settings.template)
    try:
        agreed = await members.agree(STACK, mine)
    except RegistryUnavailable as error:
        raise UserError(
            f"the fleet cannot be asked for its stack name: {error}",
            "check --endpoint-url, --region and the credentials, then try again",
        ) from error
    if settings.stack_name is not None and settings.stack_name != agreed:
        raise UserError(
            f"this fleet's stack name is {agreed}, not {settings.stack_name}",
            "leave --stack-name out, or use another --table for another application",
        )
    return replace(settings, stack_name=agreed)


def load_options(settings: ServeSettings) -> LoadOptions:
    """What the template is loaded with."""
    return LoadOptions(
        settings.stack_name or stack_name(settings.template),
        settings.region,
        account_id=settings.account_id,
        parameters=settings.parameter_overrides,
        stage=settings.stage,
        api=settings.only_api,
        aws_endpoint_url=settings.endpoint_url,
        remote_functions=settings.lambda_endpoint_url is not None,
    )


def own_keys(settings: ServeSettings) -> Credentials | None:
    """This node's, None for those of the SDK's chain. Raises UserError when nobody could sign for it."""
    found = aws_credentials()
    if found is not None:
        return Credentials(*found)
    if settings.endpoint_url is not None:
        return DUMMY_CREDENTIALS  # an emulator takes them
    if settings.no_auth:
        return None
    raise UserError(
        "nobody could sign calls of the management API: this node has no keys of its own",
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or --no-auth where only trusted callers reach this node",
    )


async def _authority(preparation: Preparation, settings: ServeSettings, definition: Definition) -> PreparedAuthority:
    roots = () if settings.ca_bundle is None else (settings.ca_bundle,)
    names = _names(settings, definition)
    return await preparation.authority(settings.directories.state / "tls", names, roots, servers=(names, ()))


def _roots(settings: ServeSettings, authority: PreparedAuthority) -> str | None:
    return None if settings.ca_bundle is None else str(authority.bundle_path)


async def _bind(stack: AsyncExitStack, settings: ServeSettings, are_shared: bool) -> Doors:
    async def door(host: str, port: int, *, shared: bool = False) -> Bound:
        bound = await bind(host, port, shared=shared)
        stack.callback(bound.close)
        return bound

    return Doors(
        public=await door(settings.host, settings.port, shared=are_shared),
        public_tls=None
        if settings.tls_port is None
        else await door(settings.host, settings.tls_port, shared=are_shared),
        handlers=await door(LOOPBACK, 0),
        plain_handlers=await door(LOOPBACK, 0),
        functions=await door(LOOPBACK, 0),
        secure_functions=await door(LOOPBACK, 0),
    )


def _names(settings: ServeSettings, definition: Definition) -> tuple[str, ...]:
    own: Mapping[str, None] = dict.fromkeys(
        (settings.host, *(domain.domain_name for domain in definition.domain_names))
    )
    return tuple(name for name in own if name not in ("0.0.0.0", "::", "", "localhost"))  # noqa: S104 - recognised


def _local_domain(doors: Doors) -> str:
    return f"localhost:{doors.handlers.port}"
