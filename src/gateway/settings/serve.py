"""What ``wsfleet serve``, and the commands that look after a fleet, are asked to do.

Every field may be set in a file, by a variable and by a flag; ``gateway.settings.sources`` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.access.origin import Origins
from gateway.model.errors import UserError
from gateway.model.limits import (
    BYTES_PER_S,
    LIFTED_GROUP_NAME_CHARS,
    LIFTED_GROUPS,
    LIFTED_MESSAGE_BYTES,
    MAX_MESSAGES_IN_FLIGHT,
    MESSAGES_PER_S,
    PINGS_PER_S,
    SLOW_CLIENT_MS,
    Limits,
)
from gateway.model.networks import NOBODY, Networks
from gateway.registry.keys import DEFAULT_TABLE
from gateway.settings.environment import DEFAULT_REGION, REGION_VARIABLES, Directories, directories
from gateway.settings.kinds import (
    MAX_PORT,
    AccountId,
    Callers,
    Cidrs,
    HostPort,
    Location,
    Number,
    NumberOrZero,
    OneOf,
    OriginPatterns,
    Pairs,
    Place,
    Region,
    Switch,
    Url,
    Whole,
    Word,
)
from gateway.settings.profile import AWS_PROFILE, profile_in
from gateway.settings.run import DEFAULT_HOST, DEFAULT_PORT, TO_OUTPUT
from gateway.settings.setting import about
from gateway.template.options import DEFAULT_ACCOUNT_ID

MAX_WORKERS: Final = 64  # node numbers are cheap, memory and connections to DynamoDB are not
KEY_FILE: Final = "fleet.key"  # not the laptop's
NOWHERE: Final = "none"
UNLIMITED: Final = "0 is no limit"
ON_OR_OFF: Final = ("on", "off")
_PORTS: Final = Whole(0, MAX_PORT)
_RATE: Final = Number(0, 1_000_000)
_AGES: Final = NumberOrZero(0.1, 1_000_000_000)  # 30 years
_SIZE: Final = Whole(125, LIFTED_MESSAGE_BYTES)  # a control frame is as long; nobody wants less
_MANY: Final = 10_000_000  # more descriptors than any kernel hands out
_WAIT: Final = "more waits in its TCP buffers"
_EVERYWHERE: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """Paths are as they were given; those of a file are relative to its folder. None is explained by each field."""

    api: Path | None = field(
        default=None,
        metadata=about(
            Location("TEMPLATE"),
            "The SAM or CloudFormation template of the application.",
            default="template.yaml, template.yml or template.json here",
        ),
    )
    only_api: str | None = field(
        default=None,
        metadata=about(Word(), "Serve only this API of the template, by logical ID or name.", default="all"),
    )
    stage: str | None = field(
        default=None,
        metadata=about(
            Word(), "Serve this stage (first); one that the template lacks is added.", default="the template's own"
        ),
    )
    stack_name: str | None = field(
        default=None,
        metadata=about(
            Word(),
            "The name in API IDs and functions' names; the same on all nodes of a fleet.",
            default="what the fleet has agreed on: the folder of the first node's template",
        ),
    )
    parameter_overrides: Mapping[str, str] = field(
        default_factory=dict,
        metadata=about(Pairs(), "Values of the template's parameters.", default="the template's own"),
    )
    env_vars: Path | None = field(
        default=None,
        metadata=about(Location(), "JSON with the variables of functions, in the form of sam local.", default=NOWHERE),
    )
    region: str = field(
        default=DEFAULT_REGION,
        metadata=about(Region(), "The region of the table, of ARNs, events and environments.", also=REGION_VARIABLES),
    )
    account_id: str = field(default=DEFAULT_ACCOUNT_ID, metadata=about(AccountId(), "The account in ARNs and events."))
    table: str = field(
        default=DEFAULT_TABLE,
        metadata=about(Word(), "The DynamoDB table of connections and nodes; nodes with the same one are one fleet."),
    )
    endpoint_url: str | None = field(
        default=None, metadata=about(Url(), "Where DynamoDB and the other services are.", default="AWS itself")
    )
    lambda_endpoint_url: str | None = field(
        default=None,
        metadata=about(
            Url(or_aws=True),
            "Where functions are that the template does not define; aws is AWS itself.",
            default="nowhere",
        ),
    )
    ca_bundle: Path | None = field(
        default=None,
        metadata=about(Location(), "Certificate authorities to trust beside the public ones.", default=NOWHERE),
    )
    runtime_client: str = field(
        default="own",
        metadata=about(
            OneOf(("own", "aws")),
            "How Python and Node functions get their events: over pipes, or by AWS's runtime clients over HTTP.",
        ),
    )
    host: str = field(
        default=DEFAULT_HOST, metadata=about(Word("ADDRESS"), "Where to listen; 0.0.0.0 is every address.")
    )
    port: int = field(
        default=DEFAULT_PORT, metadata=about(_PORTS, "For ws:// and http://; 0 takes a free one.", "port")
    )
    tls_port: int | None = field(
        default=None, metadata=about(_PORTS, "For wss:// and https://; 0 takes a free one.", "port", default="no TLS")
    )
    tls_cert_file: Path | None = field(
        default=None,
        metadata=about(
            Location(),
            "The certificate for tls_port and its chain, PEM; read again when it changes and on SIGHUP.",
            default="one of the node's own authority",
        ),
    )
    tls_key_file: Path | None = field(
        default=None,
        metadata=about(Location(), "Its private key, readable for its owner only.", default="in tls_cert_file"),
    )
    tls_cert_dir: Path | None = field(
        default=None,
        metadata=about(
            Location("DIR"),
            "Further certificates with keys, chosen by the name that a client asks for (SNI).",
            default=NOWHERE,
        ),
    )
    tls_client_ca_file: Path | None = field(
        default=None,
        metadata=about(Location(), "Authorities whose certificates clients may have, PEM.", default=NOWHERE),
    )
    tls_client_certs: str | None = field(
        default=None,
        metadata=about(
            OneOf(("off", "optional", "required")),
            "Whether clients of tls_port are asked for a certificate; one that is given must be right.",
            default="optional with tls_client_ca_file, else off",
        ),
    )
    trusted_proxies: Networks = field(
        default=NOBODY,
        metadata=about(
            Cidrs(), "From whom X-Forwarded-For, -Proto, -Port and PROXY headers are believed.", default="nobody"
        ),
    )
    proxy_protocol: str = field(
        default="off",
        metadata=about(
            OneOf(("off", "required")), "Whether connections of trusted_proxies begin with a PROXY header (v1 or v2)."
        ),
    )
    workers: int = field(
        default=1, metadata=about(Whole(1, MAX_WORKERS), "Processes that share the ports; each is a node.", "processes")
    )
    advertise: HostPort | None = field(
        default=None,
        metadata=about(
            Place(),
            "Where nodes on other machines reach this one; further workers take the ports after it.",
            default="this machine only",
        ),
    )
    peer_timeout_seconds: float = field(
        default=5.0,
        metadata=about(Number(0.1, 60), "How long the node that holds a connection may take to answer another.", "s"),
    )
    fleet_key_file: Path | None = field(
        default=None,
        metadata=about(
            Location(),
            "The secret that all nodes share: 32 bytes, made by the first one.",
            default=f"{KEY_FILE} in the state folder",
        ),
    )
    lease_seconds: float = field(
        default=10.0, metadata=about(Number(1, 3600), "How long a node that is not heard of counts as alive.", "s")
    )
    drain_seconds: float = field(
        default=30.0,
        metadata=about(Number(0, 86_400), "How long closing all sockets is spread when a node leaves.", "s"),
    )
    fence_close_code: int = field(
        default=1012,
        metadata=about(
            OneOf((1012, 1001)), "The close code for sockets of a node that has lost its lease.", "close code"
        ),
    )
    compression: str = field(
        default="on", metadata=about(OneOf(ON_OR_OFF), "Whether clients that offer permessage-deflate get it.")
    )
    connect_rate: float = field(default=500.0, metadata=about(_RATE, f"New connections per node; {UNLIMITED}.", "1/s"))
    request_rate: float = field(
        default=0.0, metadata=about(_RATE, f"Messages and management calls per node; {UNLIMITED}.", "1/s")
    )
    max_connections: int = field(
        default=0,
        metadata=about(
            Whole(0, _MANY), "TCP connections per node; more wait to be accepted. 0: as many as files may be open."
        ),
    )
    max_connections_per_address: int = field(
        default=0,
        metadata=about(
            Whole(0, _MANY),
            f"TCP connections per node from one address, of IPv6 one /64; more are closed unread. {UNLIMITED}.",
        ),
    )
    idle_timeout_seconds: float = field(
        default=AWS_PROFILE.idle_timeout_seconds,
        metadata=about(_AGES, "How long a connection may stay without data either way; 0 is for ever.", "s"),
    )
    connection_duration_seconds: float = field(
        default=AWS_PROFILE.connection_duration_seconds,
        metadata=about(_AGES, "How long a connection may stay at all; 0 is for ever.", "s"),
    )
    max_message_bytes: int = field(
        default=AWS_PROFILE.max_message_bytes,
        metadata=about(_SIZE, "The longest message, from a client or to one.", "bytes"),
    )
    max_frame_bytes: int = field(
        default=AWS_PROFILE.max_frame_bytes,
        metadata=about(_SIZE, "The longest frame of a client; longer messages to one leave in several.", "bytes"),
    )
    binary: str = field(
        default=AWS_PROFILE.binary,
        metadata=about(OneOf(ON_OR_OFF), "Whether binary messages reach handlers, in base64, and can be posted."),
    )
    ping_seconds: float = field(
        default=AWS_PROFILE.ping_seconds,
        metadata=about(
            NumberOrZero(1, 86_400),
            "How often clients are pinged; one that says nothing until the next is gone. 0: never.",
            "s",
        ),
    )
    ordering: str = field(
        default=AWS_PROFILE.ordering,
        metadata=about(
            OneOf(("aws", "connection")),
            "Whether a handler gets a connection's messages side by side, or one at a time and in order.",
        ),
    )
    early_posts: str = field(
        default=AWS_PROFILE.early_posts,
        metadata=about(
            OneOf(("aws", "hold")), "Whether a post to a connection whose $connect still runs is gone, or waits for it."
        ),
    )
    connection_groups: int = field(
        default=AWS_PROFILE.connection_groups,
        metadata=about(Whole(0, LIFTED_GROUPS), "Groups that one connection may be in.", "groups"),
    )
    group_name_characters: int = field(
        default=AWS_PROFILE.group_name_characters,
        metadata=about(Whole(1, LIFTED_GROUP_NAME_CHARS), "The longest name of a group.", "characters"),
    )
    connection_message_rate: float = field(
        default=MESSAGES_PER_S, metadata=about(_RATE, f"Messages of one connection; {_WAIT}. {UNLIMITED}.", "1/s")
    )
    connection_byte_rate: float = field(
        default=BYTES_PER_S,
        metadata=about(Number(0, 1e12), f"Bytes of one connection; {_WAIT}. {UNLIMITED}.", "bytes/s"),
    )
    connection_ping_rate: float = field(
        default=PINGS_PER_S, metadata=about(_RATE, f"Pings and pongs of one connection; {_WAIT}. {UNLIMITED}.", "1/s")
    )
    connection_in_flight: int = field(
        default=MAX_MESSAGES_IN_FLIGHT,
        metadata=about(Whole(1, 100_000), f"Messages of one connection that handlers are busy with; {_WAIT}."),
    )
    slow_client_seconds: float = field(
        default=SLOW_CLIENT_MS / 1000,
        metadata=about(
            Number(0, 86_400), "How long a client may take nothing of much that waits for it; 0 is for ever.", "s"
        ),
    )
    allowed_origins: tuple[str, ...] = field(
        default=(),
        metadata=about(
            OriginPatterns(), "Whose pages may connect: https://app.example.com, *.example.com.", default="everybody's"
        ),
    )
    require_origin: bool = field(
        default=False, metadata=about(Switch(), "Handshakes without an Origin, as programs send them, are refused too.")
    )
    metrics_port: int | None = field(
        default=None,
        metadata=about(
            _PORTS,
            "For GET /metrics; 0 takes a free one. Further workers take the ports after it.",
            "port",
            default="no metrics",
        ),
    )
    metrics_host: str = field(
        default=DEFAULT_HOST,
        metadata=about(Word("ADDRESS"), "Where to listen for it; any other than loopback needs a token."),
    )
    metrics_token_file: Path | None = field(
        default=None,
        metadata=about(Location(), "The token that whoever asks for /metrics must bear.", default=NOWHERE),
    )
    reap_rate: float = field(
        default=200.0,
        metadata=about(
            Number(1, 1_000_000), "$disconnect calls of the whole fleet for connections of dead nodes.", "1/s"
        ),
    )
    reap_attempts: int = field(
        default=5,
        metadata=about(Whole(1, 100), "How often a $disconnect of a dead node is tried before it is parked.", "calls"),
    )
    no_auth: bool = field(
        default=False, metadata=about(Switch(), "Management calls need a signature, but nobody's is verified.")
    )
    no_auth_on_network: bool = field(
        default=False,
        metadata=about(
            Switch(), "no_auth is meant, though the address is not of this machine alone: others let nobody else in."
        ),
    )
    principals_file: Path | None = field(
        default=None,
        metadata=about(
            Location(),
            "TOML with the access keys that callers of this fleet sign with, and their policies.",
            default="the node's own keys alone",
        ),
    )
    trust_iam: tuple[str, ...] = field(
        default=(),
        metadata=about(
            Callers(),
            "Accounts and ARNs that may exchange IAM's word for a key; principals_file grants what they may do.",
            default="nobody",
        ),
    )
    sts_endpoint_url: str | None = field(
        default=None,
        metadata=about(Url(), "The STS whose word is taken, with trust_iam.", default="AWS's own in the region"),
    )
    ready_file: Path | None = field(
        default=None, metadata=about(Location("PATH"), "Write JSON here once serving.", default=NOWHERE)
    )
    log_dir: Path = field(
        default=TO_OUTPUT, metadata=about(Location("DIR"), "Where stages that log write; - is standard output.")
    )
    log_format: str = field(
        default="json", metadata=about(OneOf(("json", "text")), "Of what is written to standard output.")
    )
    state_dir: Path = field(
        default_factory=lambda: directories({}).state,
        metadata=about(Location("DIR"), "Certificate authority, keys, logs.", default="the user's state folder"),
    )
    cache_dir: Path = field(
        default_factory=lambda: directories({}).cache,
        metadata=about(Location("DIR"), "What can be made again: code, layers.", default="the user's cache folder"),
    )

    @property
    def template(self) -> Path:
        """Raises UserError when there is none."""
        if self.api is None:
            raise UserError("no template.yaml here", "name a SAM or CloudFormation template: wsfleet serve --api FILE")
        return self.api

    @property
    def directories(self) -> Directories:
        return Directories(self.state_dir.absolute(), self.cache_dir.absolute())

    @property
    def key_file(self) -> Path:
        """Of the fleet's key, absolute."""
        return (self.fleet_key_file or self.directories.state / KEY_FILE).absolute()

    @property
    def log_folder(self) -> Path | None:
        """Where the logs of stages are written, absolute; None is standard output."""
        return None if self.log_dir == TO_OUTPUT else self.log_dir.absolute()

    @property
    def has_certificates(self) -> bool:
        """Whether tls_port is served with certificates of files; else with one of the node's own authority."""
        return self.tls_cert_file is not None or self.tls_cert_dir is not None

    @property
    def reloads(self) -> bool:
        """Whether there is something that SIGHUP has read again; else it ends the program."""
        return self.has_certificates or self.principals_file is not None

    @property
    def sts_origin(self) -> str:
        """Scheme and host of the STS whose word is taken."""
        suffix = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        return self.sts_endpoint_url or f"https://sts.{self.region}.{suffix}"

    @property
    def limits(self) -> Limits:
        """Of one connection."""
        own = Limits(
            max_messages_in_flight=self.connection_in_flight,
            messages_per_s=self.connection_message_rate or None,
            bytes_per_s=self.connection_byte_rate or None,
            pings_per_s=self.connection_ping_rate or None,
            slow_client_ms=round(self.slow_client_seconds * 1000) or None,
        )
        return profile_in(self).of(own)

    @property
    def origins(self) -> Origins | None:
        """None: nobody's are looked at."""
        if not self.allowed_origins and not self.require_origin:
            return None
        return Origins(self.allowed_origins or (_EVERYWHERE,), self.require_origin)

    @property
    def lease_ms(self) -> int:
        return round(self.lease_seconds * 1000)
